"""Palettes of DICOM images (PS3.3 C.7.6.3.1.5 and C.7.9), as they are and as they are met."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from dkg.data.pixels import to_bytes

_COLORS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = range(3)


def read_palette(dataset: Dataset) -> tuple[NDArray[np.uint8], int]:
    """Return the colors of a palette, and the stored value of the first.

    Entries of 16 bits follow the byte order of the file. Where none is above 255, they are taken
    for entries of 8 bits in words of 16, which programs write although the standard wants them
    scaled.

    Parameters
    ----------
    dataset : pydicom.Dataset
        An image with a palette.

    Returns
    -------
    colors : ndarray of uint8, shape (n, 3)
        The palette.
    first : int
        The stored value that its first entry is for; values outside have the nearest entry.

    Raises
    ------
    ValueError
        If there is no palette, or it does not have as many entries as it says.
    """
    if dataset.get("PixelPresentation") in ("MIXED", "COLOR"):
        raise ValueError("a supplemental palette is for another pipeline than an image's own")
    descriptor = dataset.get("RedPaletteColorLookupTableDescriptor")
    if descriptor is None or len(descriptor) != 3 or descriptor[2] not in (8, 16):
        raise ValueError(f"it has no palette: its descriptor is {descriptor}")
    n, first, bits = descriptor[0] or 2**16, descriptor[1], descriptor[2]
    order = "<" if dataset.original_encoding[1] is not False else ">"
    tables = []
    for color in _COLORS:
        data = dataset.get(f"{color}PaletteColorLookupTableData")
        segments = dataset.get(f"Segmented{color}PaletteColorLookupTableData")
        if data is not None:
            is_wide = len(data) >= 2 * n and not (bits == 8 and len(data) == n + n % 2)
            table = np.frombuffer(data, f"{order}u2" if is_wide else np.uint8)
        elif segments is not None:
            words = segments[: len(segments) - len(segments) % (bits // 8)]
            table = _expand(np.frombuffer(words, f"{order}u{bits // 8}").tolist(), n, bits // 8)
            is_wide = bits == 16
        else:
            raise ValueError(f"it has no {color}PaletteColorLookupTableData")
        if len(table) < n:
            raise ValueError(f"its palette has {len(table)} of {n} entries")
        tables.append(table[:n])
    colors = np.stack(tables, axis=1)
    is_wide = is_wide and colors.max() > 255
    return (to_bytes(colors, 0, 65535) if is_wide else colors.astype(np.uint8)), first


def _expand(words: list[int], n: int, width: int) -> NDArray[Any]:
    """Expand a segmented palette (C.7.9.2) of words of a given width to no more than n entries."""
    entries: list[int] = []
    back = None
    position, segments = 0, len(words)
    while len(entries) < n:
        if segments == 0 and back is not None:  # The end of what an indirect segment copies.
            position, segments, back = *back, None
        if segments == 0 or position + 2 >= len(words):
            break
        kind, length = words[position : position + 2]
        position, segments = position + 2, segments - 1
        if kind == _DISCRETE:
            entries += words[position : position + length]
            position += length
        elif kind == _LINEAR and entries:
            steps = np.linspace(entries[-1], words[position], length + 1)[1:]
            entries += np.around(steps).astype(int).tolist()
            position += 1
        elif kind == _INDIRECT and entries and back is None:
            # The byte where the segments begin that are copied: its low half comes first.
            offset = np.array(words[position : position + 4 // width], f"<u{width}").tobytes()
            back = position + 4 // width, segments
            position, segments = int.from_bytes(offset, "little") // width, length
        else:
            raise ValueError(f"its palette has a segment of kind {kind} where none can be")
    return np.array(entries[:n], int)
