"""Queries of the archive: how they are made, and what matches them (DICOM PS3.4, C.2.2.2).

Departures from the standard: date-times match exactly or not at all, sequences cannot be searched
by, and names are compared without regard to case, by Unicode's case folding (`str.casefold`): WEISS
matches Weiß.
"""

import contextlib
import difflib
import math
import re
import struct
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.datadict import keyword_dict as _keywords
from pydicom.multival import MultiValue

CHARACTER_SET = "ISO_IR 192"
"""The character set of queries and answers, UTF-8 (PS3.3, C.12.1.1.2)."""

DESCRIPTIVE = ("SpecificCharacterSet", "QueryRetrieveLevel", "RetrieveAETitle")
"""Keywords of what a query or an answer says about itself, not about images."""

# Value representations in which * and ? are wildcards (PS3.4, C.2.2.2.4).
_TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
# Those of numbers have the format in which the module struct packs all their values.
_BINARY_NUMBERS = {
    "FD": "<d",
    "FL": "<f",
    "SL": "<i",
    "SS": "<h",
    "SV": "<q",
    "UL": "<I",
    "US": "<H",
    "UV": "<Q",
}
_NUMBERS = {"DS": "<d", "IS": "<i", **_BINARY_NUMBERS}
_FLOATS = ("DS", "FD", "FL")

_DATE, _TIME = r"\d{8}", r"\d\d(\d\d(\d\d(\.\d{1,6})?)?)?"
_NUMBER = ("a number", r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *")
_WHOLE = ("an integer", r" *[+-]?\d+ *")
_FORMS = {
    "AS": ("an age such as 042Y", r"\d{3}[DWMY]"),
    "DA": ("YYYYMMDD, or a range with a -", rf"{_DATE}|{_DATE}-|-{_DATE}|{_DATE}-{_DATE}"),
    "DT": ("YYYYMMDDHHMMSS, not a range", r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"),
    "TM": ("HHMMSS, or a range with a -", rf"{_TIME}|{_TIME}-|-{_TIME}|{_TIME}-{_TIME}"),
    "UI": ("a UID", r"[0-9]+(\.[0-9]+)*"),
}


def make(attributes: Mapping[str, Any], *, literal: bool = False) -> pydicom.Dataset:
    """Make the identifier of a C-FIND request at image level.

    Parameters
    ----------
    attributes : mapping of str to str, int, float, or list of str
        Values by keyword. An empty text asks for the attribute and matches everything; ``*`` and
        ``?`` are wildcards in texts, and a ``-`` makes a range of dates or times. Only of UIDs
        there may be a list, of which any one matches.
    literal : bool
        Refuse values with a wildcard, ranges and empty texts, as for what somebody typed in.
        Empty lists, and names of separators only, are refused in any case: archives take them for
        empty texts.

    Returns
    -------
    pydicom.Dataset
        The identifier, in UTF-8.

    Raises
    ------
    ValueError
        If an attribute is unknown or cannot be searched by, or a value is not of its kind.
    """
    asked = pydicom.Dataset()
    asked.SpecificCharacterSet = CHARACTER_SET
    asked.QueryRetrieveLevel = "IMAGE"
    for keyword, value in attributes.items():
        tag = tag_for_keyword(keyword)
        if tag is None:
            near = difflib.get_close_matches(keyword, _keywords, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{keyword!r} is not the keyword of a DICOM attribute{hint}")
        vr = dictionary_VR(tag)
        if keyword in DESCRIPTIVE or tag >> 16 < 8 or vr not in (*_TEXT, *_NUMBERS, *_FORMS):
            raise ValueError(f"images cannot be searched by {keyword} (value representation {vr})")
        several = vr == "UI" and isinstance(value, list | MultiValue)
        if several and not all(value or [""]):
            raise ValueError(f"{keyword} is a list of UIDs, not {list(value)!r}")
        values = list(value) if several else [value]
        checked = [_checked(keyword, vr, each, literal) for each in values]
        # Not checked by pydicom, to which wildcards and ranges are no values.
        asked[tag] = pydicom.DataElement(
            *(tag, vr, checked[0] if len(checked) == 1 else checked), validation_mode=config.IGNORE
        )
    return asked


def matches(image: pydicom.Dataset, asked: pydicom.DataElement) -> bool:
    """Tell whether an image has what an element of a query asks for.

    Parameters
    ----------
    image : pydicom.Dataset
        The attributes of the image, decoded.
    asked : pydicom.DataElement
        An element of the query, not of those named in `DESCRIPTIVE`.

    Returns
    -------
    bool
        Any of several values is enough, on both sides. An empty query matches everything, also
        where the attribute is not there, and so does one of ``*`` only.
    """
    wanted = _values(asked)
    if not wanted or (asked.VR in _TEXT and any(set(str(each)) == {"*"} for each in wanted)):
        return True
    stored = _values(image[asked.tag]) if asked.tag in image else []
    return any(_match(asked.VR, one, other) for one in wanted for other in stored)


def plain_text(value: object, vr: str) -> str:
    """Return a value as text without what means nothing: padding, and empty parts of a name."""
    text = unicodedata.normalize("NFC", str(value)).strip(" \0")
    if vr == "PN":
        text = "=".join(group.rstrip("^ ") for group in text.split("=")).rstrip("=")
    elif vr in _NUMBERS:
        with contextlib.suppress(
            ArithmeticError, ValueError
        ):  # Else it is no number, and compared as it is.
            # A number of 32 bits has about seven digits.
            text = f"{float(text):.6g}" if vr == "FL" else f"{Decimal(text).normalize()}"
    return text


def _checked(keyword: str, vr: str, value: Any, literal: bool) -> Any:
    """Return a value as it is sent, or refuse it."""
    if vr in _NUMBERS and type(value) in (int, float):
        return _fitting(keyword, vr, value)
    if not isinstance(value, str | pydicom.valuerep.PersonName):
        raise ValueError(f"{keyword} is to be searched by a text, not by {value!r}")
    text = unicodedata.normalize("NFC", str(value))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{keyword} {text!r} cannot be sent as UTF-8") from error
    if "\\" in text or any(unicodedata.category(each) == "Cc" for each in text):
        raise ValueError(f"{keyword} {text!r} has a backslash or a control character")
    if text and not "".join(text.split()).strip("^=" if vr == "PN" else ""):
        raise ValueError(
            f"{keyword} {text!r} is only spaces{' or separators' if vr == 'PN' else ''}; "
            "an empty text asks for the attribute"
        )
    if literal and (not text or set(text) & set("*?")):
        raise ValueError(f"{keyword} {text!r} is empty or has a wildcard, and is to be literal")
    if not text or vr in _TEXT:
        return text
    expected, form = _FORMS.get(vr) or _form(vr)
    if not re.fullmatch(form, text, re.ASCII):
        raise ValueError(f"{keyword} is {expected}, not {text!r}")
    if literal and vr in ("DA", "TM") and "-" in text:
        raise ValueError(f"{keyword} {text!r} is a range, and is to be literal")
    if vr in _NUMBERS:
        number = _fitting(keyword, vr, float(text) if vr in _FLOATS else int(text))
        return number if vr in _BINARY_NUMBERS else text
    return text


def _form(vr: str) -> tuple[str, str]:
    return _NUMBER if vr in _FLOATS else _WHOLE


def _fitting(keyword: str, vr: str, number: float) -> float:
    """Return a number that its value representation can hold, or refuse it."""
    with contextlib.suppress(struct.error, OverflowError):
        struct.pack(_NUMBERS[vr], number)
        if math.isfinite(number):
            return number
    raise ValueError(
        f"{keyword} is {_form(vr)[0]} that fits its value representation {vr}, not {number!r}"
    )


def _values(element: pydicom.DataElement) -> list[Any]:
    if element.is_empty:
        return []
    several = isinstance(element.value, MultiValue | list)
    return list(element.value) if several else [element.value]


def _match(vr: str, asked: object, stored: object) -> bool:
    one, other = plain_text(asked, vr), plain_text(stored, vr)
    if vr in _TEXT:
        # The ideographic or phonetic group of a name may be asked for alone.
        candidates = [other, *other.split("=")] if vr == "PN" else [other]
        if vr == "PN":
            one, candidates = one.casefold(), [each.casefold() for each in candidates]
        # Only * and ? are wildcards in DICOM.
        pattern = one.replace("[", "[[]")
        return any(fnmatchcase(each, pattern) for each in candidates)
    if vr in ("DA", "TM"):
        first, dash, last = one.partition("-")
        moment = _moment(other, vr)
        if not dash:
            return moment == _moment(first, vr)
        return (not first or _moment(first, vr) <= moment) and (
            not last or moment <= _moment(last, vr)
        )
    return one == other


def _moment(text: str, vr: str) -> str:
    """Return a date or a time in a form whose alphabetic order is the order in time."""
    if vr == "DA":
        return text.replace(".", "")  # As before 1993: YYYY.MM.DD.
    whole, _, fraction = text.replace(":", "").partition(".")
    return f"{whole:0<6}.{fraction:0<6}"
