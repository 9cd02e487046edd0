"""What all built-in ciphers have in common."""

import numpy as np
import pytest

from dkg.evaluation import check
from dkg.evaluation.ciphers import CIPHERS

SHAPES = [(16, 16, 3), (9, 21, 3), (13, 7), (30, 5, 2), (1, 40), (40, 1)]
OF_NETWORKS = ("deepkeygen", "deepkeygen-low-order")
WITHOUT_NONCE = {"aes-256-ctr", "aes-256-gcm", "chacha20-poly1305"}


@pytest.mark.parametrize("name", [name for name in CIPHERS if name not in OF_NETWORKS])
def test_any_shape(name):
    rng = np.random.default_rng(2)
    images = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in SHAPES]
    checked = check(CIPHERS[name](), images)
    assert checked.deterministic == (name not in WITHOUT_NONCE)
    assert (checked.extra_rows > 0) == (name in WITHOUT_NONCE)
    assert checked.has_change_key == (name != "identity")
    assert not any("another run" in one or "changed key" in one for one in checked.statements)


@pytest.mark.parametrize("cipher", CIPHERS.values(), ids=CIPHERS)
def test_what_must_be_guessed(cipher):
    assert cipher.key_bits >= 0 and cipher.guess and cipher.__doc__
