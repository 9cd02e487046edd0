"""DICOM images: generated ones of every layout, and the files that come with pydicom.

What comes back is compared byte for byte. What is encrypted is compared with a plain XOR, opened by
pydicom as any viewer would, and its encrypted part by OpenSSL.
"""

import copy
import csv
import dataclasses
import io
import shutil
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_dataset
from pydicom.uid import (
    MPEG2MPML,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from dkg import cipher, dicom, encryption, paths
from dkg.cipher import CipherError

RNG = np.random.default_rng(0)
KEYS = RNG.integers(0, 256, (4, 256, 256, 3), np.uint8)
OTHER_KEYS = RNG.integers(0, 256, (4, 256, 256, 3), np.uint8)

# Files of pydicom's own tests, as they come with it.
FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def make_image(
    rows=5,
    columns=7,
    samples=1,
    frames=None,
    allocated=16,
    stored=12,
    high_bit=None,
    signed=0,
    photometric=None,
    planar=0,
    syntax=ExplicitVRLittleEndian,
    pixels=None,
):
    """Make an image of random samples; bits that are not stored are random, too."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = "1.2.3.4.5"
    image.StudyInstanceUID = "1.2.3.4"
    image.SeriesInstanceUID = "1.2.3.4.1"
    image.Modality = "OT"
    image.PatientName = "Muster^Eva"
    image.PatientID = "4711-0815"
    image.Rows, image.Columns = rows, columns
    image.SamplesPerPixel = samples
    if samples > 1:
        image.PlanarConfiguration = planar
    if frames:
        image.NumberOfFrames = frames
    image.PhotometricInterpretation = photometric or ("MONOCHROME2" if samples == 1 else "RGB")
    image.BitsAllocated, image.BitsStored = allocated, stored
    image.HighBit = stored - 1 if high_bit is None else high_bit
    image.PixelRepresentation = signed
    bits = rows * columns * samples * (frames or 1) * allocated
    if pixels is None:
        pixels = RNG.bytes(-(-bits // 8))
    image.PixelData = pixels + bytes(len(pixels) % 2)
    image["PixelData"].VR = "OW" if allocated > 8 else "OB"
    return image


def write(image):
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def read(encoded):
    return pydicom.dcmread(io.BytesIO(encoded))


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.png"
    encryption.write_key(path, KEYS, weights_sha256="0" * 64, weights_public=False)
    return path


def there_and_back(tmp_path, key, encoded, attributes="keep"):
    """Encrypt and decrypt a file, and return the encrypted image and the bytes that came back."""
    (tmp_path / "in.dcm").write_bytes(encoded)
    dicom.encrypt_file(
        tmp_path / "in.dcm",
        key,
        tmp_path / "out.dcm",
        attributes=attributes,
        allow_key_reuse=True,
        overwrite=True,
    )
    dicom.decrypt_file(tmp_path / "out.dcm", key, tmp_path / "back.dcm", overwrite=True)
    return dicom.read(tmp_path / "out.dcm"), (tmp_path / "back.dcm").read_bytes()


# --- What is encrypted, and that it comes back


@st.composite
def layouts(draw):
    allocated = draw(st.sampled_from([1, 8, 16, 32]))
    if allocated == 1:
        layout = {"allocated": 1, "stored": 1, "samples": 1}
    else:
        stored = draw(st.integers(1, allocated))
        layout = {
            "allocated": allocated,
            "stored": stored,
            "high_bit": draw(st.integers(stored - 1, allocated - 1)),
            "signed": draw(st.integers(0, 1)),
            "samples": draw(st.sampled_from([1, 3])),
            "planar": draw(st.integers(0, 1)),
        }
    layout["rows"] = draw(st.integers(1, 20))
    layout["columns"] = draw(st.integers(1, 20))
    layout["frames"] = draw(st.sampled_from([None, 1, 3]))
    return layout


@pytest.mark.slow
@given(
    layout=layouts(),
    syntax=st.sampled_from(
        [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
    ),
    attributes=st.sampled_from(dicom.ATTRIBUTES),
)
@settings(max_examples=100, deadline=None)
def test_any_layout(layout, syntax, attributes):
    image = make_image(**layout, syntax=syntax)
    original = write(image)
    encrypted = dicom.encrypt_dataset(read(original), KEYS[:1], attributes=attributes)
    assert write(dicom.decrypt_dataset(read(write(encrypted)), KEYS[:1])) == original
    assert encrypted.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert read(write(encrypted)).pixel_array.size == image.pixel_array.size
    check_noise(image, encrypted)


def check_noise(image, encrypted):
    """Compare the noise with a XOR of each stored bit, computed in another way."""

    def numbers(dataset):
        dtype = {1: "u1", 8: "u1", 16: "<u2", 32: "<u4"}[image.BitsAllocated]
        length = -(-values * image.BitsAllocated // 8)
        return np.frombuffer(dataset.PixelData[:length], dtype)

    frames = image.get("NumberOfFrames") or 1
    values = image.Rows * image.Columns * image.SamplesPerPixel * frames
    plain, noise = numbers(image), numbers(encrypted)
    if image.SamplesPerPixel > 1 and image.PlanarConfiguration:
        plain = plain.reshape(frames, 3, image.Rows, image.Columns)
        plain = np.moveaxis(plain, 1, -1).ravel()
    key = KEYS.ravel()[: plain.nbytes].view(plain.dtype.newbyteorder(">"))
    lowest, highest = image.HighBit + 1 - image.BitsStored, image.HighBit
    for bit in range(image.BitsAllocated if image.BitsAllocated > 1 else 8):
        found = noise >> bit & 1
        if image.BitsAllocated == 1 or lowest <= bit <= highest:
            expected = (plain ^ key) >> bit & 1
        elif bit > highest and image.PixelRepresentation:
            expected = noise >> highest & 1
        else:
            expected = np.zeros_like(noise)
        assert np.array_equal(found, expected), bit


def big_endian(image):
    """Return the file of an image in the retired transfer syntax."""
    big = Dataset()
    big.update(copy.deepcopy(image))
    big.file_meta = copy.deepcopy(image.file_meta)
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    if (size := image.BitsAllocated // 8) > 1:
        samples = np.frombuffer(image.PixelData, f"<u{size}")
        big.PixelData = samples.astype(f">u{size}").tobytes()
    return write(big)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"samples": 3, "allocated": 8, "stored": 8},
        {"allocated": 32, "stored": 32},
        {"allocated": 8, "stored": 8, "rows": 3, "columns": 3},
    ],
)
def test_big_endian(layout):
    image = make_image(**layout)
    encoded = big_endian(image)
    encrypted = dicom.encrypt_dataset(read(encoded), KEYS)
    assert encrypted.PixelData == dicom.encrypt_dataset(image, KEYS).PixelData
    assert write(dicom.decrypt_dataset(encrypted, KEYS)) == encoded


def test_subsampled_chroma_that_is_not_compressed():
    image = make_image(
        4, 6, samples=3, allocated=8, stored=8, photometric="YBR_FULL_422", pixels=RNG.bytes(48)
    )
    encrypted = dicom.encrypt_dataset(image, KEYS)
    expected = np.frombuffer(image.PixelData, np.uint8) ^ KEYS.ravel()[:48]
    assert encrypted.PixelData == expected.tobytes()
    assert dicom.decrypt_dataset(encrypted, KEYS).PixelData == image.PixelData


def test_what_would_not_come_back_is_refused():
    """As with subsampled chroma in big-endian, where pydicom undoes the subsampling."""
    image = make_image(
        4, 6, samples=3, allocated=8, stored=8, photometric="YBR_FULL_422", pixels=RNG.bytes(48)
    )
    with pytest.raises(CipherError, match="would not come back as it is"):
        dicom.encrypt_dataset(read(big_endian(image)), KEYS)


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
    "J2K_pixelrep_mismatch.dcm": "cannot be decoded",
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


@pytest.mark.parametrize("name", image_files())
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_files_of_pydicom_come_back_byte_for_byte(tmp_path, key, name):
    encoded = (FILES / name).read_bytes()
    if name in LARGE:
        keys = RNG.integers(0, 256, (LARGE[name], 256, 256, 3), np.uint8)
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


def transcoded(image, syntax, encode):
    """Compress the single frame of an image with an encoder."""
    image = copy.deepcopy(image)
    frame = encode(image.pixel_array)
    image.file_meta.TransferSyntaxUID = syntax
    image.PixelData = encapsulate([frame])
    image["PixelData"].is_undefined_length = True
    return image


def compressed(image):
    """Yield an image in several lossless transfer syntaxes, as other programs would store it."""
    lossless = copy.deepcopy(image)
    lossless.compress(RLELossless, generate_instance_uid=False)
    yield lossless
    native = read(write(image))
    for syntax, encode in (
        (JPEGLosslessSV1, lambda pixels: imagecodecs.jpeg8_encode(pixels, lossless=True)),
        (JPEGLSLossless, imagecodecs.jpegls_encode),
        (HTJ2KLossless, lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True)),
    ):
        yield transcoded(native, syntax, encode)


@pytest.mark.parametrize("layout", [{"stored": 16}, {"samples": 3, "allocated": 8, "stored": 8}])
def test_compressed_images(tmp_path, key, layout):
    image = make_image(24, 16, **layout)
    noise = dicom.encrypt_dataset(image, KEYS).PixelData
    for version in compressed(image):
        encoded = write(version)
        encrypted, back = there_and_back(tmp_path, key, encoded)
        assert back == encoded
        assert encrypted.PixelData == noise


@pytest.mark.parametrize("layout", [{"stored": 16}, {"samples": 3, "allocated": 8, "stored": 8}])
def test_an_archive_may_store_the_noise_in_another_lossless_way(layout):
    original = write(make_image(24, 16, **layout))
    encrypted = read(write(dicom.encrypt_dataset(read(original), KEYS)))
    implicit = copy.deepcopy(encrypted)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    for version in (implicit, *compressed(encrypted)):
        assert write(dicom.decrypt_dataset(read(write(version)), KEYS)) == original


def test_lossy_compression_of_the_noise_is_noticed():
    image = make_image(24, 16, allocated=8, stored=8)
    encrypted = read(write(dicom.encrypt_dataset(image, KEYS)))
    lossy = transcoded(encrypted, JPEGBaseline8Bit, imagecodecs.jpeg8_encode)
    with pytest.raises(CipherError, match="lossy compression"):
        dicom.decrypt_dataset(lossy, KEYS)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [("MR_small_jpeg_ls_lossless.dcm", "4.80"), ("MR_small_jp2klossless.dcm", "4.90")],
)
def test_the_noise_of_a_compressed_file_is_that_of_the_plain_one(name, syntax):
    assert read((FILES / name).read_bytes()).file_meta.TransferSyntaxUID.endswith(syntax)
    noise = [
        dicom.encrypt_dataset(pydicom.dcmread(FILES / each), KEYS).PixelData
        for each in (name, "MR_small.dcm")
    ]
    assert noise[0] == noise[1]


def test_everything_around_the_samples_comes_back(tmp_path, key):
    """A preamble, group lengths, odd lengths, unknown elements, bytes after the samples."""
    image = make_image(3, 3, allocated=8, stored=8)
    image.preamble = b"II*\0" + RNG.bytes(124)
    image.file_meta.PrivateInformationCreatorUID = "1.2.3"
    image.file_meta.PrivateInformation = b"1234"
    image.add_new(0x00080000, "UL", 4711)
    image.PixelData = RNG.bytes(30)
    image.add_new(0xFFFCFFFC, "OB", RNG.bytes(10))
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


def test_keys_needed():
    assert dicom.keys_needed(make_image(256, 384)) == 1
    assert dicom.keys_needed(make_image(257, 384)) == 2
    assert dicom.keys_needed(make_image(256, 256, samples=3, allocated=8, stored=8)) == 1
    assert dicom.keys_needed(make_image(64, 64, frames=25, allocated=32, stored=20)) == 3
    assert dicom.keys_needed(pydicom.dcmread(FILES / "examples_ybr_color.dcm")) == 36


# --- What the encrypted image says


def telling_image():
    """Make an image with everything that could show the image or the patient."""
    image = make_image(16, 16)
    image.SOPClassUID = CTImageStorage
    image.Modality = "CT"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.InstitutionName = "Klinikum Nord"
    image.BurnedInAnnotation = "YES"
    image.WindowCenter, image.WindowWidth = 40, 400
    image.WindowCenterWidthExplanation = "Soft tissue"
    image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 2, -1024, "HU"
    image.SmallestImagePixelValue, image.LargestImagePixelValue = 3, 4001
    image.PixelPaddingValue = 7
    lookup = Dataset()
    lookup.LUTDescriptor = [2, 0, 16]
    lookup.LUTData = b"\0\1\2\3"
    image.VOILUTSequence = [lookup]
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.PixelData = b"icon"
    icon["PixelData"].VR = "OB"
    image.IconImageSequence = [icon]
    image.add_new(0x60003000, "OW", b"overlay data")
    image.add_new(0x60020022, "LO", "Second overlay")
    image.add_new(0x50000010, "US", 1)
    block = image.private_block(0x0029, "SOMEBODY", create=True)
    block.add_new(0x10, "OB", b"a thumbnail, perhaps")
    nested = Dataset()
    nested.StudyDescription = "nested"
    nested.private_block(0x0031, "SOMEBODY", create=True).add_new(1, "LO", "private and nested")
    image.ReferencedStudySequence = [nested]
    return image


def test_attributes_of_the_encrypted_image():
    image = telling_image()
    encrypted = read(write(dicom.encrypt_dataset(image, KEYS)))
    assert encrypted.ImageType == ["DERIVED", "PRIMARY", "AXIAL"]
    assert encrypted.SOPClassUID == encrypted.file_meta.MediaStorageSOPClassUID == CTImageStorage
    assert encrypted.SOPInstanceUID != image.SOPInstanceUID
    assert encrypted.SOPInstanceUID == encrypted.file_meta.MediaStorageSOPInstanceUID
    assert encrypted.SOPInstanceUID.is_valid and encrypted.SOPInstanceUID.startswith("2.25.")
    assert encrypted.SeriesInstanceUID != image.SeriesInstanceUID
    assert encrypted.StudyInstanceUID == image.StudyInstanceUID
    assert encrypted.DerivationCodeSequence[0].CodeMeaning == "Pixel data encrypted"
    assert "encrypted" in encrypted.DerivationDescription
    (source,) = encrypted.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert encrypted.BurnedInAnnotation == "NO"
    assert (encrypted.WindowCenter, encrypted.WindowWidth) == (2048, 4096)
    assert (encrypted.RescaleSlope, encrypted.RescaleIntercept) == (1, 0)
    assert encrypted.PatientName == "Muster^Eva"
    for keyword in (
        "IconImageSequence",
        "VOILUTSequence",
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "PixelPaddingValue",
        "WindowCenterWidthExplanation",
    ):
        assert keyword not in encrypted
    assert not any(element.tag.is_private for element in encrypted.iterall())
    assert not any(element.tag.group >> 8 in (0x50, 0x60) for element in encrypted.iterall())
    encoded = write(encrypted)
    for secret in (b"icon", b"overlay", b"thumbnail", b"private and", b"SOMEBODY", b"Soft tissue"):
        assert secret in write(image)
        assert secret not in encoded
    assert set(dicom.withdrawn_attributes(image, encrypted)) >= {
        "IconImageSequence",
        "Overlay Data",
        "(0029,1010)",
    }
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))


@pytest.mark.parametrize(
    ("stored", "signed", "center"), [(8, 0, 128), (10, 0, 512), (12, 1, 0), (16, 1, 0)]
)
def test_a_viewer_shows_the_whole_range(stored, signed, center):
    image = make_image(40, 40, allocated=8 if stored == 8 else 16, stored=stored, signed=signed)
    image.WindowCenter, image.WindowWidth = 1, 2
    encrypted = dicom.encrypt_dataset(image, KEYS)
    shown = pydicom.pixels.apply_voi_lut(encrypted.pixel_array, encrypted)
    assert encrypted.WindowCenter == center
    assert np.array_equal(np.rint(shown), encrypted.pixel_array)  # Nothing is cut off.


def test_a_palette_is_withdrawn():
    image = make_image(8, 8, allocated=8, stored=8, photometric="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(image, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(image, f"{colour}PaletteColorLookupTableData", RNG.bytes(512))
    encrypted = dicom.encrypt_dataset(image, KEYS)
    assert encrypted.PhotometricInterpretation == "MONOCHROME2"
    assert "RedPaletteColorLookupTableData" not in encrypted
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))


@pytest.mark.parametrize("attributes", dicom.ATTRIBUTES)
def test_functional_groups(attributes):
    image = make_image(8, 8, frames=2)
    image.SOPClassUID = EnhancedMRImageStorage
    image.ImageType = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    shared, values, window = Dataset(), Dataset(), Dataset()
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = "3", "9", "US"
    shared.PixelValueTransformationSequence = [values]
    window.WindowCenter, window.WindowWidth = "5", "6"
    shared.FrameVOILUTSequence = [window]
    image.SharedFunctionalGroupsSequence = [shared]
    frame_type = Dataset()
    frame_type.FrameType = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    group = Dataset()
    group.MRImageFrameTypeSequence = [frame_type]
    image.PerFrameFunctionalGroupsSequence = [group, copy.deepcopy(group)]
    encrypted = read(write(dicom.encrypt_dataset(image, KEYS, attributes=attributes)))
    (shared,) = encrypted.SharedFunctionalGroupsSequence
    assert shared.PixelValueTransformationSequence[0].RescaleSlope == 1
    assert shared.FrameVOILUTSequence[0].WindowWidth == 4096
    assert "WindowWidth" not in encrypted
    assert ("DerivationImageSequence" in shared) == (attributes == "keep")
    assert ("SourceImageEvidenceSequence" in encrypted) == (attributes == "keep")
    for group in encrypted.PerFrameFunctionalGroupsSequence:
        assert group.MRImageFrameTypeSequence[0].FrameType[0] == "DERIVED"
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))


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
    # By chance one of them stands in so many bytes with a probability below 1e-9.
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


# --- The basic profile


def profile():
    with (paths.PACKAGE / "dicom" / "confidentiality_profile.csv").open(newline="") as file:
        return {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}


def test_rows_of_the_profile():
    """Rows as printed in PS3.15 2026c, Table E.1-1."""
    table = profile()
    assert table[0x00100010] == "Z"  # Patient's Name
    assert table[0x00101010] == "X"  # Patient's Age
    assert table[0x0020000D] == "U"  # Study Instance UID
    assert table[0x00080080] == "X/Z/D"  # Institution Name
    assert table[0x00080022] == "X/Z"  # Acquisition Date
    assert table[0x00081140] == "X/Z/U*"  # Referenced Image Sequence
    assert set(table.values()) == {"X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"}


def identifying_image():
    """Make an image with every attribute of the profile that a data set can hold."""
    image = make_image()
    texts = {"DA": "20240229", "TM": "123456", "DT": "20240229123456", "AS": "042Y"}
    for tag in profile():
        known = pydicom.datadict.dictionary_has_tag(tag)
        if tag >> 16 < 8 or tag in image:
            continue
        vr = pydicom.datadict.dictionary_VR(tag) if known else "LO"
        if vr == "SQ":
            item = Dataset()
            item.PatientName = "Nested^Secret"
            item.ReferencedSOPInstanceUID = image.SOPInstanceUID
            image.add_new(tag, vr, [item])
        elif vr == "UI":
            image.add_new(tag, vr, f"1.2.999.{tag}")
        elif vr in ("OB", "OW", "UN"):
            image.add_new(tag, vr, b"binary secret ")
        elif vr in ("DS", "IS", "US", "FD", "FL", "SL", "SS", "UL"):
            image.add_new(tag, vr, "42" if vr in ("DS", "IS") else 42)
        else:
            image.add_new(tag, vr, texts.get(vr, "SECRET"))
    return image


def test_basic_profile():
    image = identifying_image()
    table = profile()
    assert len(dicom.identifying_attributes(image)) > 550
    encrypted = dicom.encrypt_dataset(image, KEYS, attributes="basic-profile")
    for element in encrypted:
        action = table.get(element.tag)
        if action is None or element.keyword == "DerivationDescription":
            continue
        assert action != "X", element
        if action in ("Z", "X/Z"):
            assert element.is_empty, element
        elif element.tag in image and action != "X/Z/U*":
            assert element != image[element.tag], element
    encoded = write(encrypted)
    for secret in (b"SECRET", b"Secret", b"secret", b"20240229", b"123456", b"1.2.999", b"042Y"):
        assert secret in write(image)
        assert secret not in encoded
    assert image.SOPInstanceUID.encode() not in encoded
    # The same UID is replaced by the same one, wherever it stands.
    (reference,) = encrypted.ReferencedImageSequence
    assert reference.PatientName == ""
    assert reference.ReferencedSOPInstanceUID.startswith("2.25.")
    assert encrypted.PatientIdentityRemoved == "YES"
    assert encrypted.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert "SourceImageSequence" not in encrypted
    assert dicom.decrypt_dataset(read(encoded), KEYS) == read(write(image))


def test_uids_are_replaced_consistently_within_an_image():
    image = make_image()
    image.FrameOfReferenceUID = "1.2.3.9"
    item = Dataset()
    item.ReferencedFrameOfReferenceUID = "1.2.3.9"
    image.SourceImageSequence = [item]
    image.OtherPatientIDsSequence = [copy.deepcopy(item)]
    reference = Dataset()
    reference.ReferencedFrameOfReferenceUID = "1.2.3.9"
    image.ReferencedImageSequence = [reference]
    first = dicom.encrypt_dataset(image, KEYS, attributes="basic-profile")
    replaced = first.ReferencedImageSequence[0].ReferencedFrameOfReferenceUID
    assert replaced == first.FrameOfReferenceUID != "1.2.3.9"
    # Nobody without the key can tell that two images are of one study.
    second = dicom.encrypt_dataset(image, OTHER_KEYS, attributes="basic-profile")
    assert first.StudyInstanceUID != second.StudyInstanceUID
    assert first.SeriesInstanceUID != second.SeriesInstanceUID


def test_identifying_attributes():
    image = telling_image()
    found = dicom.identifying_attributes(image)
    assert {"PatientName", "PatientID", "InstitutionName", "StudyDescription"} <= set(found)
    assert "Modality" not in found


# --- The encrypted part


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


# --- What is refused


def test_wrong_key():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    identifiers = cipher.key_identifier(KEYS)[:16], cipher.key_identifier(OTHER_KEYS)[:16]
    with pytest.raises(CipherError, match="made with key {}, this is key {}".format(*identifiers)):
        dicom.decrypt_dataset(encrypted, OTHER_KEYS)
    with pytest.raises(CipherError, match="wrong key"):
        dicom.decrypt_dataset(encrypted, KEYS[:3])


def test_every_changed_bit_is_noticed():
    encrypted = dicom.encrypt_dataset(make_image(2, 3), KEYS)
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
                dicom.decrypt_dataset(encrypted, KEYS)
        setattr(holder, keyword, content)
    dicom.decrypt_dataset(encrypted, KEYS)


def test_a_changed_layout_is_noticed():
    image = make_image(4, 6)
    for keyword, value in (
        ("Rows", 6),
        ("BitsStored", 11),
        ("PixelRepresentation", 1),
        ("NumberOfFrames", 1),
    ):
        encrypted = dicom.encrypt_dataset(image, KEYS)
        setattr(encrypted, keyword, value)
        if keyword == "Rows":
            encrypted.Columns = 4
        if keyword == "NumberOfFrames":  # Means the same.
            assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))
            continue
        with pytest.raises(CipherError, match="were changed"):
            dicom.decrypt_dataset(encrypted, KEYS)


def test_noise_and_encrypted_attributes_of_different_images():
    first = dicom.encrypt_dataset(make_image(), KEYS)
    second = dicom.encrypt_dataset(make_image(), KEYS)
    first.EncryptedAttributesSequence = second.EncryptedAttributesSequence
    with pytest.raises(CipherError, match="were changed"):
        dicom.decrypt_dataset(first, KEYS)


def test_readable_attributes_may_change():
    image = make_image()
    encrypted = dicom.encrypt_dataset(image, KEYS)
    encrypted.PatientName = "Other^Name"
    encrypted.SOPInstanceUID = "1.2.3"
    del encrypted.DerivationDescription
    assert dicom.decrypt_dataset(encrypted, KEYS) == read(write(image))


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


def test_keys_that_do_not_fit():
    image = make_image(256, 384, frames=2)
    with pytest.raises(
        CipherError, match="needs 2 keys, and there are 1: make the key from 1 more"
    ):
        dicom.encrypt_dataset(image, KEYS[:1])
    with pytest.raises(CipherError, match="keys 1 and 2 are the same"):
        dicom.encrypt_dataset(image, np.concatenate([KEYS[:1], KEYS[:1]]))
    with pytest.raises(CipherError, match="keys must be uint8"):
        dicom.encrypt_dataset(image, KEYS.astype(np.uint16))


def without(image, keyword):
    delattr(image, keyword)
    return image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (without(make_image(), "PixelData"), r"no Pixel Data \(7FE0,0010\)"),
        (make_image(pixels=b""), r"no Pixel Data \(7FE0,0010\)"),
        (make_image(pixels=bytes(60)), "its pixel data are cut: 60 of 70 bytes"),
        (without(make_image(), "Rows"), "no Rows"),
        (without(make_image(), "SOPInstanceUID"), "no SOPInstanceUID"),
        (make_image(allocated=64, stored=64), "BitsAllocated is 64; 1, 8, 16 and 32"),
        (make_image(allocated=8, stored=12), "BitsStored 12 and HighBit 11 do not fit"),
        (make_image(photometric="YBR_PARTIAL_422"), "photometric interpretation is YBR_PARTIAL"),
        (make_image(rows=0), "no Pixel Data"),
        (without(make_image(), "file_meta"), "names no transfer syntax"),
    ],
)
def test_images_that_are_refused(image, message):
    if "SOPInstanceUID" in message:
        image.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    with pytest.raises(CipherError, match=message):
        dicom.encrypt_dataset(image, KEYS)


@pytest.mark.parametrize("syntax", ["1.2.3", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]])
def test_a_transfer_syntax_that_is_none_is_refused(syntax):
    image = make_image()
    image.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(CipherError, match=r"its transfer syntax, .*, is not one of DICOM's"):
        dicom.keys_needed(image)


def test_float_pixel_data_are_refused():
    image = without(make_image(allocated=32, stored=32), "PixelData")
    image.FloatPixelData = bytes(140)
    with pytest.raises(CipherError, match=r"Float Pixel Data \(7FE0,0008\)"):
        dicom.encrypt_dataset(image, KEYS)


def test_a_syntax_without_a_decoder_is_refused_by_name():
    image = make_image(syntax=MPEG2MPML)
    image.PixelData = encapsulate([b"video"])
    image["PixelData"].is_undefined_length = True
    with pytest.raises(CipherError, match="MPEG2 Main Profile"):
        dicom.encrypt_dataset(image, KEYS)


def test_encrypting_twice_is_refused():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    with pytest.raises(CipherError, match="encrypted by dkg already"):
        dicom.encrypt_dataset(encrypted, OTHER_KEYS)


def test_an_unknown_treatment_of_attributes():
    with pytest.raises(CipherError, match="attributes must be one of"):
        dicom.encrypt_dataset(make_image(), KEYS, attributes="strip")


# --- Files


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


def test_read_names_the_file(tmp_path):
    (tmp_path / "text.dcm").write_text("no image")
    with pytest.raises(CipherError, match=r"text\.dcm: not a DICOM file"):
        dicom.read(tmp_path / "text.dcm")
    with pytest.raises(FileNotFoundError):
        dicom.read(tmp_path / "missing.dcm")
