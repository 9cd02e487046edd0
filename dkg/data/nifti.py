"""Reader of NIfTI volumes: axial slices in radiological display."""

from dataclasses import dataclass
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from dkg.data.pixels import to_bytes
from dkg.storage import limits


@dataclass(frozen=True, eq=False)
class Volume:
    """Axial slices (slices, h, w) in radiological display, and where they show the brain."""

    stack: NDArray[Any]
    brain: NDArray[np.bool_]
    low: float
    high: float

    def area(self) -> NDArray[np.int64]:
        """Return how many pixels of each slice show the brain."""
        return np.array([np.count_nonzero(brain) for brain in self.brain])

    def axial_slice(self, number: int, crop: bool) -> NDArray[np.uint8]:
        """Return one slice as uint8, cropped to the bounding box of the brain in it if told so."""
        brain = self.brain[number]
        pixels = np.where(brain, to_bytes(self.stack[number], self.low, self.high), np.uint8(0))
        if not crop:
            return pixels
        rows, columns = (np.flatnonzero(brain.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            raise ValueError(f"axial slice {number} shows no brain to crop to")
        return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def read_volume(raw: bytes, channel: int | None = None) -> Volume:
    """Read the bytes of a NIfTI file, compressed by gzip or not.

    Parameters
    ----------
    raw : bytes
        The file.
    channel : int, optional
        Which volume of a file with four dimensions, from 0.

    Raises
    ------
    ValueError
        If it is no volume of finite gray values, shows nothing, or is too large.
    """
    if raw.startswith(b"\x1f\x8b"):
        raw = limits.gunzip(raw)
    raw = _without_extensions(raw)
    image_class = nibabel.Nifti2Image if raw[4:8] == b"n+2\0" else nibabel.Nifti1Image
    image: Any = image_class.from_bytes(raw)
    del raw
    unscaled = (image.dataobj.slope, image.dataobj.inter) == (1.0, 0.0)
    width = image.get_data_dtype().itemsize if unscaled else 8
    limits.check_volume(image.shape, width)
    if not np.isfinite(image.affine).all() or np.linalg.matrix_rank(image.affine) < 4:
        raise ValueError(
            "damaged: its affine, which says how the voxels lie in the patient, is "
            f"{image.affine[:3].tolist()}"
        )
    image = nibabel.as_closest_canonical(image)  # type: ignore[no-untyped-call]  # Has no types.
    volume = np.asanyarray(image.dataobj)
    if volume.dtype.kind not in "uif":
        raise ValueError(f"voxels of type {volume.dtype} are not gray values")
    while volume.ndim > 3 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    if volume.ndim == 4 and channel is not None:
        if not 0 <= channel < volume.shape[3]:
            raise ValueError(f"channel {channel} of a file with {volume.shape[3]} channels")
        volume = volume[..., channel]
    if volume.ndim == 2:
        volume = volume[..., np.newaxis]
    if volume.ndim != 3:
        raise ValueError(f"a volume with three dimensions is needed, this has shape {volume.shape}")
    low, high = float(volume.min()), float(volume.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("the volume holds values that are not finite")

    # Of all voxels only those on the faces are counted, which takes a hundredth of the time.
    faces = [np.moveaxis(volume, axis, 0)[end].ravel() for axis in range(3) for end in (0, -1)]
    values, counts = np.unique(np.concatenate(faces), return_counts=True)
    # Nibabel's axes run to the right, the front and the top of the patient.
    stack = volume.T[:, ::-1, ::-1]
    brain = stack != values[counts.argmax()]
    if not brain.any():
        raise ValueError(f"the volume shows nothing, every voxel is {low}")
    return Volume(stack, brain, low, high)


def _without_extensions(raw: bytes) -> bytes:
    """Say in a file's header that it has no extensions, which nibabel would parse."""
    header = 540 if raw[4:8] == b"n+2\0" else 348
    if raw[header : header + 4] in (b"\0\0\0\0", b""):
        return raw
    offset = raw[168:176] if header == 540 else raw[108:112]
    if not any(offset):
        raise ValueError("damaged: it has extensions, but does not say where its voxels begin")
    return raw[:header] + bytes(4) + raw[header + 4 :]
