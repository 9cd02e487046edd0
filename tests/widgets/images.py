"""Images that no set holds."""

import numpy as np


def random_image(rng, height=256, width=256):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
