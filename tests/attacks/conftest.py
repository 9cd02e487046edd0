"""A random generator for each test, and images that several tests only read."""

import zlib

import numpy as np
import pytest

from .helpers import smooth_images


@pytest.fixture
def rng(request):
    """Return a generator whose seed is the checksum of the test's name."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture(scope="session")
def images():
    return smooth_images(np.random.default_rng(0), 8)


@pytest.fixture(scope="session")
def seeds():
    return smooth_images(np.random.default_rng(1), 3)
