"""Key files hold whole keys, say where they come from, and refuse changes."""

import json
import stat

import numpy as np
import pytest
from PIL import Image

from dkg import cipher, encryption
from dkg.cipher import CipherError

from .conftest import SHA, forge, metadata_text, random_keys, write_key


def test_key_file_holds_the_keys_one_under_the_other(tmp_path):
    keys = random_keys(3)
    path = tmp_path / "key.png"
    encryption.write_key(path, keys, weights_sha256=SHA, weights_public=True)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.concatenate(list(keys)))
        assert json.loads(image.text["dkg"]) == {
            "format": "dkg key",
            "version": 1,
            "keys": 3,
            "key_id": cipher.key_identifier(keys),
            "weights_sha256": SHA,
            "weights_public": True,
        }
    read = encryption.read_key(path)
    assert np.array_equal(read.keys, keys)
    assert (read.weights_sha256, read.weights_public) == (SHA, True)
    assert (read.output, read.exact) == (None, None)  # As in files of earlier versions.
    how = {"output": "low-order", "exact": True}
    encryption.write_key(path, keys, weights_sha256=SHA, weights_public=True, overwrite=True, **how)
    read = encryption.read_key(path)
    assert {"output": read.output, "exact": read.exact} == how


def test_only_the_owner_can_read_a_key(key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_changed_key_file_is_refused(key, keys):
    text = metadata_text(key)
    changed = keys[0].copy()
    changed[200, 100, 1] ^= 1
    forge(key, changed, text)
    with pytest.raises(CipherError, match=r"key\.png: the key was changed"):
        encryption.read_key(key)
    forge(key, changed[:255], text)
    with pytest.raises(CipherError, match=r"shape \(256 n, 256, 3\), this is .*\(255, 256, 3\)"):
        encryption.read_key(key)
    forge(key, np.concatenate([keys[0], keys[0]]), text)
    with pytest.raises(CipherError, match="are the same"):
        encryption.read_key(key)


def test_a_repeated_key_is_not_written(tmp_path, keys):
    with pytest.raises(CipherError, match="keys 1 and 2 are the same"):
        write_key(tmp_path / "key.png", np.concatenate([keys, keys]))
    assert not list(tmp_path.iterdir())
