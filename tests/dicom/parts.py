"""DICOM images of every layout, made of random samples, and what is done with them."""

import copy
import io
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from dkg import dicom

KEYS, OTHER_KEYS = np.random.default_rng(0).integers(0, 256, (2, 4, 256, 256, 3), np.uint8)

random = np.random.default_rng(0)


def seed(name):
    """Let a test draw the same alone and among others."""
    global random
    random = np.random.default_rng(zlib.crc32(name.encode()))


def random_bytes(n):
    return random.bytes(n)


def random_keys(n):
    return random.integers(0, 256, (n, 256, 256, 3), np.uint8)


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
    """Make an image of random samples; bits that are not stored are also random."""
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
        pixels = random_bytes(-(-bits // 8))
    image.PixelData = pixels + bytes(len(pixels) % 2)
    image["PixelData"].VR = "OW" if allocated > 8 else "OB"
    return image


def write(image):
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def read(encoded):
    return pydicom.dcmread(io.BytesIO(encoded))


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


def without(image, keyword):
    delattr(image, keyword)
    return image


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
