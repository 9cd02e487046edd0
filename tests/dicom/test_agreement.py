"""The readable attributes of an encrypted image are known from the original, for comparison."""

import copy

import pydicom
import pytest

from dkg import dicom
from dkg.cipher import CipherError
from dkg.dicom.pixel_data import PIXEL_DATA

from .parts import FILES, KEYS, compressed, make_image, read, telling_image, write

NAMES = ("CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_palette.dcm")
SECRET = bytes(range(32))


def readable(encrypted):
    """Return an encrypted image, as an archive sends it, without what nobody can compute."""
    image = read(write(encrypted))
    del image[PIXEL_DATA], image.EncryptedAttributesSequence
    return image


@pytest.mark.slow
@pytest.mark.parametrize("attributes", dicom.ATTRIBUTES)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_expected_attributes_are_the_readable_ones(attributes, secret):
    images = [make_image(), make_image(samples=3, allocated=8, stored=8, planar=1)]
    images += [make_image(frames=3, signed=1), telling_image(), *compressed(make_image())]
    for image in images:
        encrypted = dicom.encrypt_dataset(image, KEYS, secret=secret, attributes=attributes)
        original = dicom.decrypt_dataset(encrypted, KEYS, secret=secret)
        before = copy.deepcopy(original)
        expected = dicom.expected_attributes(encrypted, original, KEYS, secret=secret)
        assert original == before, "the argument was changed"
        assert expected == readable(encrypted)


@pytest.mark.slow
@pytest.mark.parametrize("attributes", dicom.ATTRIBUTES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_expected_attributes_of_files_of_pydicom(name, attributes):
    if not (FILES / name).exists():
        pytest.skip(f"this pydicom has no file {name}")
    encrypted = dicom.encrypt_dataset(dicom.read(FILES / name), KEYS, attributes=attributes)
    original = dicom.decrypt_dataset(encrypted, KEYS)
    expected = dicom.expected_attributes(encrypted, original, KEYS)
    image = readable(encrypted)
    for element in image:
        assert element.tag in expected, element
        assert str(expected[element.tag].value) == str(element.value)
    assert len(expected) == len(image)


def test_changed_readable_attributes_are_not_expected():
    encrypted = dicom.encrypt_dataset(make_image(), KEYS)
    encrypted.PatientName = "Another^One"
    encrypted.DeidentificationMethod = "by somebody"
    original = dicom.decrypt_dataset(encrypted, KEYS)
    expected = dicom.expected_attributes(encrypted, original, KEYS)
    assert expected.PatientName != "Another^One"
    assert expected.DeidentificationMethod != "by somebody"


def test_the_identifier_is_that_of_the_tag():
    first, second = (dicom.encrypt_dataset(make_image(), KEYS) for _ in range(2))
    assert dicom.sop_instance_uid(first) == first.SOPInstanceUID != second.SOPInstanceUID
    first.SOPInstanceUID = second.SOPInstanceUID
    assert dicom.sop_instance_uid(first) != second.SOPInstanceUID
    with pytest.raises(CipherError, match="not an image that dkg encrypted"):
        dicom.sop_instance_uid(pydicom.Dataset())
