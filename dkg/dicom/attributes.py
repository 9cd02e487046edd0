"""Readable attributes of the encrypted image: withdrawal of the original's, and a description."""

import copy

from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dkg.dicom.pixel_data import Layout

# What stays readable is a list of what may, not of what must not. Of the standard's attributes
# these are the groups of the modules about patient, trial, study, series, equipment, acquisition,
# frame of reference, procedure, device, detector, names of segments, storage and functional
# groups ...
_GROUPS = {
    *(0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0022, 0x0032, 0x0038, 0x0040, 0x0048, 0x0050),
    *(0x0052, 0x0054, 0x0062, 0x0088, 0x3002, 0x5200),
}

# ... in them those that hold a name, code, time or text of limited length, or a few numbers ...
_TEXTS = {"AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI"}
_NUMBERS = {"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"}
_MOST_NUMBERS = 16
_MOST_CHARACTERS = 16_384

# ... and by name those that describe the samples, and vectors that place the frames of an image.
# fmt: off
_NAMED = {
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "FrameIncrementPointer", "Rows", "Columns", "UltrasoundColorDataPresent", "PixelSpacing",
    "PixelAspectRatio", "CorrectedImage", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "QualityControlImage", "BurnedInAnnotation",
    "RecognizableVisualFeatures", "LongitudinalTemporalInformationModified",
    "PixelSpacingCalibrationType",
    "PixelSpacingCalibrationDescription", "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign", "WindowCenter", "WindowWidth", "RescaleIntercept",
    "RescaleSlope", "RescaleType", "RecommendedViewingMode", "BreastImplantPresent", "PartialView",
    "PartialViewDescription", "PartialViewCodeSequence", "SpatialLocationsPreserved",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
    "RepresentativeFrameNumber", "PixelMeasuresSequence", "FrameVOILUTSequence",
    "PixelValueTransformationSequence", "FramePixelDataPropertiesSequence", "GeometricalProperties",
    "ImageProcessingApplied", "ImageToEquipmentMappingMatrix",
    "EquipmentCoordinateSystemIdentification",
    "FrameTimeVector", "EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector",
    "RRIntervalVector", "TimeSlotVector", "SliceVector", "AngularViewVector", "TimeSliceVector",
    "DimensionIndexValues", "ReferencedFrameNumber", "ReferencedSegmentNumber", "EchoNumbers",
    "FocalSpots", "GridFrameOffsetVector", "ReferencedFrameOfReferenceUID",
    "ReferencedRTPlanSequence",
}

# Not even of these groups: what is measured or reported in the image, or says how its stored values
# are to be understood.
_NEVER = {
    "RealWorldValueMappingSequence", "ReferencedImageRealWorldValueMappingSequence",
    "ContentSequence", "MeasuredValueSequence", "NumericValue", "TextValue",
    "DoubleFloatRealWorldValueFirstValueMapped", "DoubleFloatRealWorldValueLastValueMapped",
    "RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped", "RealWorldValueSlope",
    "RealWorldValueIntercept", "PaletteColorLookupTableSequence", "IconImageSequence",
    "PixelComponentRangeStart", "PixelComponentRangeStop", "LesionNumber",
}
# fmt: on

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


def may_be_read(element: DataElement) -> bool:
    """Tell whether an attribute stays readable: it cannot show the image, whatever it holds.

    Parameters
    ----------
    element : pydicom.DataElement
        An attribute at any depth; what is in a sequence that stays is judged on its own.
    """
    tag = element.tag
    if tag.is_private or not dictionary_has_tag(tag):
        return False
    vr, most, keyword = dictionary_VR(tag), dictionary_VM(tag).rpartition("-")[2], element.keyword
    if vr != element.VR or keyword in _NEVER:
        return False
    if keyword not in _NAMED:
        if tag.group not in _GROUPS:
            return False
        if vr in _NUMBERS and (most.endswith("n") or int(most) > _MOST_NUMBERS):
            return False
        if vr not in {*_TEXTS, *_NUMBERS, "SQ"}:
            return False
    return vr == "SQ" or len(str(element.value)) <= _MOST_CHARACTERS


def withdraw(dataset: Dataset, layout: Layout) -> None:
    """Remove or replace, at any depth, what may show the image or does not hold of noise."""
    for element in list(dataset):
        tag, value = element.tag, element.value
        if not may_be_read(element):
            del dataset[tag]
        elif element.VR == "SQ":
            for item in value:
                withdraw(item, layout)
        elif element.keyword in ("ImageType", "FrameType") and value:
            element.value = ["DERIVED", *list(value)[1:]] if element.VM > 1 else ["DERIVED"]
        elif element.keyword == "PixelPresentation" and value in ("COLOR", "MIXED"):
            element.value = "MONOCHROME"  # The palette that gave the color was removed.
        elif element.keyword in ("BurnedInAnnotation", "RecognizableVisualFeatures"):
            element.value = "NO"
    if "RescaleSlope" in dataset or "RescaleIntercept" in dataset:
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
        if "RescaleType" in dataset:
            dataset.RescaleType = "US"  # Unspecified: the numbers measure nothing any more.
    if "WindowWidth" in dataset or "WindowCenter" in dataset:
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
