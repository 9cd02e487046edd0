"""Steps that readers of all formats share: choosing a frame, and scaling to 8 bits in blocks."""

import operator
from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray


def check_frame(frame: SupportsIndex | None, count: int) -> int:
    """Return a frame's index, 0 by default, or refuse one that the file does not have."""
    frame = 0 if frame is None else operator.index(frame)
    if not 0 <= frame < count:
        raise ValueError(f"frame {frame} was requested, there are {count} (0 to {count - 1})")
    return frame


def to_bytes(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] linearly to 0..255, rounding; a range without extent becomes 0."""
    if high == low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.asarray(values, np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(scaled, 0.0, 255.0)).astype(np.uint8)


def in_blocks(
    function: Callable[[NDArray[Any]], NDArray[Any]],
    pixels: NDArray[Any],
    channels: tuple[int, ...] = (),
) -> NDArray[np.uint8]:
    """Apply a function of the pixels (n, ...) in blocks, whose copies in wider types are small."""
    result = np.empty((*pixels.shape[:2], *channels), np.uint8)
    flat, done = pixels.reshape(-1, *pixels.shape[2:]), result.reshape(-1, *channels)
    for start in range(0, len(flat), 2**20):
        block = slice(start, start + 2**20)
        done[block] = function(flat[block])
    return result
