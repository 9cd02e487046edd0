"""Speed of the SP 800-22 suite, in CPU time and as ratios within one run.

    python benchmarks/randomness.py

Four measurements on one key, 1,572,864 bits: the whole suite once warm beside a plain
``numpy.fft.rfft`` of the same sequence in float64, taken in turns; each test on its own; a cold
process that imports and runs everything, with what it compiles kept from before; and a PyPI peer,
``nistrng``, if it is installed (``pip install nistrng``; nothing of this package needs it). Then a
battery of keys on all processors. Everything but the battery runs on one thread.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import time

# Before NumPy starts its threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

import dkg.randomness as randomness  # noqa: E402

KEY_BYTES = 256 * 256 * 3
COLD = """
import sys, time
import dkg.randomness
key = sys.stdin.buffer.read()
before = time.process_time()
table = dkg.randomness.run_suite(key)
assert len(table) == 188
print(before, time.process_time())
"""


def cpu_seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def median(values):
    return float(np.median(values))


def goal(value, limit):
    return f"{value:.3g} (goal: at most {limit:g}; {'met' if value <= limit else 'NOT MET'})"


def warm(key, rounds):
    signal = 2.0 * randomness.as_bits(key) - 1
    randomness.run_suite(key)
    pairs = [
        (cpu_seconds(randomness.run_suite, key), cpu_seconds(np.fft.rfft, signal))
        for _ in range(rounds)
    ]
    suite, transform = np.array(pairs).T
    print(f"suite, warm: {goal(median(suite), 0.15)} s of CPU, least {suite.min():.3g}")
    print(f"rfft of the same sequence: {median(transform):.3g} s, least {transform.min():.3g}")
    print(f"ratio, median of {rounds} pairs: {goal(median(suite / transform), 2.2)}")
    return median(suite)


def each_test(key, rounds):
    bits = randomness.as_bits(key)
    for name, test in randomness.TESTS.items():
        seconds = median([cpu_seconds(test, bits) for _ in range(rounds)])
        print(f"  {name:26} {1e3 * seconds:7.2f} ms")


def cold(key, rounds):
    def process():
        return subprocess.run(
            [sys.executable, "-c", COLD], input=key, capture_output=True, check=True
        )

    process()  # What it compiles is kept for those that are measured.
    times = np.array([process().stdout.split() for _ in range(rounds)], dtype=float)
    total, imports = median(times[:, 1]), median(times[:, 0])
    print(f"cold process: {goal(total, 1.0)} s of CPU, of which imports {imports:.3g}")
    print(f"  least of {rounds}: {times[:, 1].min():.3g} s")


def peer(key, suite):
    try:
        from nistrng import SP800_22R1A_BATTERY, run_all_battery
    except ImportError:
        print("peer: nistrng is not installed (pip install nistrng)")
        return
    bits = randomness.as_bits(key).astype(int)
    seconds = cpu_seconds(run_all_battery, bits, SP800_22R1A_BATTERY, False)
    print(f"nistrng: {seconds:.3g} s, {seconds / suite:.0f} times the suite here")


def battery(n_keys):
    rng = np.random.default_rng()
    keys = (rng.bytes(KEY_BYTES) for _ in range(n_keys))
    start, cpu = time.perf_counter(), time.process_time()
    randomness.run_battery(keys, progress=False)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB.
    print(
        f"battery of {n_keys} keys: {wall:.3g} s, {cpu:.3g} s of CPU; most memory {memory:.2g} GiB"
    )
    print(f"  1,000 keys: {1000 * wall / n_keys:.3g} s at this rate, load {os.getloadavg()[0]:.1f}")
    print(
        f"  1,000 keys on 2 idle processors: {goal(500 * cpu / n_keys, 100)} s, half the CPU time"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="repetitions of each measurement")
    parser.add_argument("--keys", type=int, default=100, help="keys of the battery")
    arguments = parser.parse_args()
    key = np.random.default_rng().bytes(KEY_BYTES)
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, load {load}")
    suite = warm(key, arguments.rounds)
    each_test(key, arguments.rounds)
    cold(key, min(arguments.rounds, 5))
    battery(arguments.keys)
    peer(key, suite)


if __name__ == "__main__":
    main()
