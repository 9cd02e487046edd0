"""Data sets and files, the files that come with pydicom among them, come back byte for byte."""

import copy
import hashlib
import shutil
from pathlib import Path

import pydicom
import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from dkg import cipher, dicom, encryption
from dkg.cipher import CipherError
from dkg.storage import limits

from .parts import (
    FILES,
    KEYS,
    OTHER_KEYS,
    make_image,
    random_bytes,
    random_keys,
    read,
    telling_image,
    there_and_back,
    write,
)

COMPATIBILITY = Path(__file__).parents[1] / "compatibility"

# Of the files with pydicom, those with pixel data that no DICOM reader can be expected to read, or
# that pydicom and its decoders cannot.
REFUSED = {
    "ExplVR_BigEndNoMeta.dcm": "not a DICOM file",
    "ExplVR_LitEndNoMeta.dcm": "not a DICOM file",
    "no_meta.dcm": "not a DICOM file",
    "meta_missing_tsyntax.dcm": "names no transfer syntax",
    "MR_truncated.dcm": "its pixel data are cut: 8,130 of 8,192 bytes",
    "nested_priv_SQ.dcm": "no SOPClassUID",
    "badVR.dcm": "NumberOfFrames is '1A', not a number",
    "JPEG2000-embedded-sequence-delimiter.dcm": "cannot be decoded",
}


# Images that take more keys than the others.
LARGE = {"examples_jpeg2k.dcm": 5, "examples_ybr_color.dcm": 36}


def image_files():
    """Return the names of the files that hold pixel data."""
    names = []
    for path in sorted(FILES.glob("*.dcm")):
        if "PixelData" in pydicom.dcmread(path, force=True):
            names.append(path.name)
    return names


def test_there_are_enough_files():
    assert len(image_files()) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("name", image_files())
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_files_of_pydicom_come_back_byte_for_byte(tmp_path, key, name):
    encoded = (FILES / name).read_bytes()
    if name in LARGE:
        keys = random_keys(LARGE[name])
        about = {"weights_sha256": "0" * 64, "weights_public": False}
        encryption.write_key(key, keys, **about, overwrite=True)
    if name in REFUSED:
        with pytest.raises(CipherError, match=REFUSED[name]) as caught:
            there_and_back(tmp_path, key, encoded)
        assert str(caught.value).startswith(str(tmp_path / "in.dcm"))
        assert not (tmp_path / "out.dcm").exists()
        return
    for attributes in dicom.ATTRIBUTES:
        encrypted, back = there_and_back(tmp_path, key, encoded, attributes)
        assert back == encoded
        assert encrypted.pixel_array.shape == read(encoded).pixel_array.shape


def test_everything_around_the_samples_comes_back(tmp_path, key):
    """A preamble, group lengths, odd lengths, unknown elements, bytes after the samples."""
    image = make_image(3, 3, allocated=8, stored=8)
    image.preamble = b"II*\0" + random_bytes(124)
    image.file_meta.PrivateInformationCreatorUID = "1.2.3"
    image.file_meta.PrivateInformation = b"1234"
    image.add_new(0x00080000, "UL", 4711)
    image.PixelData = random_bytes(30)
    image.add_new(0xFFFCFFFC, "OB", random_bytes(10))
    encoded = write(image)
    encrypted, back = there_and_back(tmp_path, key, encoded)
    assert back == encoded
    assert encrypted.preamble == bytes(128)
    assert len(encrypted.PixelData) == 10
    assert "PrivateInformation" not in encrypted.file_meta


def test_arguments_are_not_changed():
    for syntax in (ExplicitVRLittleEndian, RLELossless):
        image = read(write(make_image(samples=3, allocated=8, stored=8, planar=1)))
        if syntax == RLELossless:
            image.compress(RLELossless, generate_instance_uid=False)
        before = copy.deepcopy(image)
        encrypted = dicom.encrypt_dataset(image, KEYS)
        assert image == before
        assert image.file_meta == before.file_meta
        before = copy.deepcopy(encrypted)
        dicom.decrypt_dataset(encrypted, KEYS)
        assert encrypted == before


def test_names_of_encrypted_images():
    image = telling_image()
    first = dicom.encrypt_dataset(image, KEYS)
    assert write(first) == write(dicom.encrypt_dataset(image, KEYS))
    names = {first.SOPInstanceUID}
    names.add(dicom.encrypt_dataset(image, OTHER_KEYS).SOPInstanceUID)
    names.add(dicom.encrypt_dataset(image, KEYS, attributes="basic-profile").SOPInstanceUID)
    neighbour = copy.deepcopy(image)
    neighbour.SOPInstanceUID = "1.2.3.4.6"
    second = dicom.encrypt_dataset(neighbour, OTHER_KEYS)
    names.add(second.SOPInstanceUID)
    assert len(names) == 4
    assert first.SeriesInstanceUID == second.SeriesInstanceUID


def test_the_key_is_not_in_the_image():
    key = KEYS[:1]
    encoded = write(dicom.encrypt_dataset(telling_image(), key))
    pieces = {key.tobytes()[start : start + 8] for start in range(0, key.size, 8)}
    # By chance one of them occurs in a file of this size with a probability below 1e-9.
    assert len(pieces) * len(encoded) / 2**64 < 1e-9
    assert not any(encoded[start : start + 8] in pieces for start in range(len(encoded)))


def test_identifier_of_the_key():
    image = make_image()
    encrypted = dicom.encrypt_dataset(image, KEYS)
    assert dicom.is_encrypted(encrypted)
    assert dicom.key_identifier(encrypted) == cipher.key_identifier(KEYS)
    assert not dicom.is_encrypted(image)
    with pytest.raises(CipherError, match="not an image that dkg encrypted"):
        dicom.key_identifier(image)


def test_wrong_key():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    identifiers = cipher.key_identifier(KEYS)[:16], cipher.key_identifier(OTHER_KEYS)[:16]
    with pytest.raises(CipherError, match="made with key {}, this is key {}".format(*identifiers)):
        dicom.decrypt_dataset(encrypted, OTHER_KEYS)
    with pytest.raises(CipherError, match="wrong key"):
        dicom.decrypt_dataset(encrypted, KEYS[:3])


def test_readable_attributes_may_change():
    image = make_image()
    encrypted = dicom.encrypt_dataset(image, KEYS)
    encrypted.PatientName = "Other^Name"
    encrypted.SOPInstanceUID = "1.2.3"
    del encrypted.DerivationDescription
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))


def test_encrypting_twice_is_refused():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    with pytest.raises(CipherError, match="encrypted by dkg already"):
        dicom.encrypt_dataset(encrypted, OTHER_KEYS)


def test_an_unknown_treatment_of_attributes():
    with pytest.raises(CipherError, match="attributes must be one of"):
        dicom.encrypt_dataset(make_image(), KEYS, attributes="strip")


def test_files_are_not_replaced_or_left_half_written(tmp_path, key):
    source, target = tmp_path / "in.dcm", tmp_path / "out.dcm"
    source.write_bytes(write(make_image()))
    with pytest.raises(CipherError, match=r"must end in \.dcm"):
        dicom.encrypt_file(source, key, tmp_path / "out.png")
    with pytest.raises(CipherError, match="would replace the input"):
        dicom.encrypt_file(source, key, source, overwrite=True)
    assert dicom.encrypt_file(source, key, target) == 0
    with pytest.raises(CipherError, match="exists already"):
        dicom.encrypt_file(source, key, target)
    before = target.read_bytes()
    assert dicom.encrypt_file(source, key, target, overwrite=True) == 0
    assert target.read_bytes() == before
    with pytest.raises(CipherError, match=r"back\.txt: the output must end"):
        dicom.decrypt_file(target, key, tmp_path / "back.txt")
    target.write_bytes(before[:-20])
    with pytest.raises(CipherError, match=f"{target}: "):
        dicom.decrypt_file(target, key, tmp_path / "back.dcm")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.dcm",
        "key.png",
        "out.dcm",
        "used-keys.sqlite",
    ]


def test_one_image_with_other_attributes_counts_as_another(tmp_path, key):
    (tmp_path / "a.dcm").write_bytes(write(make_image()))
    dicom.encrypt_file(tmp_path / "a.dcm", key, tmp_path / "keep.dcm")
    with pytest.raises(CipherError, match="encrypted another image, or this one in another way"):
        dicom.encrypt_file(
            tmp_path / "a.dcm", key, tmp_path / "profile.dcm", attributes="basic-profile"
        )
    # The same ciphertext again is no other use.
    again = dicom.encrypt_file(tmp_path / "a.dcm", key, tmp_path / "keep.dcm", overwrite=True)
    assert again == 0


def test_a_key_encrypts_one_image(tmp_path, key):
    for name in ("a", "b"):
        (tmp_path / f"{name}.dcm").write_bytes(write(make_image()))
    dicom.encrypt_file(tmp_path / "a.dcm", key, tmp_path / "a-out.dcm")
    with pytest.raises(CipherError, match="already encrypted another image"):
        dicom.encrypt_file(tmp_path / "b.dcm", key, tmp_path / "b-out.dcm")
    assert not (tmp_path / "b-out.dcm").exists()
    others = dicom.encrypt_file(
        tmp_path / "b.dcm", key, tmp_path / "b-out.dcm", allow_key_reuse=True
    )
    assert others == 1


def version_1_key(folder):
    """Copy the key of version 0.1 of this package; a checkout does not keep its mode."""
    key = folder / "version-1-key.png"
    shutil.copy(COMPATIBILITY / "key.png", key)
    key.chmod(0o600)
    return key


def test_a_key_made_again_decrypts_version_1_only_if_asked_to(tmp_path):
    about = {"weights_sha256": "0" * 64, "weights_public": False}
    key = tmp_path / "again.png"
    encryption.write_key(key, encryption.read_key(version_1_key(tmp_path)).keys, **about)
    source, target = COMPATIBILITY / "encrypted.dcm", tmp_path / "a.dcm"
    with pytest.raises(CipherError, match=r"format version 1.*accept_version_1=True"):
        dicom.decrypt_file(source, key, target)
    assert not target.exists()
    dicom.decrypt_file(source, key, target, accept_version_1=True)
    assert dicom.read(target).SOPInstanceUID
    with pytest.raises(CipherError, match="version 1, which has no tag secret"):
        dicom.encrypt_file(target, version_1_key(tmp_path), tmp_path / "b.dcm")


def test_a_known_image_forges_no_encrypted_image_and_opens_no_attributes():
    """The attacker has all keys, as from a plain image of their size, but not the secret."""
    image, secret = make_image(), bytes(range(32))
    encrypted = dicom.encrypt_dataset(image, KEYS, secret=secret)
    assert dicom.decrypt_dataset(encrypted, KEYS, secret=secret) == read(write(image))
    envelope = dicom.envelope.read_envelope(encrypted)
    for guess in (None, bytes(32)):
        forged = dicom.encrypt_dataset(make_image(), KEYS, secret=guess)
        with pytest.raises(CipherError, match=r"tag does not fit|format version 1"):
            dicom.decrypt_dataset(forged, KEYS, secret=secret)
        with pytest.raises(InvalidUnwrap):
            dicom.envelope.open_envelope(envelope, dicom.envelope.derive_keys(KEYS, guess))


def test_what_could_not_be_decrypted_again_is_not_encrypted(monkeypatch):
    """Files are read up to a size, and the encrypted one is larger than the original."""
    raw, packed = make_image(64, 64), make_image(64, 64)
    packed.compress(RLELossless, generate_instance_uid=False)
    raw, packed = write(raw), write(packed)
    n = len(packed)
    monkeypatch.setattr(limits, "REST", 0)
    monkeypatch.setattr(limits, "FILE_BYTES", n + 8000)
    encrypted = b"".join(dicom.encrypt_content(raw, KEYS))
    assert dicom.decrypt_content(read(encrypted), KEYS) == raw
    with pytest.raises(CipherError, match=r"encrypted image would have .* are read"):
        dicom.encrypt_content(packed, KEYS)
    monkeypatch.setattr(limits, "MAX_BYTES", n - 1)
    with pytest.raises(CipherError, match=f"the file has {n:,} bytes; at most {n - 1:,} and"):
        dicom.encrypt_content(packed, KEYS)


def test_a_file_of_the_first_version_is_decrypted(tmp_path):
    dicom.decrypt_file(COMPATIBILITY / "encrypted.dcm", version_1_key(tmp_path), tmp_path / "a.dcm")
    assert hashlib.sha256((tmp_path / "a.dcm").read_bytes()).hexdigest() == (
        "a4ba557e2b5f97c6d504678b03a9040b0cfdd39d210704304e02c8f1d32c8c8f"
    )
