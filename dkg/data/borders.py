"""Constant borders of an image, such as the black bands beside a radiograph, and their cutting."""

import numpy as np
from numpy.typing import NDArray

SPREAD = 8
"""Gray levels that the pixels of a border row or column may lie apart, as JPEG noise makes them."""


def trim(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off rows and columns at the borders of an image that are constant.

    A row or column is constant if the values of its pixels, in every channel, lie at most `SPREAD`
    gray levels apart. Rows and columns are cut from each of the four sides up to the first that is
    not constant; both are judged on the whole image. The rule is ours: the paper does not say
    whether it crops (docs/data.md has what it changes, also for other limits).

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w) or (h, w, 3)
        The image, of any size.

    Returns
    -------
    ndarray of uint8, shape (a, b) or (a, b, 3)
        A view of the image; the whole image if every row or every column is constant.
    """
    spans = []
    for across in (1, 0):
        apart = pixels.max(axis=across).astype(np.int16) - pixels.min(axis=across)
        varied = np.flatnonzero(apart.reshape(len(apart), -1).max(axis=1) > SPREAD)
        if not len(varied):
            return pixels
        spans.append(slice(int(varied[0]), int(varied[-1]) + 1))
    return pixels[tuple(spans)]
