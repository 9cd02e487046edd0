"""Attack with several wrong keys of the same network, averaged. Not in the paper."""

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import check_images, xor


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
