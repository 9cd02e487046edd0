"""Keys: a trained generator turns a seed image into a key (paper, Eq. 8).

The networks that come with the package are public. A key made with one of them hides nothing from
anyone who can guess the seed image, so such keys are for study only. ``docs/keys.md`` says which
output to use when.
"""

import copy
import functools
import hashlib
import math
import os
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dkg.acceleration import accelerate
from dkg.acceleration.exact import ExactGenerator
from dkg.acceleration.process import resolve_device, threads
from dkg.checkpoints import read_generator, weights_sha256
from dkg.cipher import KEY_BYTES, KEY_SHAPE, check_images, xor
from dkg.models import Generator, images_to_tensor, tensor_to_images
from dkg.storage.weights import list_weights as list_weights
from dkg.storage.weights import weights_entry as weights_entry

OUTPUTS = ("paper", "low-order")
"""Ways to read a key off the generator's last layer."""

_AT_ONCE = 32  # Keys that a GPU makes in single precision.


@functools.cache
def noise_map() -> NDArray[np.uint8]:
    """Return the public noise that seed images are mixed with for low-order keys.

    Where a seed image is flat, the network computes the same at many places, and the key repeats.
    XOR with noise leaves no seed image flat. It is the same for everybody, and no secret: uint8
    (256, 256, 3), read-only, the first bytes of SHAKE-256 (FIPS 202) of ``dkg noise map 1``.
    """
    data = hashlib.shake_256(b"dkg noise map 1").digest(KEY_BYTES)
    return np.frombuffer(data, np.uint8).reshape(KEY_SHAPE)


class KeySource(Protocol):
    """Whatever makes a key from a seed image: a `KeyGenerator`, or a stand-in for one."""

    def generate(self, seed_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the key of a seed image, both uint8 (256, 256, 3)."""
        ...


class KeyGenerator:
    """A trained generator, ready to make keys; made by `KeyGenerator.load`.

    Attributes
    ----------
    name : str
        The shipped network's name, or the path of the file.
    sha256 : str
        SHA-256 of the weights' file, in hexadecimal.
    public : bool
        Whether the weights come with the package, so that everybody has them.
    metadata : dict
        What the file says of itself: ``architecture``, all of it, and ``training``.
    exact : bool
        Whether keys are the same on every machine, byte for byte (`dkg.acceleration.exact`).
    output : {'paper', 'low-order'}
        How a key is read off the last layer.
    """

    def __init__(
        self,
        generator: Generator,
        device: torch.device,
        name: str,
        sha256: str,
        public: bool,
        metadata: dict[str, Any],
        *,
        exact: bool = True,
        output: str = "paper",
    ):
        if output not in OUTPUTS:
            raise ValueError(f"output must be {' or '.join(map(repr, OUTPUTS))}, not {output!r}")
        if output == "low-order" and not exact:
            raise ValueError(
                "low-order digits differ between machines unless they are computed with exact=True"
            )
        self._generator = accelerate(generator.eval().requires_grad_(False).to(device))
        self._exact = ExactGenerator(generator, device) if exact else None
        self._device = device
        self.name = name
        self.sha256 = sha256
        self.public = public
        self.metadata = metadata
        self.exact = exact
        self.output = output

    @classmethod
    def load(
        cls,
        path_or_name: str | os.PathLike[str] | None = None,
        device: str = "auto",
        *,
        exact: bool = True,
        output: str = "paper",
    ) -> "KeyGenerator":
        """Load a trained generator.

        Parameters
        ----------
        path_or_name : str or path-like, optional
            A name from `list_weights`, or the path of a ``generator.safetensors`` that
            `dkg.training.train` wrote. Default: the first of `list_weights`.
        device : str, default 'auto'
            ``'auto'`` is CUDA where there is one, else the CPU.
        exact : bool, default True
            Make keys that are the same on every machine, byte for byte (`dkg.acceleration.exact`).
            If False, the network computes in single precision, in less than half of the time, and
            another processor, device or number of threads may change a small share of the bytes.
        output : {'paper', 'low-order'}, default 'paper'
            ``'paper'`` reads the top eight bits of the output after tanh, as the paper does.
            ``'low-order'`` is not in the paper: it reads low-order digits of the last layer, and
            mixes the seed image with `noise_map` before. It takes `exact`.

        Returns
        -------
        KeyGenerator
            The generator.

        Raises
        ------
        FileNotFoundError
            If it is neither a shipped name nor a file.
        ValueError
            If the file does not hold a generator of this package, a shipped file is not the one
            that the manifest names, or `output` is unknown or needs `exact`.
        """
        name = str(path_or_name) if path_or_name else None
        where = resolve_device(device)
        with threads(1):
            generator, path, about = read_generator(name)
            try:
                return cls(generator, where, **about, exact=exact, output=output)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the network's weights, float32, by their names in the file."""
        weights = self._generator.state_dict()
        return {name: values.cpu().numpy().copy() for name, values in weights.items()}

    def with_contrast(self, factor: float) -> "KeyGenerator":
        """Return a generator whose last layer is scaled by a factor before tanh.

        Not in the paper. The discriminator cannot see the contrast of a key, since its layers have
        no offset before they are normalised; this changes the contrast. A `factor` below 1 moves
        the bytes towards 127.5, one above 1 towards 0 and 255; ValueError is raised unless it is
        positive and finite. Device, `exact` and `output` stay; `sha256` is that of the weights.
        """
        if not 0 < factor < math.inf:
            raise ValueError(f"factor must be a positive finite number, not {factor}")
        generator = copy.deepcopy(self._generator)
        last = [layer for layer in generator.up3 if isinstance(layer, nn.Conv2d)][-1]
        last.weight.mul_(factor)
        return KeyGenerator(
            generator,
            self._device,
            f"{self.name}, contrast {factor:g}",
            weights_sha256(generator),
            self.public,
            self.metadata,
            exact=self.exact,
            output=self.output,
        )

    def generate(self, seed_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a seed image into a key (Eq. 8).

        Parameters
        ----------
        seed_image : numpy.ndarray
            uint8 (256, 256, 3).

        Returns
        -------
        numpy.ndarray
            The key, uint8 (256, 256, 3), as `output` says.

        Raises
        ------
        ValueError
            If the seed image has another type or shape.
        """
        seed_image = np.asarray(seed_image)
        if seed_image.dtype != np.uint8 or seed_image.shape != KEY_SHAPE:
            raise ValueError(
                f"a seed image must be uint8 of shape {KEY_SHAPE}, "
                f"not {seed_image.dtype} of shape {seed_image.shape}"
            )
        key: NDArray[np.uint8] = self._generate(seed_image[None])[0]
        return key

    def generate_many(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn seed images into keys, each as `generate` makes it.

        Only on a GPU in single precision (see `exact`) a small share of the bytes may be others:
        there many seed images at once take less time.

        Parameters
        ----------
        images : numpy.ndarray
            uint8 (n, 256, 256, 3).

        Returns
        -------
        numpy.ndarray
            The keys, uint8 (n, 256, 256, 3).

        Raises
        ------
        ValueError
            If the images have another type or shape.
        """
        images = check_images(images, "seed images", shape=KEY_SHAPE, least=0)
        at_once = _AT_ONCE if self._device.type == "cuda" and not self.exact else 1
        keys = np.empty((len(images), *KEY_SHAPE), np.uint8)
        for first in range(0, len(images), at_once):
            keys[first : first + at_once] = self._generate(images[first : first + at_once])
        return keys

    def _generate(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn seed images into keys, both (n, 256, 256, 3)."""
        if self._exact is None:
            with torch.inference_mode():
                x = images_to_tensor(images, self._device)  # (n, 3, 256, 256)
                return tensor_to_images(self._generator(x))
        read = self._exact.paper_bytes
        if self.output == "low-order":
            images = xor(images, np.broadcast_to(noise_map(), images.shape))
            read = self._exact.low_order_bytes
        return np.stack([read(self._exact(image)) for image in images])
