"""A key file, and random samples that are the same in every run of a test."""

import pytest

from dkg import encryption

from .parts import KEYS, seed


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    seed(item.name)


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.png"
    encryption.write_key(path, KEYS, weights_sha256="0" * 64, weights_public=False)
    return path
