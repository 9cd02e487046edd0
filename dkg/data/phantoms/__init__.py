"""Synthetic chest X-ray, nerve ultrasound and brain MRI images: the embedded default sets.

Each image is a random patient put through the physics that makes its kind of image: attenuation
along rays and film for X-rays, scatterers seen through a point-spread function for ultrasound,
tissue classes with a bias field and Rician noise for MRI. The parameters are chosen so that the
mean Shannon entropy of 138 images lies within 0.15 bit of the paper's plain images (Tables V to
VII: 7.736, 7.388 and 5.804). They replace image sets that cannot be shipped; they are no
models of disease, and nothing clinical follows from them.

Image ``i`` of a kind depends on nothing but the kind and ``i``. It is computed in float64 and
rounded once, so the same versions of NumPy and SciPy give the same bytes on every machine but for
a value that happens to lie within the last bits of a rounding edge.

References
----------
J. T. Bushberg et al., "The Essential Physics of Medical Imaging", 3rd ed., 2011 (projection
radiography, scatter, quantum noise, film).
C. B. Burckhardt, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 25(1), 1978.
H. Gudbjartsson and S. Patz, "The Rician distribution of noisy MRI data", Magn. Reson. Med. 34(6),
1995.
"""

from collections.abc import Callable
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from dkg.data.phantoms.brain import flair_slice
from dkg.data.phantoms.chest import radiograph
from dkg.data.phantoms.fields import SIZE, Field, Rng
from dkg.data.phantoms.ultrasound import b_mode

__all__ = ["brain_mri", "chest_xray", "nerve_ultrasound"]


def _images(render: Callable[[Rng], Field], kind: int, n: int, start: int) -> NDArray[np.uint8]:
    """Return n images from ``start`` on, each rendered from a random stream of its own."""
    for name, value, least in (("n", n, 1), ("start", start, 0)):
        if not isinstance(value, Integral):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    images = np.empty((n, SIZE, SIZE, 3), dtype=np.uint8)
    for offset, image in enumerate(images):
        gray = render(np.random.default_rng([kind, int(start) + offset]))
        image[:] = np.rint(255.0 * gray)[:, :, np.newaxis]
    return images


def chest_xray(n: int, start: int = 0) -> NDArray[np.uint8]:
    """Make postero-anterior chest radiographs, as of the Montgomery and Shenzhen sets.

    X-rays are attenuated along straight rays through ellipsoids and tubes (trunk, lungs, heart,
    great vessels, trachea, spine, ribs, clavicles, shoulders, stomach gas; in some patients a
    nodule or an infiltrate), scattered, counted with quantum noise, and turned into film density.
    Body, pose, bone and exposure vary from patient to patient.

    Parameters
    ----------
    n : int
        Number of images, at least 1.
    start : int, default 0
        Index of the first image, at least 0. Image ``i`` is the same in every call.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; bone is bright and air dark.

    Raises
    ------
    TypeError
        If ``n`` or ``start`` is not an integer.
    ValueError
        If ``n < 1`` or ``start < 0``.
    """
    return _images(radiograph, 1, n, start)


def nerve_ultrasound(n: int, start: int = 0) -> NDArray[np.uint8]:
    """Make B-mode ultrasound images of the brachial plexus, as of the nerve segmentation set.

    Skin, fat, muscle and fascia in bent layers, muscle bellies, a vessel and two to four nerve
    roots; fully developed speckle through a beam that widens with depth, mirror-like interfaces
    that fade where they tilt, absorption with shadows and enhancement, spatial compounding of
    three looks, electronic noise, log compression.

    Parameters
    ----------
    n, start
        As for `chest_xray`, with the same errors.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; the skin is at the top.
    """
    return _images(b_mode, 2, n, start)


def brain_mri(n: int, start: int = 0) -> NDArray[np.uint8]:
    """Make axial FLAIR slices of brains, as of BraTS18: stripped, cropped to the brain.

    White and folded gray matter, deep nuclei, dark cerebrospinal fluid in sulci and ventricles, in
    most patients a bright lesion with oedema; partial volume, a bias field and Rician noise. As in
    BraTS the skull is stripped, in some slices imperfectly, so that arcs of dura and skull remain.

    Parameters
    ----------
    n, start
        As for `chest_xray`, with the same errors.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n, 256, 256, 3), three equal channels; the background is 0
        and the frontal pole at the top.
    """
    return _images(flair_slice, 3, n, start)
