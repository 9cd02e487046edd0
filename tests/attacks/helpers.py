"""Images, keys and a stand-in for a network, which several tests of attacks use."""

import hashlib

import numpy as np
from skimage.filters import gaussian

CHANCE = 5 / 255**0.5
"""Five standard deviations of the correlation of 256 block means."""


def smooth_images(rng, n, side=256):
    """Images with bright and dark regions, unlike each other; three equal channels."""
    fields = [gaussian(rng.normal(size=(side, side)), 16) for _ in range(n)]
    gray = [np.uint8(np.clip(128 + 60 * field / field.std(), 0, 255)) for field in fields]
    return np.repeat(np.stack(gray)[..., None], 3, axis=3)


def ideal_keys(rng, n, side=256):
    """I.i.d. uniform bytes."""
    return rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


class StandIn:
    """A key source with the metadata of a network: SHAKE-256 of a number and the seed image."""

    name = "a network"

    def __init__(self, number=0, *, blocks=1, domain="chaotic-rgb", keys=None):
        description = {} if domain is None else {"domain": domain}
        self.metadata = {
            "architecture": {"residual_blocks": blocks},
            "training": {"description": description},
        }
        self.number, self.keys = number, keys

    def generate(self, seed_image):
        data = bytes([self.number]) + seed_image.tobytes()
        key = hashlib.shake_256(data).digest(seed_image.size)
        return np.frombuffer(key, np.uint8).reshape(seed_image.shape)

    def generate_many(self, images):
        """Return the given keys, or one for each image."""
        made = np.stack([self.generate(image) for image in images])
        return made if self.keys is None else self.keys
