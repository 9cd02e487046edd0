"""All tests on one sequence, as a table."""

from collections.abc import Callable, Iterable

import pandas as pd
from numpy.typing import ArrayLike

from dkg.randomness.frequency import block_frequency, longest_run_of_ones, monobit, runs
from dkg.randomness.linear import binary_matrix_rank, linear_complexity, spectral
from dkg.randomness.patterns import approximate_entropy, maurers_universal, serial
from dkg.randomness.result import TestResult, as_bits, check_constants
from dkg.randomness.templates import non_overlapping_template, overlapping_template
from dkg.randomness.walks import cumulative_sums, random_excursions, random_excursions_variant

# In the order of the standard.
TESTS: dict[str, Callable[..., TestResult]] = {
    test.__name__: test
    for test in (
        monobit,
        block_frequency,
        runs,
        longest_run_of_ones,
        binary_matrix_rank,
        spectral,
        non_overlapping_template,
        overlapping_template,
        maurers_universal,
        linear_complexity,
        serial,
        approximate_entropy,
        cumulative_sums,
        random_excursions,
        random_excursions_variant,
    )
}

_WITH_CONSTANTS = {"longest_run_of_ones", "overlapping_template", "linear_complexity"}


def run_tests(
    bits: ArrayLike, tests: Iterable[str] | None = None, constants: str = "nist"
) -> list[TestResult]:
    """Run tests, in the order of their names, with their default parameters."""
    names = check_tests(tests)
    check_constants(constants)
    bits = as_bits(bits)
    return [
        TESTS[name](bits, constants=constants) if name in _WITH_CONSTANTS else TESTS[name](bits)
        for name in names
    ]


def in_words(test: str) -> str:
    """Return a test's name as a table shows it: ``"Maurer's universal"``."""
    return test.replace("_", " ").replace("maurers", "Maurer's")


def check_tests(tests: Iterable[str] | None) -> list[str]:
    """Return the names of the tests to run, all by default; raise ValueError if one is unknown."""
    names = list(TESTS) if tests is None else [tests] if isinstance(tests, str) else list(tests)
    if not names:
        raise ValueError(f"no test is given; the tests are {', '.join(TESTS)}")
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        raise ValueError(f"unknown test {unknown[0]!r}; the tests are {', '.join(TESTS)}")
    return names


def run_suite(
    bits: ArrayLike,
    tests: Iterable[str] | None = None,
    constants: str = "nist",
    *,
    alpha: float = 0.01,
) -> pd.DataFrame:
    """Run the suite on one sequence.

    Parameters
    ----------
    bits : bytes-like or array-like
        The sequence, as `as_bits` reads it.
    tests : iterable of str, optional
        Names of tests, those of their functions; all fifteen by default.
    constants : {'nist', 'exact'}, optional
        Class probabilities of the longest run, overlapping template and linear complexity tests:
        those of NIST's tool, or exact ones.
    alpha : float, optional
        Significance level: a P-value of at least `alpha` passes.

    Returns
    -------
    pandas.DataFrame
        One row per P-value, 188 for all tests, with the columns ``test``, ``variant``,
        ``statistic`` and ``p_value`` (Float64), ``passed`` (boolean) and ``reason``. Where a test
        is not applicable, ``passed`` is missing (``pandas.NA``) and ``reason`` says why; its
        statistic and P-value are missing too unless they could be computed, see `TestResult`.

    Examples
    --------
    >>> import numpy as np
    >>> key = np.random.default_rng(1).bytes(196_608)
    >>> table = run_suite(key, tests=["monobit", "runs"])
    >>> table["test"].tolist()
    ['monobit', 'runs']
    """
    check_alpha(alpha)
    results = run_tests(bits, tests, constants)
    rows = [
        (
            result.name,
            variant,
            statistic,
            p_value,
            None if p_value is None or not result.applicable else p_value >= alpha,
            result.reason,
        )
        for result in results
        for variant, statistic, p_value in zip(
            result.variants, result.statistics, result.p_values, strict=True
        )
    ]
    table = pd.DataFrame(
        rows, columns=["test", "variant", "statistic", "p_value", "passed", "reason"]
    )
    return table.astype({"statistic": "Float64", "p_value": "Float64", "passed": "boolean"})


def check_alpha(alpha: float) -> None:
    """Raise ValueError unless `alpha` is a significance level between 0 and 1."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
