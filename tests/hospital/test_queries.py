"""Queries of the archive, and what matches them by PS3.4, section C.2.2.2."""

import pydicom
import pytest
from pydicom.uid import UID

from dkg.hospital import queries


def image(**attributes):
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def matches(stored, asked, keyword="PatientName"):
    element = queries.make({keyword: asked})[keyword]
    return queries.matches(image(**{keyword: stored}), element)


@pytest.mark.parametrize(
    ("stored", "asked", "expected"),
    [
        # Single values; names match whatever their case.
        ("Doe^Jane", "Doe^Jane", True),
        ("Doe^Jane", "doe^JANE", True),
        ("Doe^Jane", "Doe^Jan", False),
        ("Doe^Jane", "Doe", False),
        ("Doe^Jane^^^", "Doe^Jane", True),
        ("Doe^Jane", "Doe^Jane^", True),
        ("홍길동", "홍길동", True),
        ("Lee", "홍길동", False),
        ("???", "홍길동", False),
        ("Иванов^Иван", "иванов^иван", True),
        ("Weiß^Max", "WEISS^MAX", True),  # Their case is folded as Unicode has it.
        ("Mu\u0308ller", "Müller", True),  # The same letter, composed or not.
        ("Muller", "Müller", False),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田^太郎", True),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou", True),
        ("Yamada^Tarou=山田^太郎", "Tarou", False),
        # Wildcards.
        ("Doe^Jane", "Doe*", True),
        ("Doe^Jane", "*Jane", True),
        ("Doe^Jane", "D?e^J*", True),
        ("Doe^Jane", "?", False),
        ("홍길동", "???", True),
        ("홍길동", "??", False),
        ("홍길동", "홍*", True),
        ("Lee", "홍*", False),
        ("Doe [a]", "Doe [a]", True),  # Nothing else is a wildcard.
        ("Doe a", "Doe [a]", False),
        ("Doe.", "Doe.", True),
        ("Doex", "Doe.", False),
        # Universal matching.
        ("Doe^Jane", "", True),
        ("", "", True),
        ("", "*", True),
        ("", "**", True),
        ("", "?", False),
        ("", "Doe", False),
    ],
)
def test_names(stored, asked, expected):
    assert matches(stored, asked) == expected


@pytest.mark.parametrize(
    ("keyword", "stored", "asked", "expected"),
    [
        ("PatientID", "A1", "A1", True),
        ("PatientID", "A1 ", "A1", True),
        ("PatientID", "A1", "a1", False),
        ("PatientID", "A1", "A?", True),
        ("PatientID", "A12", "A?", False),
        ("Modality", "CT", "C*", True),
        ("OtherPatientIDs", ["A", "B"], "B", True),
        ("OtherPatientIDs", ["A", "B"], "C", False),
        ("StudyDate", "20240229", "20240229", True),
        ("StudyDate", "20240229", "20240301", False),
        ("StudyDate", "20240229", "20240101-20241231", True),
        ("StudyDate", "20240229", "20240229-20240229", True),
        ("StudyDate", "20240229", "20240301-20241231", False),
        ("StudyDate", "20240229", "-20240229", True),
        ("StudyDate", "20240229", "-20240228", False),
        ("StudyDate", "20240229", "20240229-", True),
        ("StudyDate", "20240229", "20240301-", False),
        ("StudyDate", "", "20240301-", False),
        ("StudyTime", "101530", "101530", True),
        ("StudyTime", "101530.0", "101530", True),
        ("StudyTime", "1015", "101500", True),
        ("StudyTime", "101530", "10-11", True),
        ("StudyTime", "110001", "10-11", False),
        ("StudyTime", "101530", "1016-", False),
        ("AcquisitionDateTime", "20240229101530", "20240229101530", True),
        ("AcquisitionDateTime", "20240229101530", "20240229", False),
        ("SOPInstanceUID", "1.2.3", "1.2.3", True),
        ("SOPInstanceUID", "1.2.3", "1.2.30", False),
        ("SOPInstanceUID", "1.2.3", ["1.2.4", "1.2.3"], True),
        ("SOPInstanceUID", "1.2.3", ["1.2.4", "1.2.5"], False),
        ("SOPInstanceUID", "1.2.3", [UID("1.2.3")], True),
        ("InstanceNumber", "7", "7", True),
        ("InstanceNumber", "7", 7, True),
        ("InstanceNumber", "7", "07", True),
        ("InstanceNumber", "7", 17, False),
        ("SliceThickness", "1.50", "1.5", True),
        ("Rows", 64, 64, True),
        ("Rows", 64, "64", True),
        ("Rows", 64, 65, False),
        ("PatientAge", "042Y", "042Y", True),
    ],
)
def test_other_attributes(keyword, stored, asked, expected):
    assert matches(stored, asked, keyword) == expected


@pytest.mark.parametrize("asked", ["A", "?", "20240101-20241231"])
def test_an_attribute_that_is_not_there_matches_only_the_empty_query(asked):
    keyword = "StudyDate" if "-" in asked else "PatientID"
    element = queries.make({keyword: asked})[keyword]
    assert not queries.matches(image(), element)
    assert queries.matches(image(), queries.make({keyword: ""})[keyword])


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"PatientNam": "x"}, r"'PatientNam' is not the keyword.*did you mean PatientName\?"),
        ({"patient_name": "x"}, "not the keyword of a DICOM attribute"),
        ({"PatientName ": "x"}, "not the keyword of a DICOM attribute"),
        ({"PatientID": "7", "Xyzzy": "x"}, "'Xyzzy' is not the keyword"),
        ({"PixelData": "x"}, "cannot be searched by PixelData"),
        ({"ReferencedStudySequence": ""}, "cannot be searched by ReferencedStudySequence"),
        ({"EncryptedContent": ""}, "cannot be searched by EncryptedContent"),
        ({"SpecificCharacterSet": "ISO_IR 100"}, "cannot be searched by SpecificCharacterSet"),
        ({"QueryRetrieveLevel": "STUDY"}, "cannot be searched by QueryRetrieveLevel"),
        ({"TransferSyntaxUID": "1.2"}, "cannot be searched by TransferSyntaxUID"),
        ({"AffectedSOPInstanceUID": "1.2"}, "cannot be searched by AffectedSOPInstanceUID"),
        ({"SmallestImagePixelValue": "1"}, "cannot be searched by SmallestImagePixelValue"),
        ({"PatientID": None}, "PatientID is to be searched by a text, not by None"),
        ({"PatientID": 17}, "a text, not by 17"),
        ({"PatientID": b"17"}, "a text, not by b'17'"),
        ({"PatientID": ["1", "2"]}, "a text, not by"),
        ({"PatientID": "1\\2"}, "backslash"),
        ({"PatientID": "1\n"}, "control character"),
        ({"PatientID": "1\0"}, "control character"),
        ({"PatientID": "  "}, "only spaces"),
        ({"PatientID": "\u3000"}, "only spaces"),
        *[({"PatientName": name}, "only spaces or sep") for name in ("=", "==", "^", "= ^=", " ")],
        ({"SOPInstanceUID": []}, r"SOPInstanceUID is a list of UIDs, not \[\]"),
        ({"SOPInstanceUID": ["1.2", ""]}, "SOPInstanceUID is a list of UIDs, not"),
        ({"PatientID": []}, r"a text, not by \[\]"),
        ({"PatientName": "x\udc80"}, "cannot be sent as UTF-8"),
        ({"SOPInstanceUID": "1.2.*"}, "SOPInstanceUID is a UID, not"),
        ({"SOPInstanceUID": ["1.2", "?"]}, "SOPInstanceUID is a UID, not"),
        ({"StudyDate": "2024*"}, "StudyDate is YYYYMMDD, or a range"),
        ({"StudyDate": "2024-01-01"}, "StudyDate is YYYYMMDD, or a range"),
        ({"StudyDate": "-"}, "StudyDate is YYYYMMDD, or a range"),
        ({"StudyTime": "10:15"}, "StudyTime is HHMMSS, or a range"),
        ({"AcquisitionDateTime": "20240101-20241231"}, "not a range"),
        ({"InstanceNumber": "x"}, "InstanceNumber is an integer, not 'x'"),
        ({"InstanceNumber": "1*"}, "InstanceNumber is an integer"),
        ({"InstanceNumber": "٣"}, "InstanceNumber is an integer"),
        ({"InstanceNumber": True}, "not by True"),
        ({"SliceThickness": "thin"}, "SliceThickness is a number"),
        *[({"Rows": n}, "Rows is an integer that fits .* US, not")
          for n in (float("nan"), float("inf"), 3.5, -1, 1 << 16, "65536", "-1")],
        *[({"InstanceNumber": n}, "InstanceNumber is an integer that fits .* IS, not")
          for n in (float("nan"), float("inf"), 3.5, 1 << 31, "2147483648")],
        *[({"SliceThickness": n}, "SliceThickness is a number that fits .* DS, not")
          for n in (float("nan"), float("-inf"), 10**400, "1e999")],
        ({"RecommendedDisplayFrameRateInFloat": 1e39}, "is a number that fits .* FL, not 1e"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("literal", [False, True])
def test_what_cannot_be_asked_is_refused(attributes, reason, literal):
    with pytest.raises(ValueError, match=f"{reason}|is to be literal" if literal else reason):
        queries.make(attributes, literal=literal)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "Doe*"),
        ("PatientName", "Doe?"),
        ("PatientID", "*"),
        ("PatientID", ""),
        ("StudyDate", "20240101-"),
        ("StudyTime", "10-11"),
    ],
)
def test_a_literal_value_has_no_wildcard_and_no_range(keyword, value):
    queries.make({keyword: value})
    with pytest.raises(ValueError, match=f"{keyword} .*is to be literal"):
        queries.make({keyword: value}, literal=True)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientName", "Doe-Smith^Jane"), ("StudyDate", "20240229"), ("PatientName", "홍길동")],
)
def test_a_literal_value_is_sent_as_it_is(keyword, value):
    assert queries.make({keyword: value}, literal=True)[keyword].value == value


def test_a_query_says_its_character_set_and_level():
    asked = queries.make({"PatientName": "홍길동"})
    assert (asked.SpecificCharacterSet, asked.QueryRetrieveLevel) == ("ISO_IR 192", "IMAGE")
    assert [each.keyword for each in asked] == [
        *("SpecificCharacterSet", "QueryRetrieveLevel", "PatientName"),
    ]
    assert queries.make({}).keys() == asked.keys() - {asked.data_element("PatientName").tag}


def test_a_pattern_of_many_wildcards_comes_to_an_end():
    """All ways of sharing out the letters, tried one after the other, would take years."""
    assert not matches("a" * 64, "*a" * 30 + "b")
