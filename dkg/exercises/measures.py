"""Exercises of step 2, what measures say: NPCR and UACI, two tests of SP 800-22, a keyless cipher.

The two examples of each test are those of NIST SP 800-22 rev. 1a, sections 2.1.4, 2.1.8, 2.3.4 and
2.3.8.
"""

import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import erf, erfc
from scipy.stats import norm

from dkg import attacks, data, domains, metrics, plots, randomness
from dkg.exercises.checking import (
    Answer,
    Exercise,
    Mistake,
    Mistakes,
    call,
    check_array,
    compare,
)

Pixels = NDArray[np.uint8]

_ALPHA = 1e-6
"""Probability that one measure of an ideal cipher is refused."""


@functools.cache
def images() -> Pixels:
    """Return two phantoms of ultrasound images, uint8 (2, 256, 256, 3)."""
    return data.synthetic("ultrasound", 2).images


# NPCR and UACI.


def _part(function: Answer, number: int) -> Answer:
    """Return a function that gives one of the two values, and checks that there are two."""

    @functools.wraps(function)
    def part(*inputs: Any) -> Any:
        result = function(*inputs)
        if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
            raise Mistake("The result must be two numbers, NPCR and UACI, in this order.")
        return result[number]

    return part


def _signed(a: Pixels, b: Pixels) -> NDArray[np.int16]:
    return a.astype(np.int16) - b


NPCR_MISTAKES: Mistakes = {
    "NPCR: this is the share of equal bytes. Eq. 11 is printed with D(i, j) the wrong way "
    "round.": lambda a, b: 100 - metrics.npcr(a, b),
    "NPCR: this is a share between 0 and 1; it is printed in percent.": (
        lambda a, b: metrics.npcr(a, b) / 100
    ),
    "NPCR: you divide by the number of pixels. Each channel of a pixel is a byte of its own.": (
        lambda a, b: 100 * np.sum(a != b) / (a.shape[0] * a.shape[1])
    ),
    "NPCR: a pixel counts as changed here if one of its channels is. Each byte counts on its "
    "own.": lambda a, b: 100 * np.mean((np.atleast_3d(a) != np.atleast_3d(b)).any(axis=2)),
    "The first value is UACI. NPCR comes first.": metrics.uaci,
}

UACI_MISTAKES: Mistakes = {
    "UACI: the bug is still there. Look at the difference of two uint8 numbers: what is 3 - 5?": (
        lambda a, b: 100 * np.mean(np.abs(a - b)) / 255
    ),
    "UACI: the difference wraps around at 128 now. How many bits does a number from -255 to 255 "
    "need?": (
        lambda a, b: 100 * np.abs((a - b).view(np.int8)).mean() / 255,
        lambda a, b: 100 * np.abs((a - b).view(np.int8).astype(float)).mean() / 255,
    ),
    "UACI: the bytes are read as signed numbers before they are subtracted, so that those above "
    "127 are negative.": (
        lambda a, b: 100 * np.abs(_signed(a.view(np.int8), b.view(np.int8))).mean() / 255
    ),
    "UACI: differences of opposite sign cancel. Eq. 12 has an absolute value.": (
        lambda a, b: 100 * _signed(a, b).mean() / 255
    ),
    "UACI: the absolute value of the mean is not the mean of the absolute values.": (
        lambda a, b: 100 * abs(_signed(a, b).mean()) / 255
    ),
    "UACI: the largest difference of two bytes is 255, not 256.": (
        lambda a, b: metrics.uaci(a, b) * 255 / 256
    ),
    "UACI: this is a share between 0 and 1; it is printed in percent.": (
        lambda a, b: metrics.uaci(a, b) / 100
    ),
    "UACI: this is a mean in gray levels. It is printed in percent of 255.": (
        lambda a, b: metrics.uaci(a, b) * 2.55
    ),
    "UACI: the mean is over the bytes that differ. Eq. 12 divides by all of them.": (
        lambda a, b: 100 * metrics.uaci(a, b) / metrics.npcr(a, b)
    ),
}


def check_uint8_bug(rng: np.random.Generator, measure: Any) -> str:
    """Check a routine for NPCR and UACI against `dkg.metrics`."""
    pairs = [tuple(rng.integers(0, 256, (2, 40, 30, 3), dtype=np.uint8))]
    pairs.append(tuple(rng.integers(0, 256, (2, 24, 32), dtype=np.uint8)))
    pairs.append((images()[0], attacks.change_pixel(images()[0], (9, 9), "inverted")))
    pairs.append((images()[0], images()[1]))
    compare(_part(measure, 0), metrics.npcr, NPCR_MISTAKES, pairs, "NPCR")
    compare(_part(measure, 1), metrics.uaci, UACI_MISTAKES, pairs, "UACI")
    return f"NPCR and UACI agree with dkg.metrics for {len(pairs)} pairs of images."


def _pair() -> tuple[Pixels, Pixels]:
    first, second = domains.aes_ctr(np.zeros_like(images()), 1)
    return first, second


def _uint8_bug_picture() -> Figure:
    first, second = _pair()
    difference = np.abs(_signed(first, second))
    return plots.image_histograms(
        {
            "uint8: wraps around": first - second,
            "int16, absolute": difference.astype(np.uint8),
        }
    )


# Monobit and runs.

_TEN_1, _TEN_2 = "1011010101", "1001101011"
_HUNDRED = (
    "11001001000011111101101010100010001000010110100011"
    "00001000110100110001001100011001100010100010111000"
)
EXAMPLES = {
    "monobit": (("2.1.4", _TEN_1, 0.527089), ("2.1.8", _HUNDRED, 0.109599)),
    "runs": (("2.3.4", _TEN_2, 0.147232), ("2.3.8", _HUNDRED, 0.500798)),
}
"""The published examples: section, sequence and P-value, with six decimals."""


def bits_of(text: str) -> Pixels:
    """Return the bits of a text of 0 and 1, uint8 (n,)."""
    return np.array(list(text), np.uint8)


def p_value(test: Callable[[Any], randomness.TestResult], bits: Pixels) -> float:
    """Return the P-value of a test as the standard has it: 0 where the monobit test fails first."""
    value = test(bits).p_value
    return 0.0 if value is None else value


def monobit(bits: Pixels) -> float:
    """Solve the first half of the exercise."""
    return p_value(randomness.monobit, bits)


def runs(bits: Pixels) -> float:
    """Solve the second half of the exercise."""
    return p_value(randomness.runs, bits)


def _of_sum(function: Callable[[int, int], float]) -> Answer:
    """Make a mistaken monobit test from the sum of -1 and 1 and the number of bits."""
    return lambda bits: float(function(2 * int(np.count_nonzero(bits)) - len(bits), len(bits)))


def _of_runs(function: Callable[[int, float, int], float]) -> Answer:
    """Make a mistaken runs test from the changes of bits, the share of ones and their number."""

    def mistaken(bits: Pixels) -> float:
        pi, n = np.count_nonzero(bits) / len(bits), len(bits)
        if abs(pi - 0.5) >= 2 / math.sqrt(n):
            return 0.0
        return float(function(int(np.count_nonzero(bits[1:] != bits[:-1])), pi, n))

    return mistaken


def _without_first_test(bits: Pixels) -> float:
    pi, n = np.count_nonzero(bits) / len(bits), len(bits)
    changes = int(np.count_nonzero(bits[1:] != bits[:-1]))
    spread = 2 * pi * (1 - pi)
    return float(erfc(abs(changes + 1 - n * spread) / (spread * math.sqrt(2 * n))))


MONOBIT_MISTAKES: Mistakes = {
    "monobit: each bit counts as -1 or 1, so that ones and zeros cancel. It looks like the number "
    "of ones.": _of_sum(lambda s, n: erfc((s + n) / 2 / math.sqrt(2 * n))),
    "monobit: it looks like uint8 arithmetic: 2 * 0 - 1 is 255 there.": (
        lambda bits: float(erfc(int(np.sum(2 * bits - 1)) / math.sqrt(2 * len(bits)))),
        lambda bits: float(erfc(int(np.sum(2 * bits - 1, dtype="u1")) / math.sqrt(2 * len(bits)))),
    ),
    "monobit: a square root of 2 is missing in the argument of erfc.": (
        _of_sum(lambda s, n: erfc(abs(s) / math.sqrt(n)))
    ),
    "monobit: the sum is divided by n. How does the spread of a sum of n coin tosses grow?": (
        _of_sum(lambda s, n: erfc(abs(s) / n / math.sqrt(2)))
    ),
    "monobit: the sign of the sum must not matter: sequences with more zeros get a P-value above "
    "1.": _of_sum(lambda s, n: erfc(s / math.sqrt(2 * n))),
    "monobit: this is erf; the P-value is its complement, erfc.": (
        _of_sum(lambda s, n: erf(abs(s) / math.sqrt(2 * n)))
    ),
    "monobit: this is half of the P-value. The test is two-sided.": (
        _of_sum(lambda s, n: erfc(abs(s) / math.sqrt(2 * n)) / 2)
    ),
}

RUNS_MISTAKES: Mistakes = {
    "runs: off by one. How many runs does 0011 have, and how many changes?": _of_runs(
        lambda v, p, n: erfc(abs(v - 2 * n * p * (1 - p)) / (2 * math.sqrt(2 * n) * p * (1 - p)))
    ),
    "runs: wrong only where the ones are too many or too few. Section 2.3.4 asks for another test "
    "first, and for a P-value of 0 where it fails.": _without_first_test,
    "runs: it looks like uint8 arithmetic: 0 - 1 is 255 there.": lambda bits: _of_runs(
        lambda v, p, n: erfc(
            abs(1 + int(np.abs(np.diff(bits)).sum()) - 2 * n * p * (1 - p))
            / (2 * math.sqrt(2 * n) * p * (1 - p))
        )
    )(bits),
    "runs: a square root of 2 is missing in the denominator.": _of_runs(
        lambda v, p, n: erfc(abs(v + 1 - 2 * n * p * (1 - p)) / (2 * math.sqrt(n) * p * (1 - p)))
    ),
    "runs: a factor of 2 is missing in the expected number of runs.": _of_runs(
        lambda v, p, n: erfc(abs(v + 1 - n * p * (1 - p)) / (2 * math.sqrt(2 * n) * p * (1 - p)))
    ),
    "runs: too few runs are as odd as too many. Where is the absolute value?": _of_runs(
        lambda v, p, n: erfc((v + 1 - 2 * n * p * (1 - p)) / (2 * math.sqrt(2 * n) * p * (1 - p)))
    ),
    "runs: this is erf; the P-value is its complement, erfc.": _of_runs(
        lambda v, p, n: erf(abs(v + 1 - 2 * n * p * (1 - p)) / (2 * math.sqrt(2 * n) * p * (1 - p)))
    ),
}


def check_monobit_and_runs(rng: np.random.Generator, monobit_test: Any, runs_test: Any) -> str:
    """Check the two tests on the standard's examples and on random sequences."""
    sequences = [(bits_of(_TEN_1),), (bits_of(_TEN_2),), (bits_of(_HUNDRED),)]
    sequences += [((rng.random(n) < p).astype(np.uint8),) for n, p in ((1000, 0.5), (501, 0.47))]
    # Too few runs: each has three bits.
    sequences += [(np.roll(np.arange(240) // 3 % 2, rng.integers(6)).astype(np.uint8),)]
    # 75 and 25 ones of 100: the first test of section 2.3.4 fails, whatever the order.
    sequences += [(rng.permutation(np.arange(100) < ones).astype(np.uint8),) for ones in (75, 25)]
    compare(monobit_test, monobit, MONOBIT_MISTAKES, sequences, "monobit")
    compare(runs_test, runs, RUNS_MISTAKES, sequences, "runs")
    for test, answer in (("monobit", monobit_test), ("runs", runs_test)):
        for section, text, published in EXAMPLES[test]:
            if round(float(call(answer, bits_of(text))), 6) != published:
                raise Mistake(f"{test}: the example of section {section} is {published}.")
    return f"Both tests meet the standard's examples and dkg.randomness on {len(sequences)} inputs."


def _sequences() -> tuple[Pixels, Pixels]:
    """Return 10,000 bits of AES and of an image."""
    keystream = domains.aes_ctr(np.zeros_like(images()), 1)
    return np.unpackbits(keystream)[:10_000], np.unpackbits(images()[0])[:10_000]


def _walks() -> Figure:
    sequences = dict(zip(("AES-256-CTR", "an image"), _sequences(), strict=True))
    walks = {name: np.cumsum(2 * bits.astype(int) - 1) for name, bits in sequences.items()}
    # Beyond it, the P-value of the monobit test is below 0.01.
    return plots.random_walks(walks, norm.isf(0.005) * math.sqrt(10_000))


# Perfect measures.


def noise(array: Pixels) -> Pixels:
    """Return public noise that depends on every byte of an array: SHAKE-256, without any key.

    Parameters
    ----------
    array : numpy.ndarray
        uint8 of any shape.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    digest = hashlib.shake_256(array.tobytes()).digest(array.size)
    return np.frombuffer(digest, np.uint8).reshape(array.shape)


def scramble(image: Pixels) -> Pixels:
    """Solve the exercise: four rounds of a Feistel network without a key."""
    top, bottom = np.split(image, 2)
    for _ in range(2):
        top = top ^ noise(bottom)
        bottom = bottom ^ noise(top)
    return np.concatenate([top, bottom])


def unscramble(cipher: Pixels) -> Pixels:
    """Undo `scramble`."""
    top, bottom = np.split(cipher, 2)
    for _ in range(2):
        bottom = bottom ^ noise(top)
        top = top ^ noise(bottom)
    return np.concatenate([top, bottom])


def refused(image: Pixels, cipher: Pixels, changed: Mapping[str, Pixels]) -> str:
    """Say which measure of a ciphertext is not that of i.i.d. uniform bytes, or nothing.

    Parameters
    ----------
    image, cipher : numpy.ndarray
        uint8 (256, 256, 3).
    changed : mapping of str to numpy.ndarray
        By the place of a changed pixel, the ciphertext of the changed image.
    """
    found = metrics.entropy(cipher)
    allowed = metrics.ideal_entropy(cipher.size).interval(_ALPHA)
    if found not in allowed:
        moved = np.array_equal(metrics.histogram(image), metrics.histogram(cipher))
        return f"The entropy is {found:.4f} bits, and below {allowed.low:.4f}." + (
            " The histogram is that of the image: you moved bytes, and changed none." * moved
        )
    for direction in ("horizontal", "vertical", "diagonal"):
        r = metrics.adjacent_correlation(cipher, direction, n_pairs=None)
        if not abs(r) <= metrics.ideal_correlation(3 * 255**2).interval(_ALPHA).high:
            return f"Neighbours are correlated, {direction}: r = {r:.4f}. Structure is left."
    for place, other in changed.items():
        rate, intensity = metrics.npcr(cipher, other), metrics.uaci(cipher, other)
        if rate not in metrics.npcr_interval(cipher.size, _ALPHA):
            return (
                f"One changed pixel {place} changes {rate:.4f} % of the ciphertext (NPCR). A "
                "change anywhere must spread to all bytes."
            )
        if intensity not in metrics.uaci_interval(cipher.size, _ALPHA):
            return (
                f"One changed pixel {place} gives UACI {intensity:.2f} %: all bytes change, but "
                "not by random amounts."
            )
    return ""


def check_perfect_measures(rng: np.random.Generator, encrypt: Any, decrypt: Any) -> str:
    """Check a cipher without a key whose measures are those of an ideal one."""
    places = {"at the top": (0, 0), "in the middle": (128, 100), "at the bottom": (255, 255)}
    noisy = rng.integers(0, 256, images()[0].shape, dtype=np.uint8)
    for image in (*images(), noisy):
        cipher = call(encrypt, image)
        check_array(cipher, image.shape, "The ciphertext")
        if not np.array_equal(cipher, call(encrypt, image)):
            raise Mistake(
                "Two ciphertexts of one image differ: encrypt draws random numbers that decrypt "
                "cannot know. Fix them, or compute them from what the receiver has."
            )
        back = call(decrypt, cipher)
        check_array(back, image.shape, "The decrypted image")
        if not np.array_equal(back, image):
            share = 100 * np.mean(back != image)
            raise Mistake(
                f"decrypt does not undo encrypt: {share:.2f} % of the bytes are wrong. Undo the "
                "last step first, and use only what can be computed from the ciphertext."
            )
        if image is not noisy:
            changed = {
                name: call(encrypt, attacks.change_pixel(image, pixel, "one gray level"))
                for name, pixel in places.items()
            }
            if words := refused(image, cipher, changed):
                raise Mistake(words)
    return (
        "Entropy, correlations, NPCR and UACI are those of i.i.d. uniform bytes, and anybody can "
        "decrypt. What, then, do these measures say about security?"
    )


def _perfect_picture() -> Figure:
    image = images()[0]
    return plots.image_histograms({"image": image, "ciphertext without a key": scramble(image)})


def exercises() -> Iterator[Exercise]:
    """Yield the exercises of this step."""
    yield Exercise("uint8_bug", check_uint8_bug, _pair, _uint8_bug_picture)
    yield Exercise("monobit_and_runs", check_monobit_and_runs, _sequences, _walks)
    yield Exercise(
        "perfect_measures", check_perfect_measures, lambda: (images()[0],), _perfect_picture
    )
