"""The trial of keys: all measures at once for each kind of key, and which bounds it meets."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch.utils.flop_counter import FlopCounterMode

from dkg import metrics
from dkg.attacks import low_order
from dkg.attacks.learned import predict_bytes
from dkg.cipher import KEY_BYTES
from dkg.keys import KeyGenerator
from dkg.randomness import run_battery

_Generate = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Examined:
    """What one kind of key measures.

    Attributes
    ----------
    entropies : dict of str to list of float
        For each network, the entropy of each key in bits.
    one_level, two_seeds : pandas.DataFrame
        Pairs of keys, as `low_order.sensitivity` and `low_order.between_keys` return them.
    failures : pandas.DataFrame
        As `low_order.failures_by_test` returns it.
    repeated_windows : int
        Sum over the networks of `low_order.repeated_windows`.
    bits_gained : float
        The largest of the networks' `Prediction.bits_gained`, in bits per byte.
    """

    entropies: dict[str, list[float]]
    one_level: pd.DataFrame
    two_seeds: pd.DataFrame
    failures: pd.DataFrame
    repeated_windows: int
    bits_gained: float

    def summary(self) -> dict[str, float]:
        """Return one number for each measure; shares and acceptance rates are in percent."""
        level = low_order.acceptance_rates(self.one_level)
        other = low_order.acceptance_rates(self.two_seeds)
        entropies = [value for values in self.entropies.values() for value in values]
        return {
            "keys": len(entropies),
            "entropy (bits)": float(np.mean(entropies)),
            "SP 800-22, proportion": passed_tests(self.failures, "outside"),
            "SP 800-22, uniform": passed_tests(self.failures, "not_uniform"),
            "pairs, one level": len(self.one_level),
            "NPCR inside, one level (%)": level["npcr"],
            "UACI inside, one level (%)": level["uaci"],
            "pairs, two seeds": len(self.two_seeds),
            "NPCR inside, two seeds (%)": other["npcr"],
            "UACI inside, two seeds (%)": other["uaci"],
            "uncorrelated, two seeds (%)": other["correlation"],
            "repeated windows": self.repeated_windows,
            "bits gained": self.bits_gained,
        }


def examine(
    keys: Mapping[str, NDArray[np.uint8]],
    one_level: pd.DataFrame,
    *,
    samples: int = 150_000,
    seed: int | None = None,
) -> Examined:
    """Measure one kind of key: entropy, pairs, SP 800-22, repetitions and a learned predictor.

    Parameters
    ----------
    keys : mapping of str to numpy.ndarray
        For each network its keys, uint8 (n, 256, 256, 3), n >= 2. The predictor learns from every
        other key of a network, and is tested on the rest.
    one_level : pandas.DataFrame
        Pairs of keys of all these networks, as `low_order.sensitivity` returns them.
    samples, seed : int
        As for `predict_bytes`.
    """
    battery = run_battery([key for made in keys.values() for key in made], progress=False)
    gained = [
        predict_bytes(made[::2], made[1::2], samples=samples, seed=seed).bits_gained
        for made in keys.values()
    ]
    return Examined(
        {name: [metrics.entropy(key) for key in made] for name, made in keys.items()},
        one_level,
        pd.concat([low_order.between_keys(made) for made in keys.values()]),
        low_order.failures_by_test(battery),
        sum(low_order.repeated_windows(made) for made in keys.values()),
        max(gained),
    )


def passed_tests(failures: pd.DataFrame, what: str = "outside") -> int:
    """Count the tests of SP 800-22 that are passed.

    Parameters
    ----------
    failures : pandas.DataFrame
        As `low_order.failures_by_test` returns it.
    what : {'outside', 'not_uniform'}, default 'outside'
        Whether the proportion of passing keys counts, or the uniformity of their P-values.

    Returns
    -------
    int
        0 to 15. A test that was applicable to no key is not passed.
    """
    passed = (failures["lines"] > 0) & (failures[what] <= failures[f"{what}_allowed"])
    return int(passed.sum())


def scorecard(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write a table of measures as text, and say which bounds each of them meets.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each kind of key: its `Examined.summary`, and ``ms a key``, the time for a key.

    Returns
    -------
    values, passed : pandas.DataFrame
        As for `dkg.plots.scorecard`. The bounds: 0.00025 bits from the entropy of uniform bytes;
        all fifteen tests; a share of pairs inside the acceptance interval that uniform keys have
        in at least 1 case of 1,000, no verdict for one or two pairs; no repeated window; at most
        0.01 bits gained.
    """
    ideal = metrics.ideal_entropy(KEY_BYTES).mean
    values, passed = {}, {}
    for kind, row in table.iterrows():
        shares = {
            pairs: [row[f"{name} inside, {pairs} (%)"] for name in ("NPCR", "UACI")]
            for pairs in ("one level", "two seeds")
        }
        values[kind] = {
            "entropy\n(bits)": f"{row['entropy (bits)']:.4f}",
            "SP 800-22\n(of 15 tests)": f"{row['SP 800-22, proportion']:.0f}",
            "one gray level:\nNPCR, UACI\ninside (%)": "{:.0f}, {:.0f}".format(
                *shares["one level"]
            ),
            "two seed images:\nNPCR, UACI\ninside (%)": "{:.0f}, {:.0f}".format(
                *shares["two seeds"]
            ),
            "windows\nrepeated": f"{row['repeated windows']:,.0f}",
            "bits per byte\npredicted": f"{row['bits gained']:.3f}",
            "ms per key": f"{row['ms a key']:.1f}",
        }
        passed[kind] = [
            bool(abs(row["entropy (bits)"] - ideal) <= 0.00025),
            bool(row["SP 800-22, proportion"] == 15),
            *(
                _as_often_as_uniform(of_pairs, int(row[f"pairs, {pairs}"]))
                for pairs, of_pairs in shares.items()
            ),
            bool(row["repeated windows"] == 0),
            bool(row["bits gained"] <= 0.01),
            None,
        ]
    text = pd.DataFrame(values).T
    return text, pd.DataFrame(passed, index=text.columns, dtype=object).T


def _as_often_as_uniform(shares: list[float], n: int) -> bool | None:
    """Whether uniform keys have at most such a share inside in at least 1 case of 1,000.

    None where `n` pairs are so few that this is true of any share.
    """
    if binom.cdf(0, n, 0.95) >= 0.001:
        return None
    return all(bool(binom.cdf(round(share * n / 100), n, 0.95) >= 0.001) for share in shares)


def keys_made_with(
    generator: KeyGenerator,
    seed_images: NDArray[np.uint8],
    *,
    threads: int = 1,
    onednn: bool = True,
) -> NDArray[np.uint8]:
    """Make keys with a number of threads, and with or without the library oneDNN.

    Parameters
    ----------
    generator : KeyGenerator
        The network.
    seed_images : numpy.ndarray
        uint8 (n, 256, 256, 3).
    threads : int, default 1
        Threads of PyTorch.
    onednn : bool, default True
        Whether PyTorch computes with oneDNN.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        # PyTorch warns of GPUs that are not used here.
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=onednn):
            return generator.generate_many(seed_images)
    finally:
        torch.set_num_threads(before)


class Remembered:
    """A maker of keys that makes the key of each seed image once, and keeps it."""

    def __init__(self, generate: _Generate):
        self._generate = generate
        self._made: dict[bytes, NDArray[np.uint8]] = {}

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the key of a seed image, both uint8 (256, 256, 3)."""
        name = image.tobytes()
        if name not in self._made:
            self._made[name] = self._generate(image)
        return self._made[name]

    def forget(self) -> None:
        """Forget all keys, for example to measure how long one takes."""
        self._made.clear()


class Timed:
    """A function that notes how long each call takes.

    Attributes
    ----------
    seconds : list of float
        Of each call so far.
    """

    def __init__(self, function: Callable[..., Any]):
        self._function = function
        self.seconds: list[float] = []

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, and return what it returns."""
        began = time.perf_counter()
        result = self._function(*arguments)
        self.seconds.append(time.perf_counter() - began)
        return result


def multiplications(function: Callable[[], object]) -> int:
    """Return how many multiplications of numbers a function of PyTorch makes."""

    def product(out: Any, left: Any, right: Any, **options: Any) -> int:
        return int(2 * left[0] * left[1] * right[1])  # A multiplication and an addition.

    mapping = {torch.ops.aten.addmm_: product}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        function()
    return int(counter.get_total_flops()) // 2


def times_in_turns(work: Mapping[str, Callable[[], object]], n: int) -> pd.DataFrame:
    """Time several functions in turns, so that a busy machine slows all of them.

    Parameters
    ----------
    work : mapping of str to callable
        What is timed.
    n : int
        Rounds. One more round before them warms up and is not counted.

    Returns
    -------
    pandas.DataFrame
        Seconds: a row for each round, a column for each function. Ratios are best taken within a
        round.
    """
    timed = {name: Timed(function) for name, function in work.items()}
    for _ in range(n + 1):
        for function in timed.values():
            function()
    return pd.DataFrame({name: function.seconds[1:] for name, function in timed.items()})
