"""Templates: given patterns of bits occur as often as chance has them."""

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc

from dkg.compiled import compiled
from dkg.randomness.result import Bits, TestResult, as_bits, check_constants

_OVERLAPPING_BLOCK = 1032
_OVERLAPPING_CLASSES = 6  # 0, 1, 2, 3, 4, and 5 or more matches in a block.
_LONGEST_TEMPLATE = 16


def is_aperiodic(template: str) -> bool:
    """Return whether no proper beginning of a template, of zeros and ones, is also its end."""
    return not any(template.startswith(template[shift:]) for shift in range(1, len(template)))


@functools.cache
def aperiodic_templates(length: int = 9) -> tuple[str, ...]:
    """Return all templates that cannot overlap themselves, in ascending order.

    They are strings of 2 to 16 zeros and ones. There are 148 templates of length 9.
    """
    if not 2 <= length <= _LONGEST_TEMPLATE:
        raise ValueError(f"length must be from 2 to {_LONGEST_TEMPLATE}, got {length}")
    candidates = (f"{value:0{length}b}" for value in range(2**length))
    return tuple(filter(is_aperiodic, candidates))


@compiled
def _count_windows(bits: Bits, length: int, n_blocks: int, block_length: int) -> NDArray[np.int32]:
    """Count each value of the windows of `length` bits that lie inside each block."""
    counts = np.zeros((n_blocks, 1 << length), np.int32)
    mask = np.int64((1 << length) - 1)
    for block in range(n_blocks):
        start = block * block_length
        window = np.int64(0)
        for i in range(start, start + length - 1):
            window = (window << 1) | bits[i]
        for i in range(start + length - 1, start + block_length):
            window = ((window << 1) | bits[i]) & mask
            counts[block, window] += 1
    return counts


def non_overlapping_template(
    bits: ArrayLike, templates: tuple[str, ...] | None = None, n_blocks: int = 8
) -> TestResult:
    """Non-overlapping template matching test, section 2.7.

    One variant per template. Statistic: chi-square with N degrees of freedom. Details: ``W``, the
    matches, shape (templates, blocks), and ``mu`` and ``sigma2``, their mean and variance.
    Applicable where a block expects at least five matches, which takes 20,544 bits by default; the
    standard has no rule.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence.
    templates : sequence of str, optional
        Aperiodic templates of one length m, 2 to 16, such as ``["000000001"]``. All 148 of length
        9 by default.
    n_blocks : int, optional
        Blocks that the sequence is cut into, N, at least 1.
    """
    if n_blocks < 1:
        raise ValueError(f"n_blocks must be at least 1, got {n_blocks}")
    templates = aperiodic_templates() if templates is None else tuple(templates)
    if not templates:
        raise ValueError("no template is given")
    m = len(templates[0])
    for template in templates:
        if not isinstance(template, str) or set(template) - {"0", "1"}:
            raise ValueError(f"a template is a string of 0 and 1, got {template!r}")
        if len(template) != m or not 2 <= m <= _LONGEST_TEMPLATE:
            raise ValueError(
                f"templates must share one length from 2 to {_LONGEST_TEMPLATE}, got {template!r}"
            )
        if not is_aperiodic(template):
            raise ValueError(
                f"template {template!r} can overlap itself: its matches do not have the mean and "
                "variance of the test"
            )
    bits = as_bits(bits)
    n = bits.size
    block_length = n // n_blocks
    parameters = {"n": n, "m": m, "N": n_blocks, "M": block_length}
    if block_length < m:
        reason = f"blocks of {block_length} bits are shorter than templates of {m}"
        return TestResult.not_applicable("non_overlapping_template", parameters, reason, templates)
    # A template never matches twice within its own length: one count of windows serves all.
    counts = _count_windows(bits, m, n_blocks, block_length)
    matches = counts[:, [int(template, 2) for template in templates]].T
    mu = (block_length - m + 1) / 2**m
    sigma2 = block_length * (2.0**-m - (2 * m - 1) * 2.0 ** (-2 * m))
    chi2 = np.sum((matches - mu) ** 2, axis=1) / sigma2
    reason = ""
    if mu < 5:
        reason = (
            f"a block of {block_length:,} bits expects only {mu:.2g} matches of a template: fewer "
            "than 5 are too few for the normal distribution of section 3.7"
        )
    return TestResult(
        name="non_overlapping_template",
        variants=templates,
        parameters=parameters,
        statistics=tuple(chi2.tolist()),
        p_values=tuple(gammaincc(n_blocks / 2, chi2 / 2).tolist()),
        reason=reason,
        details={"W": matches, "mu": mu, "sigma2": sigma2},
    )


@functools.cache
def overlapping_probabilities(template_length: int, constants: str) -> np.ndarray:
    """Return the probabilities of 0, 1, 2, 3, 4, and 5 or more matches in a block of 1032 bits.

    Those of NIST's tool are the compound Poisson approximation of section 3.8. The exact ones come
    from a dynamic program over the run of ones before each bit and the matches so far, which gives
    the values of Hamano and Kaneko that the standard prints in section 3.8.
    """
    last = _OVERLAPPING_CLASSES - 1
    if constants == "nist":
        eta = (_OVERLAPPING_BLOCK - template_length + 1) / 2**template_length / 2
        pi = [math.exp(-eta)]
        for u in range(1, last):
            terms = (math.comb(u - 1, k - 1) * eta**k / math.factorial(k) for k in range(1, u + 1))
            pi.append(math.exp(-eta) / 2**u * sum(terms))
        return np.array([*pi, 1 - sum(pi)])
    # state[r, c]: a run of r ones (m for m and more) precedes, with c matches (5 for more).
    state = np.zeros((template_length + 1, _OVERLAPPING_CLASSES))
    state[0, 0] = 1.0
    for _ in range(_OVERLAPPING_BLOCK):
        after = np.empty_like(state)
        after[0] = state.sum(axis=0) / 2
        after[1:] = state[:-1] / 2
        matched = after[-1] + state[-1] / 2
        after[-1] = [0.0, *matched[: last - 1], matched[last - 1] + matched[last]]
        state = after
    probabilities: np.ndarray = state.sum(axis=0)
    return probabilities


@compiled
def _count_ones_templates(bits: Bits, length: int, block_length: int) -> NDArray[np.int64]:
    """Return, for each whole block, the places where `length` ones follow each other."""
    matches = np.zeros(bits.size // block_length, np.int64)
    for block in range(matches.size):
        run = 0
        found = 0
        for i in range(block * block_length, (block + 1) * block_length):
            run = (run + 1) * bits[i]
            found += run >= length
        matches[block] = found
    return matches


def overlapping_template(
    bits: ArrayLike, template_length: int = 9, constants: str = "nist"
) -> TestResult:
    """Overlapping template matching test, section 2.8, with a template of 2 to 16 ones.

    Statistic: chi-square with five degrees of freedom. Details: ``nu``, blocks with 0, 1, 2, 3, 4,
    and 5 or more matches, and ``pi``, the classes' probabilities. Applicable where every class
    expects more than five blocks (section 2.8.7).
    """
    check_constants(constants)
    if not 2 <= template_length <= _LONGEST_TEMPLATE:
        raise ValueError(
            f"template_length must be from 2 to {_LONGEST_TEMPLATE}, got {template_length}"
        )
    bits = as_bits(bits)
    n = bits.size
    n_blocks = n // _OVERLAPPING_BLOCK
    parameters = {
        "n": n,
        "m": template_length,
        "M": _OVERLAPPING_BLOCK,
        "N": n_blocks,
        "constants": constants,
    }
    if n_blocks == 0:
        reason = f"the sequence has {n:,} bits, less than one block of {_OVERLAPPING_BLOCK:,}"
        return TestResult.not_applicable("overlapping_template", parameters, reason)
    matches = _count_ones_templates(bits, template_length, _OVERLAPPING_BLOCK)
    last = _OVERLAPPING_CLASSES - 1
    nu = np.bincount(np.minimum(matches, last), minlength=_OVERLAPPING_CLASSES)
    pi = overlapping_probabilities(template_length, constants)
    chi2 = float(np.sum((nu - n_blocks * pi) ** 2 / (n_blocks * pi)))
    reason = ""
    if n_blocks * pi.min() <= 5:
        reason = (
            f"with {n_blocks} blocks, a class expects only {n_blocks * pi.min():.2g} of them; "
            "section 2.8.7 asks for more than 5"
        )
    return TestResult(
        name="overlapping_template",
        parameters=parameters,
        statistics=(chi2,),
        p_values=(float(gammaincc(last / 2, chi2 / 2)),),
        reason=reason,
        details={"nu": nu, "pi": pi},
    )
