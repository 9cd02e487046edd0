"""Image sets, phantoms, and readers of PNG, JPEG, TIFF, NIfTI and DICOM files."""

from dkg.data.choices import CHOICES, spread_of_choices
from dkg.data.image_sets import (
    ALTERNATIVES,
    NAMES,
    PHANTOMS,
    ImageSet,
    load,
    other_readings,
    synthetic,
)
from dkg.data.readers import FILTERS, SLICES_PER_VOLUME, read_image, read_slices

__all__ = [
    "ALTERNATIVES",
    "CHOICES",
    "FILTERS",
    "NAMES",
    "PHANTOMS",
    "SLICES_PER_VOLUME",
    "ImageSet",
    "load",
    "other_readings",
    "read_image",
    "read_slices",
    "spread_of_choices",
    "synthetic",
]
