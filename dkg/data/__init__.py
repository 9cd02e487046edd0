"""Image sets, phantoms, and readers of PNG, JPEG, TIFF, NIfTI and DICOM files."""

from dkg.data.image_sets import CHOICES, NAMES, PHANTOMS, ImageSet, load, synthetic
from dkg.data.readers import FILTERS, SLICES_PER_VOLUME, read_image, read_slices

__all__ = [
    "CHOICES",
    "FILTERS",
    "NAMES",
    "PHANTOMS",
    "SLICES_PER_VOLUME",
    "ImageSet",
    "load",
    "read_image",
    "read_slices",
    "synthetic",
]
