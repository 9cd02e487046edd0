"""Images and small ciphers that several tests of evaluation use."""

import numpy as np
from skimage.filters import gaussian


def smooth_images(rng, n, shape=(64, 64, 3)):
    """Smooth images with a black border on the left, unlike each other; all channels differ."""
    images = []
    for _ in range(n):
        field = gaussian(rng.normal(size=shape), (6, 6, 0)[: len(shape)], mode="wrap")
        image = np.uint8(np.clip(128 + 50 * field / field.std(), 0, 255))
        image[:, : shape[1] // 4] = 0
        images.append(image)
    return images


class Xor:
    """A right cipher of a few lines, to be made wrong: XOR with an image-sized random key."""

    def encrypt(self, image, key):
        return image ^ np.random.default_rng(key).integers(0, 256, image.shape, dtype=np.uint8)

    decrypt = encrypt

    def random_key(self, rng):
        return int(rng.integers(2**32))
