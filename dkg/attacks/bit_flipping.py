"""Bit-flipping attack: XOR ciphertexts are malleable. Not in the paper."""

import numpy as np
from numpy.typing import NDArray


def flip_square(
    ciphertext: NDArray[np.uint8], row: int, column: int, side: int, bits: int
) -> NDArray[np.uint8]:
    """Flip bits in a square of a ciphertext, and thereby in the plaintext, without the key.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    row, column : int
        The upper left pixel of the square.
    side : int
        Its side in pixels.
    bits : int
        The bits to flip in each byte, 0 to 255; 128 flips the highest.

    Returns
    -------
    numpy.ndarray
        A changed copy.

    Raises
    ------
    ValueError
        If the square does not lie in the image, or `bits` is not 0 to 255.
    """
    height, width = ciphertext.shape[:2]
    if not (0 <= row <= height - side and 0 <= column <= width - side and side >= 0):
        raise ValueError(
            f"a square of {side} pixels at ({row}, {column}) does not lie in an image of "
            f"{height} x {width} pixels"
        )
    if not 0 <= bits <= 255:
        raise ValueError(f"bits must be 0 to 255, not {bits}")
    changed = ciphertext.copy()
    changed[row : row + side, column : column + side] ^= np.uint8(bits)
    return changed
