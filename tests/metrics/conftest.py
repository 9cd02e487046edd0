"""A random generator for each test."""

import zlib

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """Return a generator whose seed is the checksum of the test's name."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))
