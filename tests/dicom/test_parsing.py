"""Files that are no DICOM files are refused by name."""

import copy

import pytest

from dkg import dicom
from dkg.cipher import CipherError

from .parts import make_image


@pytest.mark.parametrize("syntax", ["1.2.3", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]])
def test_a_transfer_syntax_that_is_none_is_refused(syntax):
    image = make_image()
    image.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(CipherError, match=r"its transfer syntax, .*, is not one of DICOM's"):
        dicom.keys_needed(image)


def test_read_names_the_file(tmp_path):
    (tmp_path / "text.dcm").write_text("no image")
    with pytest.raises(CipherError, match=r"text\.dcm: not a DICOM file"):
        dicom.read(tmp_path / "text.dcm")
    with pytest.raises(FileNotFoundError):
        dicom.read(tmp_path / "missing.dcm")


def test_bytes_of_two_files_are_compared():
    first = make_image()
    first.PatientName = "Ott^Ida"
    second = copy.deepcopy(first)
    assert dicom.equal_bytes(first, second) == 100
    second.PatientName = "Ott^Ada"
    assert 99 < dicom.equal_bytes(first, second) < 100
    second.PatientName = "Weber^Jan"
    assert dicom.equal_bytes(first, second) == 0
