"""Randomness tests: SP 800-22 on ciphertexts and keystreams, SP 800-90B on ciphertexts.

To keep the time of an evaluation, SP 800-22 reads the first `SUITE_BYTES` of a ciphertext, the
million bits that the standard speaks of, and SP 800-90B the first `ENTROPY_BYTES` (the standard
asks for a million). The keystream is the ciphertext of an image of zeros: of a stream cipher it is
the key, of any other cipher a ciphertext whose plaintext could not have less to say.

A test with several P-values fails a ciphertext if the smallest one, times their number, lies below
0.01: uniform bits then fail with a probability of at most 1 %.
"""

import math

import numpy as np
from scipy import stats

from dkg import randomness
from dkg.evaluation.measures.sample import LEVEL, Sample, measured, simulated
from dkg.evaluation.outcomes import Measured
from dkg.evaluation.protocol import Image, body, encrypted
from dkg.metrics import Ideal
from dkg.randomness import TestResult
from dkg.randomness.suite import in_words, run_tests

SP22, KEYSTREAM, SP90 = "SP 800-22, ciphertexts", "SP 800-22, keystream", "SP 800-90B"
SUITE_BYTES = 125_000
ENTROPY_BYTES = 16_384
ALPHA = 0.01


def run_suite(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Run SP 800-22 on the ciphertexts."""
    return _suite(SP22, sample.ciphertexts, "")


def run_keystream(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Run SP 800-22 on the ciphertexts of zeros."""
    assert sample.cipher is not None, "a measure that needs the cipher is not run without it"
    zeros = [np.zeros_like(image) for image in sample.images]
    streams = [
        body(encrypted(sample.cipher, zero, key), zero)
        for zero, key in zip(zeros, sample.keys, strict=True)
    ]
    return _suite(KEYSTREAM, streams, ", keystream")


def run_min_entropy(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Estimate the min-entropy of the ciphertexts."""
    name = "min-entropy"
    if min(c.size for c in sample.ciphertexts) < ENTROPY_BYTES:
        why = f"not measured: needs {ENTROPY_BYTES:,} bytes in each ciphertext"
        return [measured(name, SP90, [], unit="bits", where=why)]
    values = [min_entropy(c) for c in sample.ciphertexts]
    return [
        measured(
            name,
            SP90,
            values,
            [simulated(min_entropy, ENTROPY_BYTES)] * len(values),
            unit="bits",
            where=f"first {ENTROPY_BYTES:,} bytes of each ciphertext, bits per byte, "
            "smallest of nine estimates",
            tail="lower",
            ends=(0, 8),
        )
    ]


def min_entropy(a: Image) -> float:
    """Return the smallest estimate of SP 800-90B for the first bytes, in bits per byte."""
    estimates = randomness.min_entropy(a.ravel()[:ENTROPY_BYTES])["bits_per_byte"]
    return float(estimates.min())


def _suite(group: str, sequences: list[Image], suffix: str) -> list[Measured]:
    results = [run_tests(_first(sequence)) for sequence in sequences]
    size = f"first {SUITE_BYTES:,} bytes" if _longest(sequences) > SUITE_BYTES else "all bytes"
    where = f"{size} of each {'keystream' if suffix else 'ciphertext'}"
    rows = [
        measured(
            f"P-values below {ALPHA}{suffix}",
            group,
            [_share(result) for result in results],
            [simulated(share_below, min(s.size, SUITE_BYTES)) for s in sequences],
            unit="%",
            where=f"{where}, all P-values",
            tail="upper",
            ends=(0, 100),
        )
    ]
    for index, test in enumerate(randomness.TESTS):
        values = [_fails(result[index].p_values, result[index].applicable) for result in results]
        n = sum(not math.isnan(value) for value in values)
        reason = "" if n else f"not applicable: {results[0][index].reason}"
        most = int(stats.binom.isf(1 - LEVEL, n, ALPHA)) if n else 0
        rows.append(
            measured(
                f"{in_words(test)}{suffix}",
                group,
                values,
                [Ideal(100 * ALPHA, 0)] * len(values),
                unit="%",
                where=reason or f"{where}; share that fails at {ALPHA}",
                interval=(0.0, 100.0 * most / max(n, 1)),
            )
        )
    return rows


def share_below(sequence: Image) -> float:
    """Return the share of P-values of all applicable tests below 0.01, in percent."""
    return _share(run_tests(_first(sequence)))


def _share(results: list[TestResult]) -> float:
    p_values = [
        p for result in results if result.applicable for p in result.p_values if p is not None
    ]
    return 100 * float(np.mean(np.array(p_values) < ALPHA)) if p_values else math.nan


def _fails(p_values: tuple[float | None, ...], applicable: bool) -> float:
    """Return 100 if the test fails, 0 if not, NaN if it does not apply."""
    known = [p for p in p_values if p is not None]
    if not applicable or not known:
        return math.nan
    return 100.0 * (min(known) * len(known) < ALPHA)


def _first(sequence: Image) -> bytes:
    return sequence.ravel()[:SUITE_BYTES].tobytes()


def _longest(sequences: list[Image]) -> int:
    return max(sequence.size for sequence in sequences)
