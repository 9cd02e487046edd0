"""Averages that unbalanced key bits survive, with no key or with wrong keys. Not in the paper."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.filters import gaussian
from skimage.restoration import denoise_tv_chambolle

from dkg.cipher import check_images, xor


def denoise(
    ciphertext: ArrayLike,
    method: str = "mean",
    *,
    bits: int = 8,
    strength: float | None = None,
) -> NDArray[np.uint8]:
    """Recover a coarse plaintext from a ciphertext alone, without any key.

    Where a key bit is 1 more or less often than 0, the average of the encrypted bit still follows
    that of the plaintext, often as a negative. `dkg.metrics.block_correlation` with the plaintext
    (its absolute value) or the ranks of `dkg.attacks.rank` tell how well the image shows.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width) or (height, width, 3).
    method : {'mean', 'total variation'}, default 'mean'
        A Gaussian average, or the smooth image with sharp edges of Chambolle [1]_. The channels
        are averaged first.
    bits : int, default 8
        The number of highest bits of a byte to use, 1 to 8. The low bits of a plaintext are noise.
    strength : float, optional
        Standard deviation of the average in pixels (default 6), or weight of the total variation
        (default 1).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width); the 1st percentile is 0 and the 99th is 255.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    .. [1] A. Chambolle, "An Algorithm for Total Variation Minimization and Applications", Journal
       of Mathematical Imaging and Vision 20, 2004; `skimage.restoration.denoise_tv_chambolle`.
    """
    ciphertext = np.asarray(ciphertext)
    if ciphertext.dtype != np.uint8 or ciphertext.ndim not in (2, 3) or not ciphertext.size:
        raise ValueError(
            "a ciphertext must be uint8 of shape (height, width) or (height, width, 3), "
            f"not {ciphertext.dtype} of shape {ciphertext.shape}"
        )
    if not 1 <= bits <= 8:
        raise ValueError(f"bits must be 1 to 8, not {bits}")
    if strength is not None and not strength > 0:
        raise ValueError(f"strength must be positive, not {strength}")
    kept = (ciphertext >> (8 - bits)) / (2**bits - 1)
    plane = kept if kept.ndim == 2 else kept.mean(axis=2)
    if method == "mean":
        smooth = gaussian(plane, sigma=6.0 if strength is None else strength)
    elif method == "total variation":
        smooth = denoise_tv_chambolle(plane, weight=1.0 if strength is None else strength)
    else:
        raise ValueError(f"method must be 'mean' or 'total variation', not {method!r}")
    low, high = np.percentile(smooth, (1, 99))
    if high == low:
        return np.zeros(smooth.shape, np.uint8)
    levels: NDArray[np.float64] = np.rint(255 * np.clip((smooth - low) / (high - low), 0, 1))
    return levels.astype(np.uint8)


def mean_decryption(ciphertext: NDArray[np.uint8], keys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Decrypt with several wrong keys, and average the results.

    Keys of one network agree in some of their bits more often than by chance. What the right key
    shares with the wrong ones stays in the mean; the rest averages out with more keys.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    keys : numpy.ndarray
        uint8 (n, height, width, 3), n >= 1, such as keys of other seed images.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), the rounded mean.

    Raises
    ------
    ValueError
        If the keys are not as described, or a key does not fit the ciphertext.
    """
    check_images(keys, "keys")
    total = np.zeros(keys.shape[1:])
    for key in keys:
        total += xor(ciphertext, key)
    return np.rint(total / len(keys)).astype(np.uint8)
