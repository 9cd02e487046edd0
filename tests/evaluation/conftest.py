"""Images and a random generator for each test."""

import zlib

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """Return a generator whose seed is the checksum of the test's name."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def images(rng):
    """Return two smooth images with noise, in color."""
    ramp = np.add.outer(np.arange(64), np.arange(64))[..., None]
    return [(ramp + rng.integers(0, 20, (64, 64, 3))).astype(np.uint8) for _ in range(2)]
