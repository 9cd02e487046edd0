"""The encrypted part: OpenSSL opens it, and every change of it is noticed."""

import copy
import dataclasses
import io
import shutil
import subprocess

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from dkg import cipher, dicom
from dkg.cipher import CipherError

from .parts import KEYS, make_image, read, telling_image, write

SECRET = bytes(range(32))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL's command is not installed")
def test_openssl_opens_the_encrypted_attributes(tmp_path):
    image = telling_image()
    encrypted = dicom.encrypt_dataset(image, KEYS, attributes="basic-profile")
    (item,) = encrypted.EncryptedAttributesSequence
    assert item.EncryptedContentTransferSyntaxUID == ExplicitVRLittleEndian
    (tmp_path / "content.der").write_bytes(item.EncryptedContent)
    wrapping = dicom.envelope.derive_keys(KEYS).wrapping
    # fmt: off
    result = subprocess.run(
        ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "content.der",
         "-secretkey", wrapping.hex(), "-secretkeyid", cipher.key_identifier(KEYS)],
        cwd=tmp_path, capture_output=True, check=True,
    )
    # fmt: on
    content = read_dataset(io.BytesIO(result.stdout), False, True)
    (attributes,) = content.ModifiedAttributesSequence
    assert list(content.keys()) == [pydicom.tag.Tag("ModifiedAttributesSequence")]
    # Put into the encrypted image, they give back each original attribute.
    for element in read(write(image)):
        if element.keyword != "PixelData":
            assert attributes.get(element.tag, encrypted.get(element.tag)) == element


def test_hkdf_as_documented():
    """The derived keys from their description in docs/formats.md, with HMAC alone."""
    import hmac

    extracted = hmac.digest(bytes(32), KEYS.tobytes(), "sha256")
    blocks, block = [], b""
    for number in range(1, 5):
        block = hmac.digest(extracted, block + b"dkg DICOM 1" + bytes([number]), "sha256")
        blocks.append(block)
    assert dataclasses.astuple(dicom.envelope.derive_keys(KEYS)) == tuple(blocks)


@pytest.mark.slow
@pytest.mark.parametrize("secret", [None, SECRET], ids=["version 1", "version 2"])
def test_every_changed_bit_is_noticed(secret):
    encrypted = dicom.encrypt_dataset(make_image(2, 3), KEYS, secret=secret)
    item = encrypted.EncryptedAttributesSequence[0]
    for holder, keyword in ((encrypted, "PixelData"), (item, "EncryptedContent")):
        content = getattr(holder, keyword)
        # All of the beginning and the end, where the message's structure is.
        places = [*range(200), *range(200, len(content) - 100, 50), *range(-100, 0)]
        for place in places if keyword == "EncryptedContent" else range(len(content)):
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            setattr(holder, keyword, bytes(changed))
            with pytest.raises(CipherError):
                dicom.decrypt_dataset(encrypted, KEYS, secret=secret)
        setattr(holder, keyword, content)
    dicom.decrypt_dataset(encrypted, KEYS, secret=secret)


@pytest.mark.parametrize("secret", [None, SECRET], ids=["version 1", "version 2"])
def test_a_changed_layout_is_noticed(secret):
    image = make_image(4, 6)
    for keyword, value in (
        ("Rows", 6),
        ("BitsStored", 11),
        ("PixelRepresentation", 1),
        ("NumberOfFrames", 1),
    ):
        encrypted = dicom.encrypt_dataset(image, KEYS, secret=secret)
        setattr(encrypted, keyword, value)
        if keyword == "Rows":
            encrypted.Columns = 4
        if keyword == "NumberOfFrames":  # Means the same.
            assert dicom.decrypt_dataset(encrypted, KEYS, secret=secret) == read(write(image))
            continue
        with pytest.raises(CipherError, match="were changed"):
            dicom.decrypt_dataset(encrypted, KEYS, secret=secret)


def compressed_by_an_archive(encrypted, noise=None):
    """Return an encrypted image in another transfer syntax, with its own or other noise."""
    stored = copy.deepcopy(encrypted)
    noise = stored.pixel_array if noise is None else noise
    stored.PixelData = encapsulate([imagecodecs.jpegls_encode(noise)])
    stored["PixelData"].VR, stored["PixelData"].is_undefined_length = "OB", True
    stored.file_meta.TransferSyntaxUID = JPEGLSLossless
    return stored


def test_the_tag_is_checked_before_compressed_noise_is_decoded(monkeypatch):
    image = make_image(stored=16)
    encrypted = dicom.encrypt_dataset(image, KEYS, secret=SECRET)
    stored = compressed_by_an_archive(encrypted)
    assert dicom.decrypt_dataset(stored, KEYS, secret=SECRET) == read(write(image))
    # Other noise of the authentic size is decoded, and refused.
    other = compressed_by_an_archive(encrypted, encrypted.pixel_array ^ np.uint16(1))
    with pytest.raises(CipherError, match="were changed"):
        dicom.decrypt_dataset(other, KEYS, secret=SECRET)

    def decode(*_):
        raise AssertionError("a frame was decoded")

    monkeypatch.setattr("dkg.data.decoders.decode_frame", decode)
    foreign = copy.deepcopy(stored)
    foreign.EncryptedAttributesSequence = dicom.encrypt_dataset(
        make_image(stored=16), KEYS, secret=bytes(32)
    ).EncryptedAttributesSequence
    larger = copy.deepcopy(stored)
    larger.NumberOfFrames = 100
    for refused in (foreign, larger):
        with pytest.raises(CipherError, match="were changed"):
            dicom.decrypt_dataset(refused, KEYS, secret=SECRET)
    with pytest.raises(CipherError, match="the key has none"):
        dicom.decrypt_dataset(stored, KEYS)
    # Without the digest it is of version 1, whose tag is over the noise.
    envelope = dicom.envelope.read_envelope(stored)._replace(noise_digest=None)
    before, after = envelope.encode()
    content = before + envelope.ciphertext + after
    stored.EncryptedAttributesSequence[0].EncryptedContent = content
    with pytest.raises(CipherError, match=r"format version 1.*accept_version_1=True"):
        dicom.decrypt_dataset(stored, KEYS, secret=SECRET)


def test_noise_and_encrypted_attributes_of_different_images():
    first = dicom.encrypt_dataset(make_image(), KEYS)
    second = dicom.encrypt_dataset(make_image(), KEYS)
    first.EncryptedAttributesSequence = second.EncryptedAttributesSequence
    with pytest.raises(CipherError, match="were changed"):
        dicom.decrypt_dataset(first, KEYS)


def test_lost_encrypted_attributes():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    for damage in (
        lambda: setattr(encrypted.EncryptedAttributesSequence[0], "EncryptedContent", b"\x30\x05"),
        lambda: delattr(encrypted.EncryptedAttributesSequence[0], "EncryptedContent"),
        lambda: setattr(encrypted, "EncryptedAttributesSequence", []),
        lambda: delattr(encrypted, "EncryptedAttributesSequence"),
    ):
        damage()
        with pytest.raises(CipherError, match="lost its Encrypted Attributes Sequence"):
            dicom.decrypt_dataset(encrypted, KEYS)


def test_encrypted_attributes_of_another_program_come_back():
    image = make_image()
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = ExplicitVRLittleEndian
    item.EncryptedContent = bytes.fromhex("300b06092a864886f70d010703") + b"\0"
    image.EncryptedAttributesSequence = [item]
    assert not dicom.is_encrypted(image)
    encrypted = dicom.encrypt_dataset(image, KEYS)
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))
