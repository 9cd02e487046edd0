"""Approximate seed images, as an attacker may have them. Not in the paper."""

import io

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from dkg.cipher import check_images


def approximate_seed(
    seed_image: ArrayLike, how: str, amount: int, *, seed: int | None = None
) -> NDArray[np.uint8]:
    """Make an approximate seed image, as an attacker may have it.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (height, width, 3).
    how : {'JPEG', 'resized', 'noise', 'inverted pixels'}
        Saved as JPEG; resized to a square and back (bicubic, as `PIL.Image.Image.resize`); every
        byte changed at random; or some pixels inverted.
    amount : int
        Quality of the JPEG, 1 to 100; side of the square in pixels, at least 1; largest change of
        a byte in gray levels, 0 to 255; number of pixels, 0 to all.
    seed : int, optional
        Seed of the random numbers for the noise, or for the choice of pixels. Default: the
        system's entropy.

    Returns
    -------
    numpy.ndarray
        Of the seed image's shape and type.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    (image,) = check_images(np.asarray(seed_image)[np.newaxis], "the seed image in a stack of one")
    height, width = image.shape[:2]
    bounds = {
        "JPEG": (1, 100),
        "resized": (1, np.inf),
        "noise": (0, 255),
        "inverted pixels": (0, height * width),
    }
    if how not in bounds:
        raise ValueError(f"how must be one of {', '.join(bounds)}, not {how!r}")
    low, high = bounds[how]
    if not low <= amount <= high:
        raise ValueError(f"amount must lie in {low} to {high} for {how!r}, not {amount}")
    random = np.random.default_rng(seed)
    changed: NDArray[np.uint8] = image.copy()
    if how == "JPEG":
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=amount)
        changed = np.array(Image.open(file))
    elif how == "resized":
        small = Image.fromarray(image).resize((amount, amount), Image.Resampling.BICUBIC)
        changed = np.array(small.resize((width, height), Image.Resampling.BICUBIC))
    elif how == "noise":
        noise = random.integers(-amount, amount + 1, image.shape)
        changed = np.clip(image + noise, 0, 255).astype(np.uint8)
    else:
        chosen = random.choice(height * width, amount, replace=False)
        changed.reshape(-1, 3)[chosen] ^= 255
    return changed
