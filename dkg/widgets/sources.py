"""What the panels draw from: networks, images and keys, each made once, and uploaded files."""

import functools
import tempfile
from pathlib import Path

import numpy as np

from dkg import cipher, data
from dkg.acceleration.process import threads
from dkg.keys import KeyGenerator

N_IMAGES = 8
"""How many images of a set can be chosen from."""

# The server's connection to the browser breaks off at 10 MiB.
_LARGEST_UPLOAD = 9 * 2**20


@functools.cache
def network(name: str, output: str = "paper") -> KeyGenerator:
    """Load a shipped network, once.

    Parameters
    ----------
    name : str
        One of `dkg.keys.list_weights`.
    output : {'paper', 'low-order'}, default 'paper'
        How keys are read; see `dkg.keys.KeyGenerator.load`.

    Returns
    -------
    KeyGenerator
        The network.
    """
    with threads(1):
        return KeyGenerator.load(name, output=output)


@functools.cache
def images(name: str) -> np.ndarray:
    """Load the first images of a set, once.

    Parameters
    ----------
    name : str
        One of `dkg.data.NAMES`.

    Returns
    -------
    numpy.ndarray
        uint8 (n, 256, 256, 3), at most `N_IMAGES` of them.
    """
    return data.load(name, n=N_IMAGES).images


def image_of(name: str, number: int) -> np.ndarray:
    """Return an image of a set.

    Parameters
    ----------
    name : str
        One of `dkg.data.NAMES`.
    number : int
        Which one, from 0.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3).

    Raises
    ------
    ValueError
        If the set has fewer images.
    """
    stack = images(name)
    if not 0 <= number < len(stack):
        raise ValueError(f"image {number}: the set {name} has images 0 to {len(stack) - 1}")
    image: np.ndarray = stack[number]
    return image


@functools.lru_cache(maxsize=128)
def _key(name: str, seed_bytes: bytes, output: str) -> np.ndarray:
    seed = np.frombuffer(seed_bytes, np.uint8).reshape(cipher.KEY_SHAPE).copy()
    with threads(1):
        key = network(name, output).generate(seed)
    key.setflags(write=False)
    return key


def key_of(name: str, seed_image: np.ndarray, output: str = "paper") -> np.ndarray:
    """Make a key, or return it if the same was made before.

    Parameters
    ----------
    name : str
        One of `dkg.keys.list_weights`.
    seed_image : numpy.ndarray
        uint8 (256, 256, 3).
    output : {'paper', 'low-order'}, default 'paper'
        As for `network`.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3), read-only.

    Raises
    ------
    ValueError
        If the seed image has another type or shape.
    """
    if seed_image.dtype != np.uint8 or seed_image.shape != cipher.KEY_SHAPE:
        raise ValueError(
            f"a seed image must be uint8 of shape {cipher.KEY_SHAPE}, "
            f"not {seed_image.dtype} of shape {seed_image.shape}"
        )
    return _key(name, seed_image.tobytes(), output)


def read_upload(name: str, content: bytes) -> np.ndarray:
    """Read an uploaded file as `dkg.data.read_image` reads files.

    Parameters
    ----------
    name : str
        Name of the file, for messages and, for DICOM files without a preamble, its suffix.
    content : bytes-like
        What is in it.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3).

    Raises
    ------
    ValueError
        If it is no image, too large, or cannot be read; the message names the file.
    """
    name = Path(name.replace("\\", "/")).name or "upload"
    if len(content) > _LARGEST_UPLOAD:
        raise ValueError(
            f"{name}: has {len(content) / 2**20:.0f} MiB, more than the "
            f"{_LARGEST_UPLOAD // 2**20} MiB that can be uploaded"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload" + "".join(Path(name).suffixes[-2:]))
        path.write_bytes(content)
        try:
            return data.read_image(path)
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(path), name)) from error
