"""Evaluate a cipher: every requested measure and attack, in one table."""

import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dkg.evaluation.attacks import ATTACKS, SLOW
from dkg.evaluation.evaluation import Evaluation
from dkg.evaluation.files import CiphertextFiles
from dkg.evaluation.loading import load
from dkg.evaluation.measures import MEASURES, Sample, encrypt_all
from dkg.evaluation.outcomes import Attacked, Measured
from dkg.evaluation.protocol import Cipher, Image, check, check_image, name_of

R = TypeVar("R")

_NEEDS = {
    "cipher": "the cipher",
    "pairs": "the plaintexts",
    "images": "the plaintexts",
    "one key": "ciphertexts under one key",
}


@dataclass(frozen=True, eq=False)
class _Material:
    """What is evaluated; `missing` has the keys of `_NEEDS` that are not available."""

    cipher: Cipher
    images: list[Image]
    sample: Sample
    statements: tuple[str, ...]
    missing: frozenset[str]


def evaluate(
    cipher: Cipher | str,
    images: Iterable[Image],
    *,
    measures: Iterable[str] | None = None,
    attacks: Iterable[str] | None = None,
    seed: int | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> Evaluation:
    """Measure an image cipher, and attack it.

    Parameters
    ----------
    cipher : Cipher or str
        An object with ``encrypt``, ``decrypt`` and ``random_key``, as
        `dkg.evaluation.protocol.Cipher` describes it, or a name that `dkg.evaluation.loading.load`
        knows: a built-in cipher or ``"file.py:Class"``.
    images : iterable of numpy.ndarray
        uint8 (height, width) or (height, width, channels); their shapes may differ.
    measures : iterable of str, optional
        Names of `dkg.evaluation.measures.MEASURES`; all by default, none for an empty list.
    attacks : iterable of str, optional
        Names of `dkg.evaluation.attacks.ATTACKS`; by default all but
        `dkg.evaluation.attacks.SLOW`.
    seed : int, optional
        Random seed of keys, noise and sampled pairs, at least 0. The same one gives the same
        numbers, except for times. Default: a random one, which the result names.
    jobs : int, default 1
        Threads. With more than one the cipher must be thread-safe.
    progress : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    Evaluation
        With its ``table``, ``verdict``, ``figures`` and ``report``.

    Raises
    ------
    ValueError
        If the object is not an image cipher (`UnusableCipher`), there is no image, a name is
        unknown, or `seed` or `jobs` is out of range.
    """
    families, tried = _chosen(measures, MEASURES, "measure"), _attacks(attacks)
    seed, jobs = _check_numbers(seed, jobs)
    cipher = load(cipher) if isinstance(cipher, str) else cipher
    images = [check_image(np.asarray(image)) for image in images]
    checked = check(cipher, images, seed=seed)
    sample = encrypt_all(cipher, images, _rng(seed, "sample"))
    material = _Material(cipher, images, sample, checked.statements, frozenset())
    return _run(material, families, tried, seed, jobs, progress)


def evaluate_ciphertexts(
    ciphertexts: Sequence[Image],
    images: Sequence[Image] | None = None,
    *,
    one_key: bool = False,
    name: str = "ciphertext files",
    measures: Iterable[str] | None = None,
    attacks: Iterable[str] | None = None,
    seed: int | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> Evaluation:
    """Measure and attack ciphertexts of a cipher that is not at hand.

    What needs the cipher, or plaintexts that are not given, is listed in ``not_measured``.

    Parameters
    ----------
    ciphertexts : sequence of numpy.ndarray
        uint8, of the shapes of their plaintexts.
    images : sequence of numpy.ndarray, optional
        The plaintexts, in the same order.
    one_key : bool, default False
        Whether all ciphertexts are under one key, so that attacks on key reuse apply.
    name : str
        What tables call the cipher.
    measures, attacks, seed, jobs, progress
        As for `evaluate`.

    Returns
    -------
    Evaluation
        As `evaluate` returns.

    Raises
    ------
    ValueError
        If there is no ciphertext, a plaintext has another shape, or a name is unknown.
    """
    families, tried = _chosen(measures, MEASURES, "measure"), _attacks(attacks)
    seed, jobs = _check_numbers(seed, jobs)
    hidden = [check_image(np.asarray(ciphertext)) for ciphertext in ciphertexts]
    plain = [check_image(np.asarray(image)) for image in images or ()]
    if not hidden:
        raise ValueError("at least one ciphertext is needed")
    if plain and [p.shape for p in plain] != [c.shape for c in hidden]:
        raise ValueError("each ciphertext must have the shape of its plaintext")
    missing = {"cipher"} | (set() if one_key else {"one key"})
    if not plain:
        missing |= {"pairs", "images", "one key"}
    files = CiphertextFiles(plain, hidden if plain else [], name)
    statements = (
        f"Only ciphertexts are known, {'all under one key' if one_key else 'each under its key'}.",
    )
    material = _Material(files, plain, Sample(plain, hidden, []), statements, frozenset(missing))
    return _run(material, families, tried, seed, jobs, progress)


def _run(
    material: _Material,
    families: list[str],
    tried: list[str],
    seed: int,
    jobs: int,
    progress: bool,
) -> Evaluation:
    """Run every part whose needs are met; time measurements come last, when nothing else runs."""
    from tqdm.auto import tqdm

    missing, not_measured = material.missing, []
    for name, needs in [(MEASURES[n].title, MEASURES[n].needs) for n in families] + [
        (n, ATTACKS[n].needs) for n in tried
    ]:
        if needs in missing:
            # Without plaintexts, one key would not help.
            lacks = "pairs" if "pairs" in missing and needs == "one key" else needs
            not_measured.append((name, f"needs {_NEEDS[lacks]}"))
    families = [name for name in families if MEASURES[name].needs not in missing]
    tried = [name for name in tried if ATTACKS[name].needs not in missing]

    def measure(name: str) -> list[Measured]:
        return MEASURES[name].run(material.sample, _rng(seed, name))

    def attack(name: str) -> Attacked:
        return ATTACKS[name].run(material.cipher, material.images, _rng(seed, name))

    quiet = [name for name in families if not MEASURES[name].timed]
    timed = [name for name in families if MEASURES[name].timed]
    total = len(families) + len(tried)
    with tqdm(total=total, desc=name_of(material.cipher), unit="part", disable=not progress) as bar:
        rows = list(_mapped(measure, quiet, jobs, bar.update))
        attacked = list(_mapped(attack, tried, jobs, bar.update))
        times = list(_mapped(measure, timed, 1, bar.update))
    shapes = [image.shape for image in material.sample.ciphertexts]
    return Evaluation(
        cipher=name_of(material.cipher),
        statements=material.statements,
        measured=tuple(row for family in rows for row in family),
        attacked=tuple(attacked),
        times=tuple(row for family in times for row in family),
        not_measured=tuple(not_measured),
        shapes=tuple(shapes),
        seed=seed,
        examples=tuple(material.sample.pairs[:3]) if material.images else (),
    )


def _mapped(
    work: Callable[[str], R], names: list[str], jobs: int, done: Callable[[], object]
) -> Iterator[R]:
    """Yield the results in the order of the names, from `jobs` threads."""
    if jobs == 1:
        for name in names:
            yield work(name)
            done()
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        for result in pool.map(work, names):
            yield result
            done()
    finally:
        pool.shutdown(cancel_futures=True)


def _chosen(names: Iterable[str] | None, known: Iterable[str], what: str) -> list[str]:
    known = list(known)
    if names is None:
        return known
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    return [name for name in known if name in wanted]


def _attacks(names: Iterable[str] | None) -> list[str]:
    chosen = _chosen(names, ATTACKS, "attack")
    return [name for name in chosen if names is not None or name not in SLOW]


def _check_numbers(seed: int | None, jobs: int) -> tuple[int, int]:
    if seed is not None and seed < 0:
        raise ValueError(f"the random seed must be at least 0, not {seed}")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    return secrets.randbits(32) if seed is None else seed, jobs


def _rng(seed: int, name: str) -> np.random.Generator:
    """Return the random generator of a part; it does not depend on the other parts."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
