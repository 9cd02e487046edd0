"""All tests on many sequences: proportions that pass, and P-values that should be uniform."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from dkg import cores
from dkg.randomness.result import TestResult, check_constants
from dkg.randomness.suite import check_alpha, check_tests, run_tests

T = TypeVar("T")

_BINS = 10
_UNIFORM_FROM = 55  # Sequences that section 4.2.2 asks for.
_UNIFORM_ALPHA = 0.0001  # Its significance level.


@dataclass(frozen=True, eq=False)
class Battery:
    """The outcome of `run_battery`.

    Attributes
    ----------
    p_values : pandas.DataFrame
        One row per sequence, one column per test and variant (a MultiIndex). Missing (NaN) where
        a test is not applicable to a sequence.
    summary : pandas.DataFrame
        One row per test and variant, see `run_battery`.
    alpha : float
        The significance level.
    """

    p_values: pd.DataFrame
    summary: pd.DataFrame
    alpha: float

    def one_per_test(self) -> pd.DataFrame:
        """Return one P-value for each test (rows) and sequence (columns), by Bonferroni.

        It is the smallest of the test's variants, times the number of those that are applicable,
        at most 1; NaN where none is.
        """
        variants = self.p_values.T.groupby(level="test", sort=False)
        return (variants.min() * variants.count()).clip(upper=1)


def pass_rates(p_values: pd.DataFrame, alpha: float = 0.01) -> pd.DataFrame:
    """Return the share of sequences that pass each test, and whether it is enough (section 4.2.1).

    Parameters
    ----------
    p_values : pandas.DataFrame
        As `Battery.one_per_test` returns it.
    alpha : float, default 0.01
        Significance level.

    Returns
    -------
    pandas.DataFrame
        For each test ``share``, 0 to 1 of the sequences that it is applicable to; ``passed``,
        whether it is no more than three standard deviations below ``1 - alpha``; and
        ``applicable``, whether it is applicable to any.
    """
    shares = (p_values >= alpha).astype(float).where(p_values.notna()).mean(axis=1)
    n = p_values.notna().sum(axis=1)
    least = 1 - alpha - 3 * np.sqrt(alpha * (1 - alpha) / n.where(n > 0))
    return pd.DataFrame({"share": shares, "passed": shares >= least, "applicable": n > 0})


def run_battery(
    sequences: Iterable[ArrayLike],
    alpha: float = 0.01,
    *,
    tests: Iterable[str] | None = None,
    constants: str = "nist",
    workers: int | None = None,
    progress: bool = True,
) -> Battery:
    """Run the suite on many sequences and judge the P-values together (section 4.2).

    One sequence in a hundred of a perfect source fails a test at ``alpha=0.01``. What tells a
    poor source is that too many fail, or that the P-values are not uniform.

    Parameters
    ----------
    sequences : iterable
        At least one, each as `as_bits` reads it, all of one length. A generator is read as the
        work goes on, so that not all of them need to be in memory.
    alpha : float, optional
        Significance level of each test.
    tests, constants
        As for `run_suite`.
    workers : int, optional
        Threads; by default one for each processor that the process may use. They share the work
        because the inner loops release Python's global lock.
    progress : bool, optional
        Whether to show a progress bar.

    Returns
    -------
    Battery
        Its ``summary`` has the columns

        - ``test``, ``variant``;
        - ``n_sequences``: those to which the test is applicable;
        - ``proportion``: of them, those with a P-value of at least `alpha`;
        - ``lower``, ``upper``: the band ``1 - alpha +- 3 sqrt(alpha (1 - alpha) / n_sequences)``
          that it should lie in;
        - ``proportion_passed``: whether it does; missing if there are fewer than 1 / `alpha`
          sequences;
        - ``uniformity_p_value``: of a chi-square test of ten equal bins of P-values;
        - ``uniformity_passed``: whether it is at least 0.0001; missing for fewer than 55
          sequences;
        - ``remark``: says "too few sequences" where it is so, and for what.
    """
    from tqdm.auto import tqdm  # It imports asyncio, which the tests of one sequence do not need.

    check_alpha(alpha)
    check_constants(constants)
    names = check_tests(tests)
    workers = workers or cores.usable()
    total = len(sequences) if isinstance(sequences, Sized) else None
    rows: list[list[float | None]] = []
    length: int | None = None
    outcomes = _in_threads(sequences, workers, lambda bits: run_tests(bits, names, constants))
    for results in tqdm(outcomes, total=total, desc="sequences", disable=not progress):
        n = results[0].parameters["n"]
        if length is None:
            length = n
            columns = [(result.name, v) for result in results for v in result.variants]
        if n != length:
            raise ValueError(
                f"the sequences must share one length: the first has {length:,} bits, "
                f"number {len(rows) + 1} has {n:,}"
            )
        rows.append(
            [p if result.applicable else math.nan for result in results for p in result.p_values]
        )
    if not rows:
        raise ValueError("there is no sequence to test")
    p_values = pd.DataFrame(
        np.array(rows, dtype=float),
        columns=pd.MultiIndex.from_tuples(columns, names=["test", "variant"]),
    )
    return Battery(p_values, _summary(p_values, alpha), alpha)


def _in_threads(
    items: Iterable[T], workers: int, function: Callable[[T], list[TestResult]]
) -> Iterator[list[TestResult]]:
    """Yield ``function(item)`` in order, with at most two items a worker under way."""
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[list[TestResult]]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _summary(p_values: pd.DataFrame, alpha: float) -> pd.DataFrame:
    rows = []
    names: list[Any] = p_values.columns.tolist()
    for test, variant in names:
        values = p_values[test, variant].dropna().to_numpy()
        n = values.size
        row = {"test": test, "variant": variant, "n_sequences": n}
        if n == 0:
            rows.append(row | {"remark": "too few sequences: the test is applicable to none"})
            continue
        proportion = np.count_nonzero(values >= alpha) / n
        margin = 3 * math.sqrt(alpha * (1 - alpha) / n)
        lower, upper = max(0.0, 1 - alpha - margin), min(1.0, 1 - alpha + margin)
        counts, _ = np.histogram(values, bins=_BINS, range=(0, 1))
        chi2 = float(np.sum((counts - n / _BINS) ** 2)) / (n / _BINS)
        uniformity = float(gammaincc((_BINS - 1) / 2, chi2 / 2))
        row |= {
            "proportion": proportion,
            "lower": lower,
            "upper": upper,
            "uniformity_p_value": uniformity,
            "remark": "",
        }
        too_few = []
        if n * alpha >= 1:
            row["proportion_passed"] = lower <= proportion <= upper
        else:
            too_few.append(f"{math.ceil(1 / alpha)} for the proportion")
        if n >= _UNIFORM_FROM:
            row["uniformity_passed"] = uniformity >= _UNIFORM_ALPHA
        else:
            too_few.append(f"{_UNIFORM_FROM} for uniformity")
        if too_few:
            row["remark"] = f"too few sequences: it takes {' and '.join(too_few)}"
        rows.append(row)
    columns = [
        "test",
        "variant",
        "n_sequences",
        "proportion",
        "lower",
        "upper",
        "proportion_passed",
        "uniformity_p_value",
        "uniformity_passed",
        "remark",
    ]
    numbers = ["proportion", "lower", "upper", "uniformity_p_value"]
    types = dict.fromkeys(numbers, "Float64")
    types |= {"proportion_passed": "boolean", "uniformity_passed": "boolean"}
    return pd.DataFrame(rows, columns=columns).astype(types)
