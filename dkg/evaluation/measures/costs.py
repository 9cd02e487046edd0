"""Costs: speed beside AES-256-CTR in the same run, and the key space.

Times are never a part of what two runs with one random seed have in common. Cycles are the time
times the clock rate that the system reports, and are not counted.
"""

import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher as Primitive
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from dkg.evaluation.measures.sample import Sample, measured
from dkg.evaluation.outcomes import Measured

SPEED, SPACE = "speed", "key space"
_REPEATS = 3


def run_speed(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Time encryption and decryption of each image, and AES-256-CTR on the same bytes."""
    cipher = sample.cipher
    assert cipher is not None, "a measure that needs the cipher is not run without it"
    aes = Primitive(algorithms.AES(rng.bytes(32)), modes.CTR(bytes(16)))
    times: dict[str, list[float]] = {"encryption": [], "decryption": [], "AES-256-CTR": []}
    for image, full, key in zip(sample.images, sample.full, sample.keys, strict=True):
        times["encryption"].append(_seconds(cipher.encrypt, image, key))
        times["decryption"].append(_seconds(cipher.decrypt, full, key))
        times["AES-256-CTR"].append(_seconds(lambda b: aes.encryptor().update(b), image.tobytes()))
    sizes = np.array([image.size for image in sample.images])
    rate, known = clock_rate()
    rows = []
    for name, seconds in times.items():
        speed = sizes / np.array(seconds) / 1e6
        where = f"shortest of {_REPEATS} times for each image"
        rows.append(measured(f"{name} speed", SPEED, speed, unit="MB/s", where=where))
        cycles = np.array(seconds) / sizes * rate
        where = known or f"the system reports {rate / 1e6:,.0f} MHz"
        rows.append(measured(f"{name} cycles", SPEED, cycles, unit="cycles/byte", where=where))
    ratio = np.array(times["encryption"]) / np.array(times["AES-256-CTR"])
    where = "encryption, the same images in the same run"
    rows.append(measured("time relative to AES-256-CTR", SPEED, ratio, where=where))
    return rows


def run_key_space(sample: Sample, rng: np.random.Generator) -> list[Measured]:
    """Report what the cipher says of its keys; nothing here checks it."""
    bits = getattr(sample.cipher, "key_bits", None)
    guess = getattr(sample.cipher, "guess", None)
    where = f"to be guessed: {guess}" if guess else "the cipher does not say what must be guessed"
    if bits is None:
        where = f"not stated, the cipher has no key_bits; {where}"
    return [measured("key space", SPACE, [] if bits is None else [bits], unit="bits", where=where)]


def clock_rate() -> tuple[float, str]:
    """Return the processor's clock rate in hertz, and why it is NaN where it is not known."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)
    if not found:
        return math.nan, f"not measured: {os.name} reports no clock rate"
    return float(found[1]) * 1e6, ""


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    """Return the shortest time of some runs, after one that is not timed."""
    work(*arguments)
    best = math.inf
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work(*arguments)
        best = min(best, time.perf_counter() - start)
    return best
