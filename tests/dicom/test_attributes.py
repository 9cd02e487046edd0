"""What the encrypted image says of itself and of the original."""

import copy

import numpy as np
import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage

from dkg import dicom
from dkg.dicom import attributes

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


TELLING = "a picture in an attribute"

# What shows or describes the image, by the name that the standard gives it.
# fmt: off
SHOWS_THE_IMAGE = {
    "VariablePixelData", "SpectroscopyData", "WaveformData", "DVHData",
    "SurfacePointCoordinatesData", "PointCoordinatesData", "PixelDataProviderURL",
    "EncapsulatedDocument", "IconImageSequence", "ContourData", "OverlayData", "FloatPixelData",
    "DoubleFloatPixelData", "AudioSampleData", "CurveData", "GraphicData",
    "RedPaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData", "LUTData",
    "ModalityLUTSequence", "VOILUTSequence", "HistogramData", "HistogramSequence",
    "RealWorldValueMappingSequence", "RealWorldValueLUTData", "SmallestImagePixelValue",
    "LargestImagePixelValue", "PixelPaddingValue", "ICCProfile", "ContentSequence",
    "ChannelSampleData", "WaveformSequence", "MeasurementsSequence", "VectorGridData",
    "TableOfPixelValues",
}
# fmt: on

# What an archive and a viewer find, place and show the encrypted image with.
# fmt: off
IS_NEEDED = {
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID",
    "SeriesInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "Modality",
    "StudyDescription", "SeriesNumber", "InstanceNumber", "StudyID", "Rows", "Columns",
    "BitsStored", "NumberOfFrames", "SamplesPerPixel", "ImageType", "PixelSpacing",
    "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID",
    "KVP", "BodyPartExamined", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "FrameIncrementPointer", "PlanePositionSequence",
    "SpecificCharacterSet", "WindowCenter", "RescaleSlope",
}
# fmt: on


def telling_value(vr):
    """Return a value of a VR; where the VR can hold it, it is the text above."""
    if vr in ("OB", "OD", "OF", "OL", "OV", "OW", "UN"):
        return (TELLING.encode() + bytes(7))[:32]
    values = {"DA": "20240229", "DT": "20240229", "TM": "123456", "AS": "042Y", "UI": "1.2.999.7"}
    values |= {"AE": "TELLING", "CS": "TELLING", "SH": TELLING[:16]}
    if vr in ("DS", "IS"):
        return "9173"
    if vr in ("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"):
        return 9173
    return 0x00091730 if vr == "AT" else values.get(vr, TELLING)


def every_attribute():
    """Return a data set of all attributes of the standard, and unknown and private ones."""
    dataset = Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        # Group 2 is of the file; delimiters are no attributes; VRs may depend on others.
        if tag >> 16 in (0x0000, 0x0002, 0xFFFE) or tag & 0xFFFF == 0:
            continue
        vr = vr.split(" or ")[-1]
        if vr == "SQ":
            item = Dataset()
            item.add_new(0x00080060, "CS", "MR")
            dataset.add_new(tag, vr, [item])
        elif vr != "NONE":
            dataset.add_new(tag, vr, telling_value(vr))
    for tag in (0x50000010, 0x50003000, 0x60003000, 0x60FF3000, 0x7F000010, 0x7FE10010):
        dataset.add_new(tag, "OB", TELLING.encode() + b"\0")
    dataset.add_new(0x00086666, "LO", TELLING)  # Unknown, in a group of the standard.
    dataset.add_new(0x77780010, "LO", TELLING)
    return dataset


def test_the_list_of_what_stays_readable():
    everything = every_attribute()
    stay = {element.keyword for element in everything if attributes.may_be_read(element)}
    assert not stay.intersection(SHOWS_THE_IMAGE) and stay.issuperset(IS_NEEDED)
    # Nothing that holds bytes, addresses or unlimited texts or numbers stays.
    kept = [element for element in everything if attributes.may_be_read(element)]
    assert {element.VR for element in kept} == {
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH"),
        *("SL", "SQ", "SS", "ST", "TM", "UC", "UI", "UL", "US", "UV"),
    }


@pytest.mark.parametrize(
    "element",
    [
        DataElement("PatientName", "OB", b"bytes instead of a name"),
        DataElement("PatientComments", "LT", "x" * 100_000),
        DataElement("PatientName", "UT", "a longer kind of text"),
        DataElement("ImageType", "CS", ["ORIGINAL"] * 10_000),
        DataElement(0x00091001, "LO", "private"),
        DataElement(0x00086666, "LO", "unknown"),
    ],
    ids=["another VR", "long", "another text", "many values", "private", "unknown"],
)
def test_what_an_attribute_holds_decides_as_well(element):
    assert not attributes.may_be_read(element)


@pytest.mark.slow
@pytest.mark.parametrize("attributes_option", dicom.ATTRIBUTES)
def test_every_attribute_outside_the_list_is_withdrawn_and_comes_back(attributes_option):
    image, everything = make_image(8, 8), every_attribute()
    described = {element.tag for element in image}
    outer = Dataset()
    for element in everything:
        # Of what says how the samples are stored, the image's own is there.
        of_samples = element.tag in described or element.tag.group in (0x0028, 0x0400, 0x7FE0)
        if not of_samples or (element.tag.group == 0x0028 and not attributes.may_be_read(element)):
            image.add(element)
            outer.add(copy.deepcopy(element))
    image.ReferencedStudySequence = [outer]  # The same at depth.
    encoded = write(image)
    encrypted = read(
        write(dicom.encrypt_dataset(read(encoded), KEYS, attributes=attributes_option))
    )
    added = {"EncryptedAttributesSequence", "PixelData"}
    for element in encrypted.iterall():
        if element.keyword not in added and element.tag.group != 0x0400:
            assert attributes.may_be_read(element), element
    withdrawn = {element.tag for element in read(encoded) if not attributes.may_be_read(element)}
    assert len(withdrawn) > 2000
    assert not {element.tag for element in encrypted if element.keyword not in added} & withdrawn
    assert write(dicom.decrypt_dataset(encrypted, KEYS)) == encoded
