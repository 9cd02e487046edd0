"""Readable attributes of the encrypted image: withdrawal of the original's, and a description."""

import copy

from pydicom.dataset import Dataset

from dkg.dicom.pixel_data import Layout

# First and last tag of what shows the image, is computed from it, or would distort the noise.
_OF_THE_IMAGE = (
    (0x00280104, 0x00280125),  # Extreme and padding values.
    (0x00280304, 0x00280304),  # Reference to a palette.
    (0x00281055, 0x00281056),  # Window's explanation and function.
    (0x00281100, 0x00281232),  # Palettes.
    (0x00281401, 0x00281410),  # Blending and enhanced palettes.
    (0x00283000, 0x00283110),  # Modality and VOI lookup tables.
    (0x00289422, 0x00289422),  # Pixel Intensity Relationship LUT Sequence.
    (0x00409096, 0x00409096),  # Real World Value Mapping Sequence.
    (0x00480120, 0x00480120),  # Palette Color Lookup Table Sequence.
    (0x00603000, 0x00603000),  # Histogram Sequence.
    (0x00880200, 0x00880200),  # Icon Image Sequence.
    (0x04000500, 0x04000500),  # Another program's Encrypted Attributes Sequence.
    (0x4FFE0001, 0x4FFE0001),  # Parameters of digital signatures.
    (0x7FE00000, 0x7FE0000F),  # Offsets into compressed pixel data.
    (0x7FE00011, 0x7FE0FFFF),
    (0xFFFAFFFA, 0xFFFAFFFA),  # Digital signatures.
    (0xFFFCFFFC, 0xFFFCFFFC),  # Padding at the end.
)

# Context group 7203, Image Derivation, is extensible and has no code for encryption.
_ENCRYPTED = ("ENCRYPTED", "99DKG", "Pixel data encrypted")
_SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")


def withdrawn_attributes(original: Dataset, encrypted: Dataset) -> list[str]:
    """List what of an original cannot be read in its encrypted image.

    Parameters
    ----------
    original, encrypted : pydicom.Dataset
        Argument and result of `encrypt_dataset`.

    Returns
    -------
    list of str
        Keywords, names where there is no keyword, and tags of private elements: the attributes on
        the top level that are missing or empty in the encrypted image. They are in its encrypted
        part.
    """
    return [
        str(element.tag) if element.tag.is_private else element.keyword or element.name
        for element in original
        if not element.is_empty
        and (element.tag not in encrypted or encrypted[element.tag].is_empty)
    ]


def withdraw(dataset: Dataset, layout: Layout) -> None:
    """Remove or replace, at any depth, what shows the image or does not hold of noise."""
    for element in list(dataset):
        tag, value = element.tag, element.value
        if (
            tag.is_private
            or tag.group >> 8 in (0x50, 0x60)  # Curves and overlays.
            or any(first <= tag <= last for first, last in _OF_THE_IMAGE)
        ):
            del dataset[tag]
        elif element.VR == "SQ":
            for item in value:
                withdraw(item, layout)
        elif element.keyword in ("ImageType", "FrameType") and value:
            element.value = ["DERIVED", *list(value)[1:]] if element.VM > 1 else ["DERIVED"]
        elif element.keyword == "PixelPresentation" and value in ("COLOR", "MIXED"):
            element.value = "MONOCHROME"  # The palette that gave the color is gone.
        elif element.keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
            element.value = "NO"
    if dataset.get("RescaleSlope") is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        if "RescaleType" in dataset:
            dataset.RescaleType = "US"  # Unspecified: the numbers measure nothing any more.
    if dataset.get("WindowWidth") is not None:
        _set_window(dataset, layout)


def _set_window(dataset: Dataset, layout: Layout) -> None:
    """Show all values that the stored bits can have (PS3.3 C.11.2.1.2.1)."""
    dataset.WindowWidth = str(2**layout.bits_stored)
    dataset.WindowCenter = "0" if layout.signed else str(2 ** (layout.bits_stored - 1))


def describe(image: Dataset, layout: Layout, source: Dataset | None) -> None:
    """Say that an image is derived and shows noise; name its source unless that is secret."""
    functional_groups = image.get("SharedFunctionalGroupsSequence")
    if not image.get("ImageType"):
        image.ImageType = ["DERIVED", "SECONDARY"]
    if image.PhotometricInterpretation == "PALETTE COLOR":
        image.PhotometricInterpretation = "MONOCHROME2"
    if (
        image.PhotometricInterpretation.startswith("MONOCHROME")
        and layout.bits_stored > 1
        and not functional_groups
    ):
        _set_window(image, layout)

    # How the original was derived no longer holds.
    groups = [*(functional_groups or []), *image.get("PerFrameFunctionalGroupsSequence", [])]
    for group in groups:
        group.pop("DerivationImageSequence", None)
    for keyword in ("SourceImageSequence", "SourceImageEvidenceSequence"):
        image.pop(keyword, None)
    derivation = Dataset()
    derivation.DerivationDescription = "Pixel data encrypted; see Encrypted Attributes Sequence"
    derivation.DerivationCodeSequence = [code(_ENCRYPTED)]
    if source is not None:
        item, series, study = Dataset(), Dataset(), Dataset()
        item.ReferencedSOPClassUID = source.SOPClassUID
        item.ReferencedSOPInstanceUID = source.SOPInstanceUID
        derivation.SourceImageSequence = [copy.deepcopy(item)]
        derivation.SourceImageSequence[0].PurposeOfReferenceCodeSequence = [code(_SOURCE_IMAGE)]
    if not functional_groups:
        image.update(derivation)
    elif source is not None:  # In functional groups, a derivation names its source or is left out.
        functional_groups[0].DerivationImageSequence = [derivation]
        series.SeriesInstanceUID = source.get("SeriesInstanceUID")
        series.ReferencedSOPSequence = [item]
        study.StudyInstanceUID = source.get("StudyInstanceUID")
        study.ReferencedSeriesSequence = [series]
        image.SourceImageEvidenceSequence = [study]


def code(entry: tuple[str, str, str]) -> Dataset:
    """Make the item of a code sequence from value, coding scheme and meaning."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = entry
    return item
