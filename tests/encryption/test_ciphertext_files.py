"""Files encrypted and decrypted, files that are refused, and the record of used keys."""

import io
import json
import shutil
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dkg import cipher, encryption
from dkg.cipher import CipherError
from dkg.encryption import ciphertext_files
from dkg.storage import registry

from .conftest import forge, metadata_text, random_image, random_keys, refused, write_key

COMPATIBILITY = Path(__file__).parents[1] / "compatibility"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    rgb=st.booleans(),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    suffixes=st.tuples(*[st.sampled_from([".png", ".tif"])] * 2),
    data=st.data(),
)
def test_round_trip(folder, shape, rgb, dtype, suffixes, data):
    shape = (*shape, 3) if rgb else shape
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    fill = data.draw(st.binary(min_size=1, max_size=16))
    image = np.resize(np.frombuffer(fill, np.uint8), n_bytes).view(dtype).reshape(shape)
    source, back = folder / f"image{suffixes[0]}", folder / f"back{suffixes[1]}"
    out, key = folder / "out.png", folder / "key.png"
    encryption.write_samples(source, image, overwrite=True)
    encryption.encrypt_file(source, key, out, overwrite=True, allow_key_reuse=True)
    encrypted = encryption.read_samples(out)
    assert (encrypted.shape, encrypted.dtype) == (image.shape, image.dtype)
    encryption.decrypt_file(out, key, back, overwrite=True)
    restored = encryption.read_samples(back)
    assert restored.dtype == image.dtype
    assert np.array_equal(restored, image)


def test_one_pixel_and_several_keys(tmp_path):
    key = write_key(tmp_path / "key.png", random_keys(4))
    for number, image in enumerate(
        [random_image(1, 1), random_image(300, 400, 3, dtype=np.uint16)]
    ):
        source, out, back = (tmp_path / f"{name}{number}.png" for name in ("image", "out", "back"))
        encryption.write_samples(source, image)
        encryption.encrypt_file(source, key, out, allow_key_reuse=True)
        encryption.decrypt_file(out, key, back)
        assert np.array_equal(encryption.read_samples(back), image)


def test_a_ciphertext_file_read_by_hand(tmp_path, keys, key):
    image = random_image(6, 5, 3, dtype=np.uint16)
    encryption.write_samples(tmp_path / "image.tif", image)
    encryption.encrypt_file(tmp_path / "image.tif", key, tmp_path / "out.png")
    raw = (tmp_path / "out.png").read_bytes()
    position, chunks = 8, {}
    while position < len(raw):
        length, name = struct.unpack_from(">I4s", raw, position)
        chunks[name] = chunks.get(name, b"") + raw[position + 8 : position + 8 + length]
        position += length + 12
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (5, 6, 16, 2, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(6, 1 + 5 * 3 * 2)
    assert not rows[:, 0].any()  # Filter type 0: the samples as they are.
    plain = image.astype(">u2").tobytes()
    expected = [a ^ b for a, b in zip(plain, keys.tobytes(), strict=False)]
    assert rows[:, 1:].ravel().tolist() == expected
    assert chunks[b"tEXt"].startswith(b'dkg\0{"dtype":"uint16","format":"dkg ciphertext"')


def test_wrong_key(encrypted, tmp_path):
    other = write_key(tmp_path / "other.png", random_keys())
    message = refused(encrypted[1], other, "wrong key")
    assert cipher.key_identifier(encryption.read_key(other).keys)[:16] in message


def test_empty_text_and_plain_files(encrypted, key):
    _, out = encrypted
    out.write_bytes(b"")
    refused(out, key, "empty")
    out.write_text("This is not an image.")
    refused(out, key, "a ciphertext is a PNG file, this starts with b'This is '")
    Image.fromarray(random_image(5, 7)).save(out)
    refused(out, key, "carries no dkg metadata")
    tifffile.imwrite(out, random_image(5, 7), photometric="minisblack")
    refused(out, key, "not a ciphertext: .* PNG")


def test_resaved_ciphertexts(encrypted, key):
    _, out = encrypted
    pixels, text = encryption.read_samples(out), metadata_text(out)
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    refused(out, key, "JPEG is lossy")
    forge(out, np.asarray(Image.fromarray(pixels).resize((14, 10))), text)
    refused(out, key, r"made as uint8 of shape \[5, 7\], but is now uint8 of shape \[10, 14\]")
    forge(out, np.dstack([pixels] * 3), text)
    refused(out, key, "converted")
    Image.fromarray(pixels).save(out)
    refused(out, key, "another program has saved again")


def test_a_16_bit_ciphertext_reduced_to_8_bits(tmp_path, key):
    encryption.write_samples(tmp_path / "image.png", random_image(5, 7, dtype=np.uint16))
    out = tmp_path / "out.png"
    encryption.encrypt_file(tmp_path / "image.png", key, out)
    forge(out, (encryption.read_samples(out) >> 8).astype(np.uint8), metadata_text(out))
    refused(out, key, "made as uint16 .* now uint8")


def test_key_and_ciphertext_exchanged(encrypted, key, tmp_path):
    _, out = encrypted
    refused(key, key, "is a 'dkg key' file, not a ciphertext")
    refused(out, out, "is a 'dkg ciphertext' file, not a key")
    for path, kind in ((key, "key"), (out, "ciphertext")):
        with pytest.raises(CipherError, match=f"already a {kind}"):
            encryption.encrypt_file(path, key, tmp_path / "again.png")
        assert encryption.kind(path) == kind
    assert encryption.kind(tmp_path / "image.png") == "image"


def second_image(folder):
    path = folder / "second.png"
    encryption.write_samples(path, random_image(5, 7))
    return path


def recorded(folder, key):
    parts = [cipher.key_identifier(one[None]) for one in encryption.read_key(key).keys]
    return registry.uses(folder / registry.BESIDE_KEY, parts)


def test_a_second_image_is_refused_and_the_same_image_is_not(encrypted, key, tmp_path):
    _, out = encrypted
    second = second_image(tmp_path)
    with pytest.raises(
        CipherError, match=r"already encrypted another image.* allow_key_reuse=True$"
    ):
        encryption.encrypt_file(second, key, tmp_path / "second_out.png")
    assert not (tmp_path / "second_out.png").exists()

    again = tmp_path / "again.png"
    assert encryption.encrypt_file(tmp_path / "image.png", key, again) == 0
    assert again.read_bytes() == out.read_bytes()
    assert len(recorded(tmp_path, key)) == 1

    assert encryption.encrypt_file(second, key, tmp_path / "b.png", allow_key_reuse=True) == 1
    assert recorded(tmp_path, key) == {
        json.loads(metadata_text(path))["tag"] for path in (out, tmp_path / "b.png")
    }


def test_a_renamed_or_remade_key_is_still_used(encrypted, key, keys, tmp_path):
    copy = Path(shutil.copy(key, tmp_path / "copy.png"))
    with pytest.raises(CipherError, match=r"copy\.png: .*already"):
        encryption.encrypt_file(second_image(tmp_path), copy, tmp_path / "b.png")
    key.unlink()
    write_key(key, keys)
    with pytest.raises(CipherError, match=r"key\.png: .*already"):
        encryption.encrypt_file(tmp_path / "second.png", key, tmp_path / "b.png")
    key.unlink()
    write_key(key, random_keys())
    assert encryption.encrypt_file(tmp_path / "second.png", key, tmp_path / "b.png") == 0


@pytest.fixture
def version_1(tmp_path):
    """Copy a ciphertext and its key, as version 0.1 of this package wrote them."""
    folder = tmp_path / "version-1"
    folder.mkdir()
    for name in ("key.png", "rgb8.png"):
        shutil.copy(COMPATIBILITY / name, folder)
    # A checkout does not keep the mode.
    (folder / "key.png").chmod(0o600)
    return folder


def test_a_key_of_version_1_decrypts_and_does_not_encrypt(version_1, tmp_path):
    key, back = version_1 / "key.png", tmp_path / "back.png"
    encryption.decrypt_file(version_1 / "rgb8.png", key, back)
    image = encryption.read_samples(back)
    stream = encryption.read_key(key).keys.ravel()[: image.size].reshape(image.shape)
    assert np.array_equal(image, encryption.read_samples(version_1 / "rgb8.png") ^ stream)
    with pytest.raises(CipherError, match=r"key\.png: is a key file of version 1.* dkg keygen"):
        encryption.encrypt_file(back, key, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_key_made_again_decrypts_version_1_only_if_asked_to(version_1, tmp_path):
    ciphertext = version_1 / "rgb8.png"
    encryption.decrypt_file(ciphertext, version_1 / "key.png", tmp_path / "first.png")
    again = write_key(tmp_path / "again.png", encryption.read_key(version_1 / "key.png").keys)
    back = tmp_path / "back.png"
    with pytest.raises(CipherError, match=r"rgb8\.png: the ciphertext has format version 1"):
        encryption.decrypt_file(ciphertext, again, back)
    assert not back.exists()
    encryption.decrypt_file(ciphertext, again, back, accept_version_1=True)
    assert np.array_equal(
        encryption.read_samples(back), encryption.read_samples(tmp_path / "first.png")
    )
    # Accepting version 1 is no way around the secret of version 2.
    encryption.encrypt_file(back, again, tmp_path / "second.png")
    keys = encryption.read_key(again).keys
    forged, metadata = encryption.encrypt(np.zeros((5, 7), np.uint8), keys, bytes(32))
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    forge(tmp_path / "forged.png", forged, text)
    with pytest.raises(CipherError, match="tag does not fit"):
        encryption.decrypt_file(
            tmp_path / "forged.png", again, tmp_path / "no.png", accept_version_1=True
        )


def test_a_key_that_shares_a_part_with_a_used_one_is_refused(tmp_path):
    first, second, third = random_keys(3)
    write_key(tmp_path / "used.png", np.stack([first, second]))
    write_key(tmp_path / "shares.png", np.stack([third, first]))
    write_key(tmp_path / "fresh.png", third[None])
    encryption.write_samples(tmp_path / "image.png", random_image(5, 7))
    encryption.encrypt_file(tmp_path / "image.png", tmp_path / "used.png", tmp_path / "a.png")
    shares, image = tmp_path / "shares.png", second_image(tmp_path)
    with pytest.raises(CipherError, match=r"shares\.png: this key, or a part of it, has already"):
        encryption.encrypt_file(image, shares, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
    third_part = [cipher.key_identifier(third[None])]
    assert not registry.uses(tmp_path / registry.BESIDE_KEY, third_part), "a refusal is no use"
    assert encryption.encrypt_file(image, tmp_path / "fresh.png", tmp_path / "c.png") == 0
    assert encryption.encrypt_file(image, shares, tmp_path / "b.png", allow_key_reuse=True) == 2


def test_the_use_is_recorded_before_the_ciphertext_is_there(tmp_path, key, monkeypatch):
    def stopped(path, overwrite):
        assert path == out
        raise KeyboardInterrupt

    out = tmp_path / "out.png"
    encryption.write_samples(tmp_path / "image.png", random_image(5, 7))
    with monkeypatch.context() as patch:
        patch.setattr(ciphertext_files, "atomic", stopped)
        with pytest.raises(KeyboardInterrupt):
            encryption.encrypt_file(tmp_path / "image.png", key, out)
    assert not out.exists()
    assert len(recorded(tmp_path, key)) == 1
    with pytest.raises(CipherError, match="already"):
        encryption.encrypt_file(second_image(tmp_path), key, out)
    assert encryption.encrypt_file(tmp_path / "image.png", key, out) == 0
    assert out.exists()


def test_a_registry_of_several_folders_finds_a_copied_key(tmp_path, key, encrypted):
    """Both keep the use, so that the key is used in its folder for those without the registry."""
    _, out = encrypted
    shared = tmp_path / "shared.sqlite"
    image, second = tmp_path / "image.png", second_image(tmp_path)
    assert encryption.encrypt_file(image, key, tmp_path / "again.png", registry=shared) == 0
    (tmp_path / "copy").mkdir()
    copy = Path(shutil.copy(key, tmp_path / "copy" / "key.png"))
    target = tmp_path / "copy" / "second.png"
    with pytest.raises(CipherError, match=r"copy/key\.png: .*recorded in .*shared\.sqlite"):
        encryption.encrypt_file(second, copy, target, registry=shared)
    assert not recorded(copy.parent, copy), "a refusal is no use"
    assert encryption.encrypt_file(image, copy, target, registry=shared) == 0
    assert target.read_bytes() == out.read_bytes()
    with pytest.raises(CipherError, match=r"recorded in .*copy/used-keys\.sqlite"):
        encryption.encrypt_file(second, copy, tmp_path / "b.png")
    with pytest.raises(CipherError, match=r"recorded in .*used-keys\.sqlite"):
        encryption.encrypt_file(second, copy, tmp_path / "b.png", registry=tmp_path / "new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()
    reused = {"registry": shared, "allow_key_reuse": True}
    assert encryption.encrypt_file(second, copy, tmp_path / "b.png", **reused) == 1


def test_of_several_encryptions_at_once_one_wins(tmp_path, key):
    start = threading.Barrier(8)
    won = []

    def encrypt(number):
        source = tmp_path / f"image{number}.png"
        encryption.write_samples(source, np.full((5, 7), number, np.uint8))
        start.wait()
        try:
            encryption.encrypt_file(source, key, tmp_path / f"out{number}.png")
            won.append(number)
        except CipherError:
            pass

    threads = [threading.Thread(target=encrypt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert [path.name for path in tmp_path.glob("out*")] == [f"out{won[0]}.png"]


def test_overwrite_replaces(encrypted, key, tmp_path):
    image, out = encrypted
    back = tmp_path / "back.png"
    back.write_text("old")
    encryption.decrypt_file(out, key, back, overwrite=True)
    assert np.array_equal(encryption.read_samples(back), image)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, key, monkeypatch):
    encryption.write_samples(tmp_path / "image.png", random_image(5, 7))
    before = sorted(path.name for path in tmp_path.iterdir())

    class FullDisk(io.FileIO):
        def write(self, data):
            super().write(data[:10])
            raise OSError(28, "No space left on device", str(self.name))

    opened = Path.open

    def open_full(path, mode="r", *options, **more):
        return FullDisk(path, "w") if mode == "wb" else opened(path, mode, *options, **more)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(OSError, match="No space left"):
        encryption.encrypt_file(tmp_path / "image.png", key, tmp_path / "out.png")
    after = sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".sqlite")
    assert after == before
