"""Images and files of every format, made for tests."""

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from dkg import data

SIZE = 32


def gray8(seed=0, shape=(SIZE, SIZE)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def deep(seed=0, shape=(SIZE, SIZE)):
    return np.random.default_rng(seed).integers(0, 65536, shape, np.uint16)


def read(path, **options):
    """Read without resizing: the test images have the requested size."""
    return data.read_image(path, SIZE, "nearest", **options)


def rgb(pixels):
    return np.repeat(pixels[..., np.newaxis], 3, axis=-1) if pixels.ndim == 2 else pixels


def png_rescaled(samples):
    """PNG specification, 13.12, in integers: floor(sample * 255 / 65535 + 1/2)."""
    return ((2 * 255 * samples.astype(np.int64) + 65535) // (2 * 65535)).astype(np.uint8)


def brain(background=0.0, low=1.0, high=255.0):
    """Make a volume in the axes right, front, top: a box, bright at the patient's right front."""
    volume = np.full((40, 48, 36), background, np.float32)
    volume[10:30, 8:40, 6:30] = low
    volume[20:30, 30:40, 6:30] = high
    volume[12:28, 12:36, 30:34] = low  # The top is narrower: below half of the fullest slice.
    return volume


def save_nifti(path, volume, codes="RAS", image_class=nibabel.Nifti1Image):
    """Save a volume that is given in the axes right, front, top, stored in other axes."""
    orientation = nibabel.orientations.axcodes2ornt(codes)
    image = image_class(volume, np.eye(4))
    nibabel.save(image.as_reoriented(nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), orientation)), path)  # fmt: skip
    assert "".join(nibabel.aff2axcodes(nibabel.load(path).affine)) == codes


def save_dicom(path, pixels, photometric="MONOCHROME2", bits=None, syntax=None, **elements):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3"
    colour = pixels.shape[-1] == 3
    shape = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    dataset.Rows, dataset.Columns = shape
    if pixels.ndim > len(shape) + colour:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset.PixelData = pydicom.encaps.encapsulate([dataset.PixelData])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    return path
