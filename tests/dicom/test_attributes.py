"""What the encrypted image says of itself and of the original."""

import copy

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage

from dkg import dicom

from .parts import (
    KEYS,
    make_image,
    random_bytes,
    read,
    telling_image,
    write,
)


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
        setattr(image, f"{colour}PaletteColorLookupTableData", random_bytes(512))
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
