"""Key files: the keys one below the other in a PNG image that only its owner can read."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dkg.cipher import KEY_SHAPE, CipherError, key_identifier
from dkg.encryption.authenticated import FORMAT_VERSION
from dkg.encryption.png_files import check_output, encode_noise, read_noise
from dkg.storage.files import atomic


@dataclass(frozen=True, eq=False)
class ImageKey:
    """The content of a key file.

    Attributes
    ----------
    keys : ndarray
        The keys. ``repr`` leaves them out, so that logs and notebooks do not show them by accident.
    weights_sha256 : str
        SHA-256 of the weights that made them, in hexadecimal.
    weights_public : bool
        Whether these weights are public; such keys are for study only.
    output : str or None
        How the keys were read from the network's output, ``'paper'`` or ``'low-order'``; None if
        the file does not say.
    exact : bool or None
        Whether the same seed images and weights give these keys on every machine; None if the
        file does not say.
    """

    keys: NDArray[np.uint8] = field(repr=False)
    weights_sha256: str
    weights_public: bool
    output: str | None = None
    exact: bool | None = None


def write_key(
    path: str | os.PathLike[str],
    keys: NDArray[np.uint8],
    *,
    weights_sha256: str,
    weights_public: bool,
    output: str | None = None,
    exact: bool | None = None,
    overwrite: bool = False,
) -> None:
    """Write keys to one PNG file that only its owner can read.

    Parameters
    ----------
    path : path-like
        Ends in .png.
    keys, weights_sha256, weights_public, output, exact
        As in `ImageKey`.
    """
    path = Path(path)
    check_output(path, (".png",), overwrite)
    metadata = {
        "format": "dkg key",
        "version": FORMAT_VERSION,
        "keys": len(keys),
        "key_id": key_identifier(keys),
        "weights_sha256": weights_sha256,
        "weights_public": weights_public,
    }
    optional = {"output": output, "exact": exact}
    metadata |= {name: value for name, value in optional.items() if value is not None}
    data = encode_noise(keys.reshape(-1, *KEY_SHAPE[1:]), metadata)
    with atomic(path, overwrite=overwrite) as temporary:
        # The permissions are set before the first byte is written.
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_bytes(data)


def read_key(path: str | os.PathLike[str]) -> ImageKey:
    """Read a key file that `write_key` made."""
    path = Path(path)
    pixels, metadata = read_noise(path, "key")
    if pixels.dtype != np.uint8 or pixels.shape[1:] != KEY_SHAPE[1:] or len(pixels) % KEY_SHAPE[0]:
        raise CipherError(
            f"{path}: was resized or converted: a key file is uint8 of shape (256 n, 256, 3), "
            f"this is {pixels.dtype} of shape {pixels.shape}"
        )
    keys = pixels.reshape(-1, *KEY_SHAPE)
    try:
        identifier = key_identifier(keys)
    except CipherError as error:
        raise CipherError(f"{path}: {error}") from error
    if (metadata.get("key_id"), metadata.get("keys")) != (identifier, len(keys)):
        raise CipherError(f"{path}: the key was changed after it was made")
    return ImageKey(
        keys,
        str(metadata.get("weights_sha256")),
        bool(metadata.get("weights_public")),
        metadata.get("output"),
        metadata.get("exact"),
    )
