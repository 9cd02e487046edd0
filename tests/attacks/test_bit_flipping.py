"""Bits flipped in a ciphertext, and the tag that notices."""

import numpy as np
import pytest

from dkg import attacks, cipher, encryption

from .helpers import ideal_keys


def test_flipped_bits_arrive_in_the_plaintext_and_the_tag_notices(rng):
    plain, key = ideal_keys(rng, 2)
    ciphertext, metadata = encryption.encrypt(plain, key[np.newaxis])
    changed = attacks.flip_square(ciphertext, 10, 96, 64, 0b1010_0000)
    difference = changed ^ key ^ plain
    assert set(np.unique(difference)) == {0, 0b1010_0000}
    assert np.count_nonzero(difference) == 64 * 64 * 3
    assert difference[10:74, 96:160].all()
    assert (encryption.decrypt(ciphertext, metadata, key[np.newaxis]) == plain).all()
    with pytest.raises(cipher.CipherError, match="the ciphertext"):
        encryption.decrypt(changed, metadata, key[np.newaxis])
    for square in ((193, 0, 64), (0, -1, 64), (0, 0, 257), (0, 0, -1)):
        with pytest.raises(ValueError, match="does not lie in an image of 256 x 256 pixels"):
            attacks.flip_square(ciphertext, *square, 128)
    with pytest.raises(ValueError, match="bits must be 0 to 255, not 256"):
        attacks.flip_square(ciphertext, 0, 0, 64, 256)
