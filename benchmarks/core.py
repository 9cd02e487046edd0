"""Ratios of the package's core, each pair measured in turns within one run.

    python benchmarks/core.py

- the logistic map against a plain Python loop, and the whole keystream against one (goal for the
  map: 50 times as fast);
- `dkg.cipher.xor` against `numpy.bitwise_xor` (goal: at most 1.1 times its time).

Wall time; a ratio is the median over pairs, with the least and the greatest.
"""

import argparse
import math
import time

import numpy as np

from dkg import cipher, domains


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(name, ours, other, rounds, inner=1):
    """Time `ours` and `other` in turns; print times and the ratio ours / other."""
    ours()
    other()
    pairs = np.array(
        [
            (
                seconds(lambda: [ours() for _ in range(inner)]) / inner,
                seconds(lambda: [other() for _ in range(inner)]) / inner,
            )
            for _ in range(rounds)
        ]
    )
    ratios = pairs[:, 0] / pairs[:, 1]
    ours_ms, other_ms = 1e3 * np.median(pairs, axis=0)
    print(
        f"{name}: {ours_ms:.4g} ms against {other_ms:.4g} ms, ratio {np.median(ratios):.3f} "
        f"({ratios.min():.3f} to {ratios.max():.3f}, {rounds} pairs)",
        flush=True,
    )
    return float(np.median(ratios))


def plain_orbit(x, values):
    for i in range(len(values)):
        x = 4.0 * x * (1.0 - x)
        values[i] = x


def plain_keystream(x, keystream):
    for i in range(len(keystream)):
        x = 4.0 * x * (1.0 - x)
        keystream[i] = math.floor(math.asin(math.sqrt(x)) / math.pi * 1e15) % 256


def logistic_map(rounds):
    # Sixteen orbits at once, as `chaotic` does; the plain loop makes one, so its time counts 16.
    n_steps, lanes = 65_536, 16
    starts = np.linspace(0.11, 0.59, lanes)
    values, keystream = np.empty(n_steps), np.empty(n_steps, np.uint8)
    ratio = compare(
        f"logistic map, {lanes} orbits against 1 of a plain loop",
        lambda: domains.logistic_orbits(starts, n_steps),
        lambda: plain_orbit(float(starts[0]), values),
        rounds,
    )
    print(f"  per orbit {lanes / ratio:.0f} times as fast as the loop (goal: 50)")
    ratio = compare(
        f"keystream, {lanes} against 1 of a plain loop",
        lambda: domains.logistic_keystreams(starts, n_steps),
        lambda: plain_keystream(float(starts[0]), keystream),
        rounds,
    )
    print(f"  per keystream {lanes / ratio:.0f} times as fast as the loop")


def xor(rounds):
    rng = np.random.default_rng()
    image, key = rng.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    compare(
        "cipher.xor against numpy.bitwise_xor (goal: 1.1)",
        lambda: cipher.xor(image, key),
        lambda: np.bitwise_xor(image, key),
        rounds,
        inner=200,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="pairs per comparison")
    rounds = parser.parse_args().rounds
    print(f"NumPy {np.__version__}")
    for part in (logistic_map, xor):
        part(rounds)
