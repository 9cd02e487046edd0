"""The cipher against the standard library, hand-made files, and every kind of damage."""

import hashlib
import hmac
import io
import json
import os
import shutil
import stat
import struct
import threading
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin

from dkg import cipher
from dkg.cipher import CipherError
from dkg.storage import registry

RNG = np.random.default_rng()
SHA = hashlib.sha256(b"no weights, random bytes").hexdigest()


def random_keys(n=1):
    return RNG.integers(0, 256, (n, 256, 256, 3), np.uint8)


def random_image(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def write_key(path, keys):
    cipher.write_key(path, keys, weights_sha256=SHA, weights_public=False)
    return path


@pytest.fixture(scope="module")
def keys():
    return random_keys()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, keys):
    """Make a folder with the key, for properties: hypothesis shares it between its examples."""
    folder = tmp_path_factory.mktemp("cipher")
    write_key(folder / "key.png", keys)
    return folder


@pytest.fixture
def key(tmp_path, keys):
    return write_key(tmp_path / "key.png", keys)


@pytest.fixture
def encrypted(tmp_path, key):
    """Encrypt a 5 x 7 gray image: (the image, the ciphertext's path)."""
    image = random_image(5, 7)
    cipher.write_samples(tmp_path / "image.png", image)
    out = tmp_path / "out.png"
    cipher.encrypt_file(tmp_path / "image.png", key, out)
    return image, out


def refused(out, key, match):
    """Assert that decrypting is refused, and leaves nothing behind."""
    back = out.with_name("refused.png")
    with pytest.raises(CipherError, match=match) as caught:
        cipher.decrypt_file(out, key, back)
    assert not back.exists()
    assert not list(out.parent.glob(".*"))
    return str(caught.value)


def forge(path, pixels, text):
    """Write pixels and metadata text as a whole and valid PNG file."""
    info = PngImagePlugin.PngInfo()
    info.add_text("dkg", text)
    Image.fromarray(pixels).save(path, pnginfo=info)


def metadata_text(path):
    with Image.open(path) as image:
        return image.text["dkg"]


# --- XOR and the layout of the key


def test_xor_is_bitwise_xor_and_its_own_inverse():
    image, key = random_image(4, 6, 3), random_image(4, 6, 3)
    expected = [a ^ b for a, b in zip(image.tobytes(), key.tobytes(), strict=True)]
    assert list(cipher.xor(image, key).tobytes()) == expected
    assert np.array_equal(cipher.xor(cipher.xor(image, key), key), image)


@given(
    dtype=hnp.unsigned_integer_dtypes(),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
    data=st.data(),
)
def test_xor_is_its_own_inverse_for_every_shape_and_type(dtype, shape, data):
    image, key = (data.draw(hnp.arrays(dtype, shape)) for _ in range(2))
    hidden = cipher.xor(image, key)
    assert (hidden.shape, hidden.dtype) == (image.shape, image.dtype)
    np.testing.assert_array_equal(cipher.xor(hidden, key), image)
    np.testing.assert_array_equal(cipher.xor(hidden, image), key)
    assert not cipher.xor(image, image).any()


@pytest.mark.parametrize(
    ("image", "key"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 1), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint8)),
        (np.zeros((4, 4)), np.zeros((4, 4))),
        (np.zeros((4, 4), np.int8), np.zeros((4, 4), np.int8)),
    ],
)
def test_xor_never_fits_a_key_to_an_image(image, key):
    with pytest.raises(CipherError, match="same shape and unsigned"):
        cipher.xor(image, key)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((1, 1), np.uint8, 1),
        ((256, 256, 3), np.uint8, 1),
        ((1, 196_608), np.uint8, 1),
        ((1, 196_609), np.uint8, 2),
        ((256, 256, 3), np.uint16, 2),
        ((4892, 4020), np.uint8, 101),  # 19,665,840 / 196,608 = 100.03
    ],
)
def test_keys_needed(shape, dtype, expected):
    assert cipher.keys_needed(np.broadcast_to(dtype(0), shape)) == expected


def test_key_bytes_cover_the_samples_in_order_high_byte_first():
    keys = random_keys(3)
    stream = keys.tobytes()
    gray = cipher.encrypt(np.zeros((300, 700), np.uint8), keys)[0]
    assert gray.tobytes() == stream[: 300 * 700]
    deep = cipher.encrypt(np.zeros((300, 310, 3), np.uint16), keys)[0]
    assert deep.ravel().tolist() == list(struct.unpack(">279000H", stream[: 2 * 300 * 310 * 3]))


def test_too_little_key_says_how_many_seeds_are_missing(keys):
    image = np.zeros((4892, 4020), np.uint8)
    with pytest.raises(
        CipherError, match=r"needs 101 keys, and there are 1: .*100 more seed images"
    ):
        cipher.encrypt(image, keys)
    with pytest.raises(CipherError, match=r"needs 2 keys, and there are 1: .*1 more seed image$"):
        cipher.encrypt(np.zeros((1, 196_609), np.uint8), keys)


def test_a_repeated_key_is_refused(keys):
    tiled = np.concatenate([random_keys(), keys, random_keys(), keys])
    with pytest.raises(CipherError, match="keys 2 and 4 are the same"):
        cipher.encrypt(random_image(2, 2), tiled)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((256, 256, 3), np.uint8),
        np.zeros((0, 256, 256, 3), np.uint8),
        np.zeros((1, 256, 256, 3), np.uint16),
    ],
)
def test_keys_of_another_form_are_refused(bad):
    with pytest.raises(CipherError, match="keys must be uint8"):
        cipher.key_identifier(bad)


def test_more_keys_than_any_image_needs_are_refused():
    many = np.broadcast_to(np.uint8(0), (1025, 256, 256, 3))
    with pytest.raises(CipherError, match="at most 1,024 keys"):
        cipher.key_identifier(many)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((2, 2, 4), np.uint8), "4 channels.*remove the transparency"),
        (np.zeros((2, 2, 2), np.uint8), "2 channels"),
        (np.zeros((0, 2), np.uint8), "gray or RGB"),
        (np.zeros(4, np.uint8), "gray or RGB"),
        (np.zeros((2, 2), np.float32), "uint8 or uint16"),
        (np.broadcast_to(np.uint8(0), (1, 1_000_001)), "1,000,000 pixels a side"),
        (np.broadcast_to(np.uint8(0), (14_190, 14_190)), "at most 201,326,592 bytes"),
    ],
)
def test_images_of_another_form_are_refused(image, match, keys):
    with pytest.raises(CipherError, match=match):
        cipher.encrypt(image, keys)


# --- Authentication, computed again by hand


def hkdf(material, info, length=32, salt=b""):
    """RFC 5869 from its text, with the standard library only."""
    extracted = hmac.new(salt or bytes(32), material, hashlib.sha256).digest()
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(extracted, block + info + bytes([counter]), hashlib.sha256).digest()
        output, counter = output + block, counter + 1
    return output[:length]


def test_the_hand_made_hkdf_gives_the_vectors_of_rfc_5869():
    first = hkdf(bytes([11] * 22), bytes(range(0xF0, 0xFA)), 42, bytes(range(13)))
    assert first.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    third = hkdf(bytes([11] * 22), b"", 42)
    assert third.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_identifier_and_tag_are_as_the_document_says(dtype):
    keys = random_keys(2)
    image = random_image(9, 4, 3, dtype=dtype)
    ciphertext, metadata = cipher.encrypt(image, keys)
    identifier = hashlib.sha256(b"dkg key identifier 1\0" + keys.tobytes()).hexdigest()
    text = (
        f'{{"dtype":"{np.dtype(dtype).name}","format":"dkg ciphertext","key_id":"{identifier}",'
        '"shape":[9,4,3],"version":1}'
    )
    code = "B" if dtype is np.uint8 else "H"
    samples = struct.pack(f">108{code}", *ciphertext.ravel().tolist())
    mac_key = hkdf(keys.tobytes(), b"dkg ciphertext tag 1")
    tag = hmac.new(mac_key, text.encode() + b"\0" + samples, hashlib.sha256).hexdigest()
    assert metadata == json.loads(text) | {"tag": tag}


def test_the_check_in_the_document_works(tmp_path, monkeypatch):
    document = Path(__file__).parents[1] / "docs" / "formats.md"
    code = document.read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    key = write_key(tmp_path / "key.png", random_keys(2))
    cipher.write_samples("image.png", random_image(400, 300, 3))
    cipher.encrypt_file("image.png", key, "out.png")
    exec(compile(code, document, "exec"), {})
    # The check itself can fail: here with another key, made of the same blocks.
    swapped = cipher.read_key(key).keys[::-1]
    key.unlink()
    write_key(key, swapped)
    with pytest.raises(AssertionError):
        exec(compile(code, document, "exec"), {})


def test_encryption_is_deterministic(keys):
    image = random_image(3, 3)
    first, again = cipher.encrypt(image, keys), cipher.encrypt(image, keys)
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]


def test_an_unused_key_counts_for_identifier_and_tag(keys):
    image = random_image(3, 3)
    more = np.concatenate([keys, random_keys()])
    (ciphertext, metadata), (same, other) = cipher.encrypt(image, keys), cipher.encrypt(image, more)
    assert np.array_equal(ciphertext, same)
    assert metadata["tag"] != other["tag"]
    with pytest.raises(CipherError, match="wrong key"):
        cipher.decrypt(ciphertext, metadata, more)


def test_the_order_of_the_keys_counts():
    keys = random_keys(2)
    ciphertext, metadata = cipher.encrypt(random_image(3, 3), keys)
    with pytest.raises(CipherError, match="wrong key"):
        cipher.decrypt(ciphertext, metadata, keys[::-1])


@settings(max_examples=50)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    channels=st.sampled_from([(), (3,)]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 2**32 - 1),
    turned=st.booleans(),
)
def test_decrypt_undoes_encrypt(shape, channels, dtype, seed, turned):
    """Up to three keys, and images whose rows do not lie one after another in memory."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, (*shape, *channels), dtype, endpoint=True)
    image = image.swapaxes(0, 1)[::-1] if turned else image
    keys = rng.integers(0, 256, (cipher.keys_needed(image), 256, 256, 3), np.uint8)
    ciphertext, metadata = cipher.encrypt(image, keys)
    assert (ciphertext.shape, ciphertext.dtype) == (image.shape, image.dtype)
    back = cipher.decrypt(ciphertext, json.loads(json.dumps(metadata)), keys)
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back, image)


# --- Round trips through files


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
    cipher.write_samples(source, image, overwrite=True)
    cipher.encrypt_file(source, key, out, overwrite=True, allow_key_reuse=True)
    encrypted = cipher.read_samples(out)
    assert (encrypted.shape, encrypted.dtype) == (image.shape, image.dtype)
    cipher.decrypt_file(out, key, back, overwrite=True)
    restored = cipher.read_samples(back)
    assert restored.dtype == image.dtype
    assert np.array_equal(restored, image)


def test_one_pixel_and_several_keys(tmp_path):
    key = write_key(tmp_path / "key.png", random_keys(4))
    for number, image in enumerate(
        [random_image(1, 1), random_image(300, 400, 3, dtype=np.uint16)]
    ):
        source, out, back = (tmp_path / f"{name}{number}.png" for name in ("image", "out", "back"))
        cipher.write_samples(source, image)
        cipher.encrypt_file(source, key, out, allow_key_reuse=True)
        cipher.decrypt_file(out, key, back)
        assert np.array_equal(cipher.read_samples(back), image)


def test_a_ciphertext_file_read_by_hand(tmp_path, keys, key):
    image = random_image(6, 5, 3, dtype=np.uint16)
    cipher.write_samples(tmp_path / "image.tif", image)
    cipher.encrypt_file(tmp_path / "image.tif", key, tmp_path / "out.png")
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


# --- Damage


def test_every_flipped_bit_is_refused(encrypted, key):
    _, out = encrypted
    whole = out.read_bytes()
    with out.open("r+b", buffering=0) as file:
        for position, byte in enumerate(whole):
            for bit in range(8):
                file.seek(position)
                file.write(bytes([byte ^ 1 << bit]))
                refused(out, key, "damaged|not a ciphertext: a ciphertext is a PNG")
            file.seek(position)
            file.write(bytes([byte]))
    cipher.decrypt_file(out, key, out.with_name("fine.png"))  # Only the changes are refused.


def test_a_file_cut_anywhere_is_refused(encrypted, key):
    _, out = encrypted
    whole = out.read_bytes()
    out.write_bytes(whole + b"\0")
    refused(out, key, "1 bytes were appended")
    for length in reversed(range(1, len(whole))):
        os.truncate(out, length)
        refused(out, key, "cut off" if length >= 8 else "not a ciphertext")


def test_every_bit_of_a_forged_ciphertext_is_authenticated(encrypted, key):
    _, out = encrypted
    pixels, text = cipher.read_samples(out), metadata_text(out)
    for index in range(pixels.size):
        for bit in range(8):
            changed = pixels.copy()
            changed.flat[index] ^= 1 << bit
            forge(out, changed, text)
            refused(out, key, "tag does not fit")
    forge(out, pixels, text)
    cipher.decrypt_file(out, key, out.with_name("fine.png"))  # Only the changes are refused.


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changed_metadata_is_refused(keys, folder, data):
    ciphertext, metadata = cipher.encrypt(np.zeros((5, 7), np.uint8), keys)
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    index = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    insert = data.draw(st.booleans())
    changed = text[:index] + character + text[index + (not insert) :]
    if changed == text:
        return
    forge(folder / "changed.png", ciphertext, changed)
    refused(folder / "changed.png", folder / "key.png", r"changed\.png: ")


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [7, 5]},
        {"shape": [5, 7, 1]},
        {"shape": 35},
        {"dtype": "uint16"},
        {"key_id": "0" * 64},
        {"key_id": None},
        {"tag": "0" * 64},
        {"tag": "\u00e9"},
        {"tag": None},
        {"version": 2},
        {"version": True},
        {"format": "dkg key"},
        {"format": []},
        {"more": 1},
    ],
)
def test_changed_fields_are_refused(encrypted, key, change):
    _, out = encrypted
    metadata = json.loads(metadata_text(out)) | change
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    forge(out, cipher.read_samples(out), text)
    refused(out, key, "out.png: ")


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, '{"format":"dkg key"}'])
def test_metadata_that_are_no_metadata_are_refused(encrypted, key, text):
    _, out = encrypted
    forge(out, cipher.read_samples(out), text)
    refused(out, key, "out.png: ")


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.replace(",", ", "),
        lambda text: text.replace('"version":1', '"version":1,"version":1'),
        lambda text: text.replace("version", "\\u0076ersion"),
        lambda text: "{" + ",".join(reversed(text.strip("{}").rsplit(",", 1))) + "}",
    ],
)
def test_the_same_metadata_in_another_form_are_refused(encrypted, key, rewrite):
    _, out = encrypted
    text = metadata_text(out)
    assert json.loads(rewrite(text)) == json.loads(text)
    forge(out, cipher.read_samples(out), rewrite(text))
    refused(out, key, "metadata was changed")


def test_a_whole_png_that_is_no_image_is_refused(encrypted, key):
    _, out = encrypted
    raw = out.read_bytes()
    start = raw.index(b"IDAT") - 4
    body = b"IDAT" + zlib.compress(b"too short")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    out.write_bytes(raw[:start] + chunk + raw[-12:])
    refused(out, key, "out.png: damaged")
    body = b"\xff\xff\xff\xff"  # No chunk that must be understood has such a name.
    chunk = struct.pack(">I", 0) + body + struct.pack(">I", zlib.crc32(body))
    out.write_bytes(raw[:start] + chunk + raw[start:])
    refused(out, key, "out.png: ")


def test_two_metadata_chunks_are_refused(encrypted, key):
    _, out = encrypted
    info = PngImagePlugin.PngInfo()
    info.add_text("dkg", metadata_text(out))
    info.add_text("dkg", metadata_text(out))
    Image.fromarray(cipher.read_samples(out)).save(out, pnginfo=info)
    refused(out, key, "metadata was changed")


def test_the_metadata_may_move_and_the_pixels_be_compressed_otherwise(encrypted, key):
    image, out = encrypted
    forge(out, cipher.read_samples(out), metadata_text(out))
    cipher.decrypt_file(out, key, out.with_name("back.png"))
    assert np.array_equal(cipher.read_samples(out.with_name("back.png")), image)


# --- Files that are something else, with the reason that fits


def test_wrong_key(encrypted, tmp_path):
    other = write_key(tmp_path / "other.png", random_keys())
    message = refused(encrypted[1], other, "wrong key")
    assert cipher.key_identifier(cipher.read_key(other).keys)[:16] in message


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
    pixels, text = cipher.read_samples(out), metadata_text(out)
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    refused(out, key, "JPEG is lossy")
    forge(out, np.asarray(Image.fromarray(pixels).resize((14, 10))), text)
    refused(out, key, r"made as uint8 of shape \[5, 7\], but is now uint8 of shape \[10, 14\]")
    forge(out, np.dstack([pixels] * 3), text)
    refused(out, key, "converted")
    Image.fromarray(pixels).save(out)
    refused(out, key, "another program has saved again")


def test_a_16_bit_ciphertext_reduced_to_8_bits(tmp_path, key):
    cipher.write_samples(tmp_path / "image.png", random_image(5, 7, dtype=np.uint16))
    out = tmp_path / "out.png"
    cipher.encrypt_file(tmp_path / "image.png", key, out)
    forge(out, (cipher.read_samples(out) >> 8).astype(np.uint8), metadata_text(out))
    refused(out, key, "made as uint16 .* now uint8")


def test_key_and_ciphertext_exchanged(encrypted, key, tmp_path):
    _, out = encrypted
    refused(key, key, "is a 'dkg key' file, not a ciphertext")
    refused(out, out, "is a 'dkg ciphertext' file, not a key")
    for path, kind in ((key, "key"), (out, "ciphertext")):
        with pytest.raises(CipherError, match=f"already a {kind}"):
            cipher.encrypt_file(path, key, tmp_path / "again.png")
        assert cipher.kind(path) == kind
    assert cipher.kind(tmp_path / "image.png") == "image"


# --- Key files


def test_key_file_holds_the_keys_one_under_the_other(tmp_path):
    keys = random_keys(3)
    path = tmp_path / "key.png"
    cipher.write_key(path, keys, weights_sha256=SHA, weights_public=True)
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
    read = cipher.read_key(path)
    assert np.array_equal(read.keys, keys)
    assert (read.weights_sha256, read.weights_public) == (SHA, True)
    assert (read.output, read.exact) == (None, None)  # As in files of earlier versions.
    how = {"output": "low-order", "exact": True}
    cipher.write_key(path, keys, weights_sha256=SHA, weights_public=True, overwrite=True, **how)
    read = cipher.read_key(path)
    assert {"output": read.output, "exact": read.exact} == how


def test_only_the_owner_can_read_a_key(key):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_changed_key_file_is_refused(key, keys):
    text = metadata_text(key)
    changed = keys[0].copy()
    changed[200, 100, 1] ^= 1
    forge(key, changed, text)
    with pytest.raises(CipherError, match=r"key\.png: the key was changed"):
        cipher.read_key(key)
    forge(key, changed[:255], text)
    with pytest.raises(CipherError, match=r"shape \(256 n, 256, 3\), this is .*\(255, 256, 3\)"):
        cipher.read_key(key)
    forge(key, np.concatenate([keys[0], keys[0]]), text)
    with pytest.raises(CipherError, match="are the same"):
        cipher.read_key(key)


def test_a_repeated_key_is_not_written(tmp_path, keys):
    with pytest.raises(CipherError, match="keys 1 and 2 are the same"):
        write_key(tmp_path / "key.png", np.concatenate([keys, keys]))
    assert not list(tmp_path.iterdir())


# --- No reuse in silence


def second_image(folder):
    path = folder / "second.png"
    cipher.write_samples(path, random_image(5, 7))
    return path


def recorded(folder, key):
    parts = [cipher.key_identifier(one[None]) for one in cipher.read_key(key).keys]
    return registry.uses(folder / registry.BESIDE_KEY, parts)


def test_a_second_image_is_refused_and_the_same_image_is_not(encrypted, key, tmp_path):
    _, out = encrypted
    second = second_image(tmp_path)
    with pytest.raises(CipherError, match="already encrypted another image"):
        cipher.encrypt_file(second, key, tmp_path / "second_out.png")
    assert not (tmp_path / "second_out.png").exists()

    again = tmp_path / "again.png"
    assert cipher.encrypt_file(tmp_path / "image.png", key, again) == 0
    assert again.read_bytes() == out.read_bytes()
    assert len(recorded(tmp_path, key)) == 1

    assert cipher.encrypt_file(second, key, tmp_path / "b.png", allow_key_reuse=True) == 1
    assert recorded(tmp_path, key) == {
        json.loads(metadata_text(path))["tag"] for path in (out, tmp_path / "b.png")
    }


def test_a_renamed_or_remade_key_is_still_used(encrypted, key, keys, tmp_path):
    copy = Path(shutil.copy(key, tmp_path / "copy.png"))
    with pytest.raises(CipherError, match=r"copy\.png: .*already"):
        cipher.encrypt_file(second_image(tmp_path), copy, tmp_path / "b.png")
    key.unlink()
    write_key(key, keys)
    with pytest.raises(CipherError, match=r"key\.png: .*already"):
        cipher.encrypt_file(tmp_path / "second.png", key, tmp_path / "b.png")
    key.unlink()
    write_key(key, random_keys())
    assert cipher.encrypt_file(tmp_path / "second.png", key, tmp_path / "b.png") == 0


def test_a_key_that_shares_a_part_with_a_used_one_is_refused(tmp_path):
    first, second, third = random_keys(3)
    write_key(tmp_path / "used.png", np.stack([first, second]))
    write_key(tmp_path / "shares.png", np.stack([third, first]))
    write_key(tmp_path / "fresh.png", third[None])
    cipher.write_samples(tmp_path / "image.png", random_image(5, 7))
    cipher.encrypt_file(tmp_path / "image.png", tmp_path / "used.png", tmp_path / "a.png")
    shares, image = tmp_path / "shares.png", second_image(tmp_path)
    with pytest.raises(CipherError, match=r"shares\.png: this key, or a part of it, has already"):
        cipher.encrypt_file(image, shares, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
    third_part = [cipher.key_identifier(third[None])]
    assert not registry.uses(tmp_path / registry.BESIDE_KEY, third_part), "a refusal is no use"
    assert cipher.encrypt_file(image, tmp_path / "fresh.png", tmp_path / "c.png") == 0
    assert cipher.encrypt_file(image, shares, tmp_path / "b.png", allow_key_reuse=True) == 2


def test_the_use_is_recorded_before_the_ciphertext_is_there(tmp_path, key, monkeypatch):
    def stopped(path, overwrite):
        assert path == out
        raise KeyboardInterrupt

    out = tmp_path / "out.png"
    cipher.write_samples(tmp_path / "image.png", random_image(5, 7))
    with monkeypatch.context() as patch:
        patch.setattr(cipher, "atomic", stopped)
        with pytest.raises(KeyboardInterrupt):
            cipher.encrypt_file(tmp_path / "image.png", key, out)
    assert not out.exists()
    assert len(recorded(tmp_path, key)) == 1
    with pytest.raises(CipherError, match="already"):
        cipher.encrypt_file(second_image(tmp_path), key, out)
    assert cipher.encrypt_file(tmp_path / "image.png", key, out) == 0
    assert out.exists()


def test_a_registry_of_several_folders_finds_a_copied_key(tmp_path, key, encrypted):
    """Both keep the use, so that the key is used in its folder for those without the registry."""
    _, out = encrypted
    shared = tmp_path / "shared.sqlite"
    image, second = tmp_path / "image.png", second_image(tmp_path)
    assert cipher.encrypt_file(image, key, tmp_path / "again.png", registry=shared) == 0
    (tmp_path / "copy").mkdir()
    copy = Path(shutil.copy(key, tmp_path / "copy" / "key.png"))
    target = tmp_path / "copy" / "second.png"
    with pytest.raises(CipherError, match=r"copy/key\.png: .*recorded in .*shared\.sqlite"):
        cipher.encrypt_file(second, copy, target, registry=shared)
    assert not recorded(copy.parent, copy), "a refusal is no use"
    assert cipher.encrypt_file(image, copy, target, registry=shared) == 0
    assert target.read_bytes() == out.read_bytes()
    with pytest.raises(CipherError, match=r"recorded in .*copy/used-keys\.sqlite"):
        cipher.encrypt_file(second, copy, tmp_path / "b.png")
    with pytest.raises(CipherError, match=r"recorded in .*used-keys\.sqlite"):
        cipher.encrypt_file(second, copy, tmp_path / "b.png", registry=tmp_path / "new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()
    reused = {"registry": shared, "allow_key_reuse": True}
    assert cipher.encrypt_file(second, copy, tmp_path / "b.png", **reused) == 1


def test_of_several_encryptions_at_once_one_wins(tmp_path, key):
    start = threading.Barrier(8)
    won = []

    def encrypt(number):
        source = tmp_path / f"image{number}.png"
        cipher.write_samples(source, np.full((5, 7), number, np.uint8))
        start.wait()
        try:
            cipher.encrypt_file(source, key, tmp_path / f"out{number}.png")
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


# --- Reading and writing images


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)


def test_what_a_png_decodes_to(tmp_path):
    path = tmp_path / "image.png"
    rgb = random_image(9, 8, 3)
    palette = Image.fromarray(rgb).quantize(16)
    palette.save(path)
    assert np.array_equal(cipher.read_samples(path), np.asarray(palette.convert("RGB")))
    save(path, random_image(9, 8), "1")
    assert set(np.unique(cipher.read_samples(path))) <= {0, 255}


def test_what_a_jpeg_decodes_to(tmp_path):
    path = tmp_path / "image.jpg"
    for image, exif in ((random_image(9, 8, 3), b""), (random_image(9, 8), turned_exif())):
        save(path, image, quality=80, exif=exif)
        with Image.open(path) as decoded:
            assert np.array_equal(cipher.read_samples(path), np.asarray(decoded))


def turned_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees for display.
    return exif.tobytes()


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_what_a_tiff_decodes_to(tmp_path, compression, byteorder):
    path = tmp_path / "image.tif"
    gray = random_image(9, 8, dtype=np.uint16)
    options = {"compression": compression, "byteorder": byteorder}
    tifffile.imwrite(path, gray, photometric="minisblack", **options)
    assert np.array_equal(cipher.read_samples(path), gray)
    assert cipher.read_samples(path).dtype.isnative
    rgb = random_image(9, 8, 3)
    planes = np.moveaxis(rgb, 2, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", **options)
    assert np.array_equal(cipher.read_samples(path), rgb)


def test_images_that_are_refused(tmp_path):
    def assert_refused(match):
        with pytest.raises(CipherError, match=match) as caught:
            cipher.read_samples(path)
        assert str(caught.value).startswith(f"{path}: ")

    path = tmp_path / "image"
    save(path, random_image(5, 5, 4), format="PNG")
    assert_refused("4 channels.*remove the transparency")
    save(path, random_image(5, 5, 3), "CMYK", format="JPEG")
    assert_refused("4 channels.*convert CMYK")
    save(path, random_image(5, 5), "LA", format="PNG")
    assert_refused("2 channels")
    save(path, random_image(5, 5), format="BMP")
    assert_refused("not a PNG, JPEG or TIFF file, it starts with b'BM")
    tifffile.imwrite(path, random_image(3, 5, 5), photometric="minisblack")
    assert_refused("3 pages")
    tifffile.imwrite(path, random_image(5, 5), photometric="miniswhite")
    assert_refused("MINISWHITE")
    tifffile.imwrite(path, np.zeros((5, 5), np.float32), photometric="minisblack")
    assert_refused("float32")
    path.write_bytes(b"")
    assert_refused("empty")
    for write in (
        lambda: path.write_bytes(imagecodecs.png_encode(random_image(50, 50))),
        lambda: save(path, random_image(50, 50), format="JPEG"),
        lambda: tifffile.imwrite(path, random_image(50, 50), photometric="minisblack"),
    ):
        write()
        path.write_bytes(path.read_bytes()[:-500])
        assert_refused("cannot be used as a (PNG|JPEG|TIFF) image")


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (1, 1, 3), (5, 4, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_what_is_written_is_what_others_read(tmp_path, shape, suffix):
    path = tmp_path / f"image{suffix}"
    image = random_image(*shape)
    cipher.write_samples(path, image)
    with Image.open(path) as read:
        assert np.array_equal(np.asarray(read), image)


def test_outputs_that_are_refused(tmp_path, encrypted, key):
    _, out = encrypted
    image = tmp_path / "image.png"
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def assert_refused(match, name, **options):
        with pytest.raises(CipherError, match=match):
            cipher.encrypt_file(image, key, tmp_path / name, **options)
        with pytest.raises(CipherError, match=match):
            cipher.decrypt_file(out, key, tmp_path / name, **options)

    (tmp_path / "folder.png").mkdir()
    assert_refused("JPEG is lossy", "new.jpg")
    assert_refused(r"must end in \.png", "new.gif")
    assert_refused(r"must end in \.png", "new")
    assert_refused("the folder .* does not exist", "missing/new.png")
    assert_refused("is a folder", "folder.png")
    for name in ("out.png", "key.png", "image.png"):
        assert_refused("exists already|replace the input", name)
    assert_refused("replace the input", "key.png", overwrite=True)
    with pytest.raises(CipherError, match="replace the input"):
        cipher.encrypt_file(image, key, image, overwrite=True)
    with pytest.raises(CipherError, match="replace the input"):
        cipher.decrypt_file(out, key, out, overwrite=True)
    with pytest.raises(CipherError, match=r"must end in \.png"):
        write_key(tmp_path / "key.tif", random_keys())
    with pytest.raises(CipherError, match="exists already"):
        write_key(key, random_keys())
    (tmp_path / "folder.png").rmdir()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_overwrite_replaces(encrypted, key, tmp_path):
    image, out = encrypted
    back = tmp_path / "back.png"
    back.write_text("old")
    cipher.decrypt_file(out, key, back, overwrite=True)
    assert np.array_equal(cipher.read_samples(back), image)


@pytest.mark.parametrize("read_only", ["folder", "file"])
def test_a_read_only_output_is_refused(tmp_path, key, monkeypatch, read_only):
    # The superuser may write anywhere, so the system's answer is replaced, not the mode.
    out = tmp_path / "folder" / "out.png"
    out.parent.mkdir()
    out.write_text("old")
    cipher.write_samples(tmp_path / "image.png", random_image(5, 7))
    closed = out if read_only == "file" else out.parent
    monkeypatch.setattr(cipher.os, "access", lambda path, mode: Path(path) != closed)
    with pytest.raises(CipherError, match=rf"out\.png: .*{closed.name} is read-only|exists and is"):
        cipher.encrypt_file(tmp_path / "image.png", key, out, overwrite=True)
    assert out.read_text() == "old"
    assert not (tmp_path / registry.BESIDE_KEY).exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, key, monkeypatch):
    cipher.write_samples(tmp_path / "image.png", random_image(5, 7))
    before = sorted(path.name for path in tmp_path.iterdir())

    def full(path, data):
        with io.FileIO(path, "w") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        cipher.encrypt_file(tmp_path / "image.png", key, tmp_path / "out.png")
    after = sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".sqlite")
    assert after == before
