"""Bits of pi and e, and what NIST's tool says of them."""

import hashlib
import json
from pathlib import Path

import mpmath
import numpy as np
import pytest


def binary_digits(constant, n):
    """Return the first n binary digits of pi or e, both of which have two before the point."""
    with mpmath.workprec(n + 64):
        value = int(mpmath.floor(mpmath.ldexp(+constant, n - 2)))
    return np.frombuffer(f"{value:b}".encode(), np.uint8) - ord("0")


@pytest.fixture(scope="session")
def reference():
    return json.loads((Path(__file__).parent / "sp800_22_reference.json").read_text())


@pytest.fixture(scope="session")
def constants(reference):
    """Return 1,000,000 bits of pi and of e, checked against the hash of what the tool read."""
    bits = {name: binary_digits(getattr(mpmath, name), 1_000_000) for name in ("pi", "e")}
    for name, digits in bits.items():
        packed = np.packbits(digits).tobytes()
        assert hashlib.sha256(packed).hexdigest() == reference[name]["sha256"]
    return bits


@pytest.fixture(scope="session")
def good():
    """Return 2^20 bits of AES-256 in counter mode: nothing about them is left to chance."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    aes = Cipher(algorithms.AES(bytes(range(32))), modes.CTR(bytes(16))).encryptor()
    return np.unpackbits(np.frombuffer(aes.update(bytes(2**17)), np.uint8))
