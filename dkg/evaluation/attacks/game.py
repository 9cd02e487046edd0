"""Distinguishing games: two plaintexts, one ciphertext, and which of them was encrypted.

This is the definition of secrecy that cryptographers use, played with simple attackers. An attacker
is a number that is computed from the ciphertext, and a threshold. The best attacker and its
threshold are chosen on trials of their own; only other trials are counted, so that the choice does
not raise the advantage.

References
----------
S. Goldwasser and S. Micali, "Probabilistic Encryption", Journal of Computer and System Sciences
28(2), 1984. M. Bellare, A. Desai, E. Jokipii and P. Rogaway, "A Concrete Security Treatment of
Symmetric Encryption", FOCS 1997.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dkg.attacks.scoring import standardised
from dkg.evaluation.attacks.known_plaintext import under_one_key
from dkg.evaluation.attacks.scores import (
    FALSE_ALARMS,
    Chance,
    Found,
    attack,
    cells,
    equal_share,
)
from dkg.evaluation.protocol import Cipher, Image, Key
from dkg.metrics import chi_square, histogram

TRAINED, COUNTED = 24, 48
"""Trials to choose the attacker on, and trials that are counted."""

_LARGEST = 256

Plain = tuple[Image, Image]
Statistic = Callable[[Plain, list[Image]], float]


@dataclass(frozen=True)
class _Attacker:
    """A number of the ciphertexts, and the threshold above which it says 1, or 0 if `below`."""

    statistic: str
    threshold: float
    below: bool

    def guess(self, value: float) -> int:
        return int((value > self.threshold) != self.below)


@attack(
    "game: one ciphertext",
    group="ciphertext only",
    question="Which of two plaintexts was encrypted, as seen from one ciphertext alone?",
    needs="cipher",
)
def one_ciphertext_game(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Play the game with a new key for each trial and one ciphertext under it.

    The two plaintexts are a black image and one of uniform bytes, or two of the images (an image
    and itself upside down, if there is one only). Images are cut to 256 x 256 pixels.
    """
    first = _cut(images[0])
    noise = rng.integers(0, 256, first.shape, dtype=np.uint8)
    others = [_cut(image) for image in images[1:] if _cut(image).shape == first.shape]
    second = others[0] if others else np.ascontiguousarray(first[::-1])
    choices = {"black or noise": (np.zeros_like(first), noise), "two images": (first, second)}

    def ask(plain: Plain, bit: int, key: Key) -> list[Image]:
        return under_one_key(cipher, [plain[bit]], key)

    return _play(choices, _ON_ONE, ask, cipher, rng)


@attack(
    "game: chosen plaintexts",
    group="chosen plaintext",
    question="Which of two plaintexts was encrypted, if both were encrypted before with this key?",
    needs="cipher",
)
def chosen_plaintext_game(cipher: Cipher, images: list[Image], rng: np.random.Generator) -> Found:
    """Play the game with a new key for each trial, and the ciphertexts of both plaintexts under it.

    The two plaintexts are a black image and an image, which is cut to 256 x 256 pixels.
    """
    image = _cut(images[0])
    choices = {"black or an image": (np.zeros_like(image), image)}

    def ask(plain: Plain, bit: int, key: Key) -> list[Image]:
        return under_one_key(cipher, [*plain, plain[bit]], key)

    return _play(choices, _ON_THREE, ask, cipher, rng)


def _play(
    choices: dict[str, Plain],
    statistics: dict[str, Statistic],
    ask: Callable[[Plain, int, Key], list[Image]],
    cipher: Cipher,
    rng: np.random.Generator,
) -> Found:
    """Choose plaintexts and an attacker on some trials, and count the right guesses on others."""
    best = (-1, "", _Attacker("", 0.0, False))
    bits = rng.permutation(np.arange(TRAINED) % 2)
    keys = [cipher.random_key(rng) for _ in bits]
    for choice, plain in choices.items():
        seen = [ask(plain, int(bit), key) for bit, key in zip(bits, keys, strict=True)]
        for name, statistic in statistics.items():
            values = np.array([statistic(plain, sent) for sent in seen])
            right, threshold, below = _best_threshold(values, bits)
            if right > best[0]:
                best = (right, choice, _Attacker(name, threshold, below))
    _, choice, attacker = best
    plain, statistic = choices[choice], statistics[attacker.statistic]
    bits = rng.integers(0, 2, COUNTED)
    guesses = np.array(
        [
            attacker.guess(statistic(plain, ask(plain, int(bit), cipher.random_key(rng))))
            for bit in bits
        ]
    )
    right = int(np.sum(guesses == bits))
    exact = stats.binomtest(right, COUNTED).proportion_ci(method="exact")
    low, high, limit = (
        float(2 * stats.binom.ppf(q, COUNTED, 0.5) / COUNTED - 1)
        for q in (0.025, 0.975, 1 - FALSE_ALARMS)
    )
    return Found(
        scores=(2.0 * (guesses == bits) - 1).tolist(),
        chance=Chance(low, high, limit),
        sentence=f"The best attacker ({attacker.statistic}; {choice}) is right in {right} of "
        f"{COUNTED} trials: advantage {2 * right / COUNTED - 1:.2f}, 95 % interval "
        f"{2 * exact.low - 1:.2f} to {2 * exact.high - 1:.2f}.",
        interval=(2 * exact.low - 1, 2 * exact.high - 1),
    )


def _best_threshold(
    values: NDArray[np.float64], bits: NDArray[np.int64]
) -> tuple[int, float, bool]:
    """Return the most right guesses that a threshold gives, the threshold, and its direction."""
    levels = np.unique(values)
    thresholds = [levels[0] - 1.0, *(levels[:-1] + np.diff(levels) / 2)]
    tried: Iterable[tuple[int, float, bool]] = (
        (int(np.sum(((values > t) != below) == bits)), float(t), below)
        for t in thresholds
        for below in (False, True)
    )
    return max(tried, key=lambda one: one[0])


def _correlation(first: Image, second: Image) -> float:
    side = 16 if min(first.shape[:2]) >= 128 else max(1, min(first.shape[:2]) // 8)
    a, b = (standardised(cells(image, side).reshape(1, -1))[0] for image in (first, second))
    return float(a @ b)


def _common(first: Image, second: Image) -> float:
    return float(np.minimum(histogram(first), histogram(second)).sum() / first.size)


def _neighbours(sent: Image) -> float:
    steps = np.abs(np.diff(sent.ravel().astype(np.int16), n=1))
    return float(steps.mean())


_ON_ONE: dict[str, Statistic] = {
    "mean": lambda plain, sent: float(sent[0].mean()),
    "chi-square": lambda plain, sent: chi_square(sent[0]).statistic,
    "compressed size": lambda plain, sent: len(zlib.compress(sent[0].tobytes(), 1)),
    "steps between bytes": lambda plain, sent: _neighbours(sent[0]),
    "averages": lambda plain, sent: _more(_correlation, plain, sent[0]),
    "averages, positive or negative": lambda plain, sent: _more(
        lambda a, b: abs(_correlation(a, b)), plain, sent[0]
    ),
    "common histogram": lambda plain, sent: _more(_common, plain, sent[0]),
}

_ON_THREE: dict[str, Statistic] = {
    "equal bytes": lambda plain, sent: (
        equal_share(sent[1], sent[2]) - equal_share(sent[0], sent[2])
    ),
    "common histogram": lambda plain, sent: _common(sent[1], sent[2]) - _common(sent[0], sent[2]),
    "XOR of both": lambda plain, sent: equal_share(sent[0] ^ sent[2], plain[1] ^ plain[0]),
    "averages": lambda plain, sent: _correlation(sent[1], sent[2]) - _correlation(sent[0], sent[2]),
}


def _more(alike: Callable[[Image, Image], float], plain: Plain, sent: Image) -> float:
    """Return how much more a ciphertext is like the second plaintext than like the first one."""
    return alike(plain[1], sent) - alike(plain[0], sent)


def _cut(image: Image) -> Image:
    return np.ascontiguousarray(image[:_LARGEST, :_LARGEST])
