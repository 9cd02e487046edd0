"""The sequence as a random walk, a step up for a one and a step down for a zero."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc, ndtr

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, shorter_than

_STATES = (-4, -3, -2, -1, 1, 2, 3, 4)
_VARIANT_STATES = (*range(-9, 0), *range(1, 10))

# Probabilities of 0, 1, 2, 3, 4, and 5 or more visits to a state in a cycle, by the state's
# distance from zero, to the ten digits of NIST's tool (section 3.14).
_VISITS = {
    1: (0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125),
    2: (0.75, 0.0625, 0.046875, 0.03515625, 0.0263671875, 0.0791015625),
    3: (0.8333333333, 0.02777777778, 0.02314814815, 0.01929012346, 0.01607510288, 0.0803755143),
    4: (0.875, 0.015625, 0.013671875, 0.01196289063, 0.0104675293, 0.0732727051),
}


@compiled
def _extremes(bits: Bits) -> tuple[int, int, int]:
    """Return the highest, the lowest and the last point of the walk."""
    position = 0
    highest = 0
    lowest = 0
    for i in range(bits.size):
        position += 1 if bits[i] else -1
        highest = max(highest, position)
        lowest = min(lowest, position)
    return highest, lowest, position


def _quotient(a: int, b: int) -> int:
    """Divide integers as C does, towards zero."""
    return int(math.copysign(abs(a) // b, a))


def _cumulative_sums_p_value(z: int, n: int) -> float:
    """Section 2.13.4 (4), with the limits of the sums in the integer arithmetic of NIST's tool."""
    turns = n // z
    x = z / math.sqrt(n)
    k = np.arange(_quotient(1 - turns, 4), _quotient(turns - 1, 4) + 1)
    k = k[k != 0]  # That term is 1 - 2 Phi(-x), and its 1 is the one the sums are taken from.
    first = _normal_between((4 * k - 1) * x, (4 * k + 1) * x)
    k = np.arange(_quotient(-turns - 3, 4), _quotient(turns - 1, 4) + 1)
    second = _normal_between((4 * k + 1) * x, (4 * k + 3) * x)
    # Rounding must not take the P-value out of [0, 1].
    return min(1.0, max(0.0, float(2 * ndtr(-x) - first.sum() + second.sum())))


def _normal_between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return Phi(high) - Phi(low) for intervals without zero, accurate in both tails."""
    return np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


def cumulative_sums(bits: ArrayLike) -> TestResult:
    """Cumulative sums test, section 2.13, forward and backward, for at least 100 bits.

    Variants ``forward`` and ``backward``. Statistic: z, the walk's largest distance from its start,
    or from its end.
    """
    bits = as_bits(bits)
    n = bits.size
    highest, lowest, last = _extremes(bits)
    z = (max(highest, -lowest), max(highest - last, last - lowest))
    return TestResult(
        name="cumulative_sums",
        variants=("forward", "backward"),
        parameters={"n": n},
        statistics=tuple(float(value) for value in z),
        p_values=tuple(_cumulative_sums_p_value(value, n) for value in z),
        reason=shorter_than(n, 100, "2.13.7"),
    )


@compiled
def _excursions(bits: Bits) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
    """Count the walk's cycles, the visits in them to states -4 to 4, and all visits to -9 to 9.

    Returns the number of cycles, the cycles by state and by visits (0 to 4, 5 and more), shape
    (9, 6), and the visits to each state, shape (19,).
    """
    cycles = 0
    cycles_by_visits = np.zeros((9, 6), np.int64)
    visits = np.zeros(19, np.int64)
    in_cycle = np.zeros(9, np.int64)
    position = 0
    for i in range(bits.size):
        position += 1 if bits[i] else -1
        if -9 <= position <= 9:
            visits[position + 9] += 1
            if -4 <= position <= 4:
                in_cycle[position + 4] += 1
        if position == 0 or i == bits.size - 1:
            cycles += 1
            for state in range(9):
                cycles_by_visits[state, min(in_cycle[state], 5)] += 1
                in_cycle[state] = 0
    return cycles, cycles_by_visits, visits


def _too_few_cycles(cycles: int, n: int, section: str, min_cycles: float | None) -> str:
    if min_cycles is None:
        min_cycles = max(0.005 * math.sqrt(n), 500)
    if cycles >= min_cycles:
        return ""
    return f"the walk has {cycles} cycles; section {section} asks for at least {min_cycles:.0f}"


def random_excursions(bits: ArrayLike, min_cycles: int | None = None) -> TestResult:
    """Random excursions test, section 2.14, for the states -4 to -1 and 1 to 4.

    One variant per state. Statistic: chi-square with five degrees of freedom. Details: ``J``, the
    cycles, and ``nu``, those with 0 to 4, and 5 or more visits to each state, shape (8, 6). The
    test is applicable from `min_cycles` on, by default max(0.005 sqrt(n), 500). Lower it for
    examples only.
    """
    bits = as_bits(bits)
    cycles, cycles_by_visits, _ = _excursions(bits)
    nu = cycles_by_visits[[state + 4 for state in _STATES]]
    parameters = {"n": bits.size, "J": cycles}
    variants = tuple(f"x={state:+d}" for state in _STATES)
    details = {"J": cycles, "nu": nu}
    reason = _too_few_cycles(cycles, bits.size, "2.14.4", min_cycles)
    if reason:
        return TestResult.not_applicable("random_excursions", parameters, reason, variants, details)
    expected = cycles * np.array([_VISITS[abs(state)] for state in _STATES])
    chi2 = np.sum((nu - expected) ** 2 / expected, axis=1)
    return TestResult(
        name="random_excursions",
        variants=variants,
        parameters=parameters,
        statistics=tuple(chi2.tolist()),
        p_values=tuple(gammaincc(2.5, chi2 / 2).tolist()),
        details=details,
    )


def random_excursions_variant(bits: ArrayLike, min_cycles: int | None = None) -> TestResult:
    """Random excursions variant test, section 2.15, for the states -9 to -1 and 1 to 9.

    One variant per state. Statistic: xi, the visits to the state. Details: ``J``, the cycles.
    Applicable as `random_excursions` is.
    """
    bits = as_bits(bits)
    cycles, _, visits = _excursions(bits)
    parameters = {"n": bits.size, "J": cycles}
    variants = tuple(f"x={state:+d}" for state in _VARIANT_STATES)
    reason = _too_few_cycles(cycles, bits.size, "2.15.4", min_cycles)
    if reason:
        return TestResult.not_applicable(
            "random_excursions_variant", parameters, reason, variants, {"J": cycles}
        )
    xi = [int(visits[state + 9]) for state in _VARIANT_STATES]
    p_values = (
        math.erfc(abs(count - cycles) / math.sqrt(2 * cycles * (4 * abs(state) - 2)))
        for state, count in zip(_VARIANT_STATES, xi, strict=True)
    )
    return TestResult(
        name="random_excursions_variant",
        variants=variants,
        parameters=parameters,
        statistics=tuple(float(count) for count in xi),
        p_values=tuple(p_values),
        details={"J": cycles},
    )
