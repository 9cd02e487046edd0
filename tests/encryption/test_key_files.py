"""Key files hold whole keys, say where they come from, and refuse changes."""

import hmac
import json
import stat

import numpy as np
import pytest
from PIL import Image

from dkg import cipher, encryption
from dkg.cipher import CipherError

from .conftest import SECRET, SHA, forge, metadata_text, random_keys, write_key


def test_key_file_holds_the_keys_one_under_the_other(tmp_path):
    keys = random_keys(3)
    path = tmp_path / "key.png"
    encryption.write_key(path, keys, weights_sha256=SHA, weights_public=True, secret=SECRET)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.concatenate(list(keys)))
        assert json.loads(image.text["dkg"]) == {
            "format": "dkg key",
            "version": 2,
            "keys": 3,
            "key_id": cipher.key_identifier(keys),
            "weights_sha256": SHA,
            "weights_public": True,
            "tag_secret": SECRET.hex(),
        }
    read = encryption.read_key(path)
    assert np.array_equal(read.keys, keys)
    assert (read.weights_sha256, read.weights_public, read.secret) == (SHA, True, SECRET)
    assert (read.output, read.exact) == (None, None)  # As in files of earlier versions.
    how = {"output": "low-order", "exact": True}
    encryption.write_key(path, keys, weights_sha256=SHA, weights_public=True, overwrite=True, **how)
    read = encryption.read_key(path)
    assert {"output": read.output, "exact": read.exact} == how


def test_only_the_owner_can_read_a_key(key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for mode in (0o604, 0o640, 0o620):
        key.chmod(mode)
        with pytest.raises(PermissionError, match=rf"key\.png: others .*{mode:o}.*chmod 600"):
            encryption.read_key(key)


def test_each_key_file_has_a_secret_of_its_own_unless_one_is_given(tmp_path, keys):
    about = {"weights_sha256": SHA, "weights_public": False}
    secrets = set()
    for number in range(3):
        path = tmp_path / f"{number}.png"
        encryption.write_key(path, keys, **about)
        secrets.add(encryption.read_key(path).secret)
    assert len(secrets) == 3 and {len(secret) for secret in secrets} == {32}
    with pytest.raises(CipherError, match="32 bytes, not 31"):
        encryption.write_key(tmp_path / "short.png", keys, secret=bytes(31), **about)
    assert not (tmp_path / "short.png").exists()


def test_the_secret_follows_from_seed_images_and_weights():
    seeds = random_keys(2)
    secret = encryption.tag_secret(seeds, SHA)
    expected = hmac.digest(bytes.fromhex(SHA), seeds.tobytes(), "sha256")
    assert secret == hmac.digest(expected, b"dkg tag secret 2\1", "sha256")
    changed = seeds.copy()
    changed[1, 255, 255, 2] ^= 1
    others = {
        encryption.tag_secret(changed, SHA),
        encryption.tag_secret(seeds[::-1], SHA),
        encryption.tag_secret(seeds, "0" * 64),
    }
    assert len(others | {secret}) == 4


@pytest.mark.parametrize(
    "change",
    [{"tag_secret": None}, {"tag_secret": "ab"}, {"tag_secret": 7}, {"version": 1}],
    ids=str,
)
def test_a_version_and_its_secret_must_fit(key, keys, change):
    metadata = json.loads(metadata_text(key)) | change
    forge(key, keys[0], json.dumps(metadata, sort_keys=True, separators=(",", ":")))
    with pytest.raises(CipherError, match=r"key\.png: a key file of version 2, and no other"):
        encryption.read_key(key)


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
