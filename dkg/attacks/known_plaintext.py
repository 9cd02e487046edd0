"""Known-plaintext attack on a reused key. Not in the paper."""

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import xor


def partial_known_plaintext(
    known_plain: NDArray[np.uint8],
    known_cipher: NDArray[np.uint8],
    other_cipher: NDArray[np.uint8],
    share: float,
) -> NDArray[np.uint8]:
    """Decrypt a ciphertext with the part of the key that a partly known plaintext reveals.

    The paper does not consider that one key may encrypt two images.

    Parameters
    ----------
    known_plain, known_cipher : numpy.ndarray
        uint8 (height, width, 3): a plaintext, and its ciphertext under the key.
    other_cipher : numpy.ndarray
        uint8 (height, width, 3): another ciphertext under the same key.
    share : float
        The known part of the plaintext, in percent of its rows, from the top.

    Returns
    -------
    numpy.ndarray
        The other image, uint8: decrypted in those rows, and encrypted below.

    Raises
    ------
    ValueError
        If the share is not 0 to 100, or the images differ in shape.
    """
    if not 0 <= share <= 100:
        raise ValueError(f"share must be 0 to 100 percent, not {share}")
    rows = round(len(known_plain) * share / 100)
    key = xor(known_plain, known_cipher)
    key[rows:] = 0
    return xor(other_cipher, key)
