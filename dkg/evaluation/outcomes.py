"""Outcomes of an evaluation: one measured value, one attack.

A measure is a function ``(cipher, images, rng) -> list of Measured`` and an attack a function
``(cipher, images, rng) -> Attacked``. The `images` are a list of uint8 arrays that may differ in
shape, and `rng` is the only source of randomness. Outcomes are plain values: table, report and
record are made from the same ones.

``dkg.evaluation.attacks.ATTACKS`` holds an `Attack` for each name, and its ``needs`` says what it
asks of the cipher. A cipher of which only files exist can be an object whose ``encrypt`` looks up
the ciphertext of a known image and ignores the key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dkg.evaluation.protocol import Cipher, Image


@dataclass(frozen=True)
class Measured:
    """One measure of a cipher, beside what i.i.d. uniform bytes of this size give.

    Attributes
    ----------
    name : str
        Unique in an evaluation, such as ``"entropy"`` or ``"correlation, horizontal"``.
    group : str
        The part of the table it belongs to, such as ``"histogram"`` or ``"key sensitivity"``.
    value : float
        The mean over the images; NaN if it cannot be measured here, as `where` then says.
    low, high : float
        95 % interval of the mean over the images; NaN for fewer than two images.
    ideal, ideal_low, ideal_high : float or None
        What i.i.d. uniform bytes of this size and number give, with the 95 % interval of the same
        mean; None where random bytes are no reference, as for a speed.
    unit : str
        ``"bits"``, ``"%"``, ``"dB"``, ``"MB/s"``; empty for a pure number.
    n : int
        The number of images, or of pairs of images, that the value is the mean of.
    where : str
        What was measured on, and the formula's choices: ``"ciphertexts, bytes of all channels"``.
    """

    name: str
    group: str
    value: float
    low: float
    high: float
    ideal: float | None
    ideal_low: float | None
    ideal_high: float | None
    unit: str
    n: int
    where: str

    @property
    def looks_random(self) -> bool | None:
        """Whether the value lies in the interval of uniform bytes; None where there is none."""
        if self.ideal_low is None or self.ideal_high is None or np.isnan(self.value):
            return None
        return self.ideal_low <= self.value <= self.ideal_high


@dataclass(frozen=True, eq=False)
class Attacked:
    """One attack on a cipher, beside what chance gives.

    Attributes
    ----------
    name : str
        Unique in an evaluation: the key of `dkg.evaluation.attacks.ATTACKS`.
    group : str
        What the attacker has: ``"ciphertext only"``, ``"known plaintext"``,
        ``"chosen plaintext"``, ``"active"`` or ``"keys"``.
    question : str
        What is asked, as a question: ``"Does the ciphertext show a coarse plaintext?"``.
    score : float
        The mean over the trials; NaN if the attack does not apply.
    low, high : float
        95 % interval of the mean over the trials; NaN for fewer than two trials.
    chance_low, chance_high : float
        Where the score lies in 95 % of cases if the ciphertext has nothing to do with the
        plaintext. A one-sided score has its lowest value as `chance_low`.
    succeeded : bool or None
        By `rule`, which is fixed before the attack is run; None if the attack does not apply.
    rule : str
        When the attack counts as a success: ``"the score lies above 0.31"``.
    sentence : str
        The outcome as one sentence, with its numbers, or why the attack does not apply.
    unit : str
        As in `Measured`.
    n : int
        The number of trials, usually of images.
    pictures : dict of str to ndarray
        Images that show the outcome, uint8 (height, width) or (height, width, 3), by their
        captions, such as ``"plaintext"``, ``"ciphertext"`` and ``"recovered"``; often empty.
    """

    name: str
    group: str
    question: str
    score: float
    low: float
    high: float
    chance_low: float
    chance_high: float
    succeeded: bool | None
    rule: str
    sentence: str
    unit: str
    n: int
    pictures: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def results(self) -> dict[str, NDArray[np.uint8]]:
        """Its pictures without plaintext and ciphertext, by the attack's name and their caption."""
        return {
            f"{self.name}: {caption}": image
            for caption, image in self.pictures.items()
            if caption not in ("plaintext", "ciphertext")
        }


@dataclass(frozen=True)
class Attack:
    """An attack that can be run on any cipher.

    Attributes
    ----------
    name, group, question : str
        As in `Attacked`.
    needs : {'images', 'one key', 'cipher'}
        ``'images'``: encrypts only the images that it is given, each under a random key of its
        own. ``'one key'``: the same, but under one key for all of them. ``'cipher'``: encrypts
        images of its own, decrypts, or changes keys.
    run : callable
        ``run(cipher, images, rng)`` returns `Attacked`. It does not raise where the cipher or an
        image is unfit for it: ``succeeded`` is None and ``sentence`` says why.
    """

    name: str
    group: str
    question: str
    needs: Literal["images", "one key", "cipher"]
    run: Callable[[Cipher, list[Image], np.random.Generator], Attacked]
