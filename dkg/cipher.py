"""The XOR cipher of the paper, and the files of keys and ciphertexts.

`xor` alone is the paper's cipher (section IV: "the bit-wise XOR algorithm is adopted"). The rest is
what the paper leaves out and a cipher on files needs: images of any size, lossless files, refusal
of the wrong key and of changed files, and a record of which key was used. ``docs/formats.md``
describes the files byte by byte and says what the guarantees are worth.
"""

import hashlib
import hmac
import io
import json
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from dkg.storage import limits
from dkg.storage.files import atomic
from dkg.storage.limits import MAX_BYTES
from dkg.storage.registry import BESIDE_KEY, claim, uses

KEY_SHAPE = (256, 256, 3)
"""Shape of one key (paper, Algorithm 1): 196,608 bytes."""

KEY_BYTES = 256 * 256 * 3

FORMAT_VERSION = 1

PNG_SIDE = 1_000_000
"""Height and width that libpng reads and writes at most."""

MAX_KEYS = MAX_BYTES // KEY_BYTES
"""Keys that one image takes at most, as no larger one is read: 1,024."""

_IDENTIFIER_LABEL = b"dkg key identifier 1\0"
_TAG_LABEL = b"dkg ciphertext tag 1"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEYWORD = b"dkg\0"

_OUT_OF_JPEG = "JPEG is lossy: it changes the samples, and what was changed cannot be decrypted"


class CipherError(ValueError):
    """A key, an image or a file is refused; the message says why and names the file."""


@dataclass(frozen=True, eq=False)
class ImageKey:
    """What a key file holds.

    Attributes
    ----------
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys, in the order in which they are used. ``repr`` leaves them out, so that no log
        or notebook shows them by chance.
    weights_sha256 : str
        SHA-256 of the weights that made them, in hexadecimal.
    weights_public : bool
        Whether these weights are public; such keys are for study only.
    output : str or None
        How the keys were read off the network, ``'paper'`` or ``'low-order'``; None if the file
        does not say.
    exact : bool or None
        Whether the same seed images and weights give these keys on every machine; None if the
        file does not say.
    """

    keys: np.ndarray = field(repr=False)
    weights_sha256: str
    weights_public: bool
    output: str | None = None
    exact: bool | None = None


def xor(image: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Encrypt or decrypt: the bit-wise XOR of the paper's section IV, its own inverse.

    Parameters
    ----------
    image, key : ndarray of an unsigned integer type, the same shape and type for both
        Plain image or ciphertext, and key.

    Returns
    -------
    ndarray
        Of the same shape and type.

    Raises
    ------
    CipherError
        If shapes or types differ, or the type is not an unsigned integer. A key is never
        repeated or cut to fit, as broadcasting would.
    """
    if image.shape != key.shape or image.dtype != key.dtype or image.dtype.kind != "u":
        raise CipherError(
            "image and key must have the same shape and unsigned integer type: the image is "
            f"{image.dtype} of shape {image.shape}, the key {key.dtype} of shape {key.shape}"
        )
    # By itself NumPy would return the machine's byte order, whatever the image's is.
    return np.bitwise_xor(image, key, out=np.empty_like(image))


def check_images(
    images: ArrayLike, name: str = "images", *, shape: tuple[int, int, int] | None = None
) -> NDArray[np.uint8]:
    """Return color images as an array, or refuse what is not one.

    Parameters
    ----------
    images : array_like
        uint8 (n, height, width, 3) with n >= 1.
    name : str, default 'images'
        What the error message calls them.
    shape : tuple of int, optional
        The shape that each image must have, such as `KEY_SHAPE`. Default: any height and width.

    Returns
    -------
    numpy.ndarray
        The images.

    Raises
    ------
    ValueError
        If they have another type or shape, or there is none.
    """
    images = np.asarray(images)
    wanted = shape or (*images.shape[1:3], 3)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != wanted:
        sides = ", ".join(map(str, shape or ("height", "width", 3)))
        raise ValueError(
            f"{name} must be a uint8 array of shape (n, {sides}), "
            f"not {images.dtype} of shape {images.shape}"
        )
    if images.size == 0:
        raise ValueError(f"{name} must not be empty, but their shape is {images.shape}")
    return images


def keys_needed(image: np.ndarray) -> int:
    """Return how many keys of 196,608 bytes it takes to cover an image once.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        The image.

    Returns
    -------
    int
        At least 1. A sample of 16 bits takes two key bytes.

    Raises
    ------
    CipherError
        If the image has another type or shape.
    """
    _check_image(image)
    return -(-image.nbytes // KEY_BYTES)


def key_identifier(keys: np.ndarray) -> str:
    """Return the name by which a ciphertext knows its key: a hash of all key bytes.

    Parameters
    ----------
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys, in order.

    Returns
    -------
    str
        SHA-256 of a fixed label and the bytes, in hexadecimal. It does not give the key away,
        but whoever guesses a key can check the guess with it.

    Raises
    ------
    CipherError
        If `keys` has another type or shape, or holds the same key twice.
    """
    _check_keys(keys)
    digest = hashlib.sha256(_IDENTIFIER_LABEL)
    digest.update(np.ascontiguousarray(keys))
    return digest.hexdigest()


def encrypt(image: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Encrypt an image of any size, and authenticate it.

    The bytes of the keys, in order, are laid over the samples row by row, the three channels of a
    pixel in turn. A 16-bit sample takes two key bytes, the first one as its high byte.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        The plain image.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        At least `keys_needed` keys; what the image leaves over is not used.

    Returns
    -------
    ciphertext : ndarray
        Of the image's shape and type.
    metadata : dict
        ``format``, ``version``, ``shape``, ``dtype``, ``key_id`` and ``tag``, an HMAC-SHA-256 over
        the rest and the ciphertext, under a key derived from all keys by HKDF (RFC 5869). The
        same image and keys give the same metadata.

    Raises
    ------
    CipherError
        If the image or the keys have another type or shape, the same key is there twice, or
        there are too few keys.
    """
    ciphertext = xor(image, _key_samples(keys, image))
    metadata: dict[str, Any] = {
        "format": "dkg ciphertext",
        "version": FORMAT_VERSION,
        "shape": list(image.shape),
        "dtype": image.dtype.name,
        "key_id": key_identifier(keys),
    }
    metadata["tag"] = _tag(ciphertext, metadata, keys)
    return ciphertext, metadata


def decrypt(ciphertext: np.ndarray, metadata: dict[str, Any], keys: np.ndarray) -> np.ndarray:
    """Undo `encrypt`, or refuse.

    Parameters
    ----------
    ciphertext : ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        First result of `encrypt`.
    metadata : dict
        Its second result.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys it was made with, all of them and in the same order.

    Returns
    -------
    ndarray
        The plain image, of the ciphertext's shape and type.

    Raises
    ------
    CipherError
        If the keys are not those, or the ciphertext or its metadata are not as `encrypt` made
        them.
    """
    metadata = dict(metadata)
    tag = str(metadata.pop("tag", ""))
    stated = f"{metadata.get('dtype')} of shape {metadata.get('shape')}"
    found = f"{ciphertext.dtype.name} of shape {list(ciphertext.shape)}"
    if stated != found:
        raise CipherError(
            f"the ciphertext was made as {stated}, but is now {found}: it was resized or "
            "converted, and cannot be decrypted any more"
        )
    identifier = key_identifier(keys)
    if metadata.get("key_id") != identifier:
        raise CipherError(
            f"wrong key: the ciphertext was made with key {str(metadata.get('key_id'))[:16]}, "
            f"this is key {identifier[:16]}"
        )
    if not hmac.compare_digest(tag.encode(), _tag(ciphertext, metadata, keys).encode()):
        raise CipherError(
            "the ciphertext or its metadata were changed after encryption: the authentication "
            "tag does not fit"
        )
    return xor(ciphertext, _key_samples(keys, ciphertext))


def kind(path: str | os.PathLike) -> str:
    """Tell what a file says it is.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    {'key', 'ciphertext', 'image'}
        ``'image'`` is any file without this package's metadata.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    data = _read(Path(path))
    for name in ("key", "ciphertext"):
        if _PNG_KEYWORD in data and f'"format":"dkg {name}"'.encode() in data:
            return name
    return "image"


def read_samples(path: str | os.PathLike) -> np.ndarray:
    """Read an image with every sample as it is stored: not resized, not rescaled, not turned.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG or TIFF file of one gray or RGB image, 8 or 16 bits per sample. PNG images of
        fewer bits and with a palette are expanded to 8 bits.

    Returns
    -------
    ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        The samples. For a JPEG they are what its decoder gives.

    Raises
    ------
    OSError
        If the file cannot be read.
    CipherError
        If it is empty, damaged, of another format, or has another number of channels or bits.
    """
    path = Path(path)
    data = _read(path)
    name = _format_name(path, data)
    if name is None:
        raise CipherError(
            f"{path}: not a PNG, JPEG or TIFF file, it starts with {data[:8]!r}; convert it first"
        )
    try:
        image = _DECODERS[name](data)
        _check_image(image)
    except MemoryError:
        raise
    except Exception as error:  # Every decoder has its own exceptions.
        raise CipherError(f"{path}: cannot be used as a {name} image: {error}") from error
    return image


def write_samples(path: str | os.PathLike, image: np.ndarray, *, overwrite: bool = False) -> None:
    """Write an image losslessly, as PNG or TIFF by the name's ending.

    Parameters
    ----------
    path : path-like
        Ends in .png, .tif or .tiff.
    image : ndarray of uint8 or uint16, shape (H, W) or (H, W, 3)
        The image.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OSError
        If the file cannot be written.
    CipherError
        If the name has another ending or exists, or the image has another type or shape.
    """
    path = Path(path)
    _check_image(image)
    check_output(path, (".png", ".tif", ".tiff"), overwrite)
    if path.suffix.lower() == ".png":
        data = imagecodecs.png_encode(image)
    else:
        buffer = io.BytesIO()
        photometric = "minisblack" if image.ndim == 2 else "rgb"
        tifffile.imwrite(buffer, image, photometric=photometric, compression="zlib", metadata=None)
        data = buffer.getvalue()
    with atomic(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)


def write_key(
    path: str | os.PathLike,
    keys: np.ndarray,
    *,
    weights_sha256: str,
    weights_public: bool,
    output: str | None = None,
    exact: bool | None = None,
    overwrite: bool = False,
) -> None:
    """Write keys to one PNG file, one under the other, that only its owner can read.

    Parameters
    ----------
    path : path-like
        Ends in .png.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        The keys, in the order in which they are to be used.
    weights_sha256 : str
        SHA-256 of the weights that made them, in hexadecimal.
    weights_public : bool
        Whether these weights are public.
    output : str, optional
        How the keys were read off the network.
    exact : bool, optional
        Whether they are the same on every machine.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OSError
        If the file cannot be written.
    CipherError
        If the name has another ending or exists, the keys have another type or shape, or the same
        key is there twice.
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
    metadata |= {
        name: value for name, value in (("output", output), ("exact", exact)) if value is not None
    }
    data = _encode_noise(keys.reshape(-1, *KEY_SHAPE[1:]), metadata)
    with atomic(path, overwrite=overwrite) as temporary:
        # The permissions are there before the first byte is.
        temporary.touch(mode=0o600, exist_ok=False)
        temporary.write_bytes(data)


def read_key(path: str | os.PathLike) -> ImageKey:
    """Read a key file.

    Parameters
    ----------
    path : path-like
        A file that `write_key` made.

    Returns
    -------
    ImageKey
        The keys and what the file says of their weights.

    Raises
    ------
    OSError
        If the file cannot be read.
    CipherError
        If it is not a key file, or was cut or changed.
    """
    path = Path(path)
    pixels, metadata = _read_own(path, "key")
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


def encrypt_file(
    image: str | os.PathLike,
    key: str | os.PathLike,
    out: str | os.PathLike,
    *,
    registry: str | os.PathLike | None = None,
    allow_key_reuse: bool = False,
    overwrite: bool = False,
) -> int:
    """Encrypt an image file into a PNG file, and record the use of the key in a registry.

    The record is on the disk before the ciphertext is. Encrypting the same image again is no new
    use: the ciphertext is the same.

    Parameters
    ----------
    image : path-like
        What `read_samples` reads.
    key : path-like
        What `write_key` wrote.
    out : path-like
        The ciphertext, ends in .png.
    registry : path-like, optional
        The registry of used keys, as in `record_use`.
    allow_key_reuse : bool
        Encrypt although the key has encrypted another image.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    int
        How many other images this key, or a part of it, has encrypted: 0 unless
        `allow_key_reuse` is set.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    CipherError
        If a file is refused, the key or a part of it has encrypted another image, or there are
        too few keys.
    """
    image, key, out = Path(image), Path(key), Path(out)
    check_output(out, (".png",), overwrite, inputs=(image, key))
    keys = read_key(key).keys
    if (found := kind(image)) != "image":
        raise CipherError(
            f"{image}: is already a {found} of dkg; encrypting it would lose its metadata"
        )
    samples = read_samples(image)
    try:
        ciphertext, metadata = encrypt(samples, keys)
    except CipherError as error:
        raise CipherError(f"{image}: {error}") from error
    data = _encode_noise(ciphertext, metadata)
    others = record_use(key, keys, metadata, allow_key_reuse, registry)
    with atomic(out, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return others


def decrypt_file(
    ciphertext: str | os.PathLike,
    key: str | os.PathLike,
    out: str | os.PathLike,
    *,
    overwrite: bool = False,
) -> None:
    """Decrypt a file that `encrypt_file` made.

    Parameters
    ----------
    ciphertext : path-like
        The ciphertext.
    key : path-like
        The key file it was made with.
    out : path-like
        The plain image, ends in .png, .tif or .tiff.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    CipherError
        If a file is refused: no ciphertext, the wrong key, cut or changed.
    """
    ciphertext, key, out = Path(ciphertext), Path(key), Path(out)
    check_output(out, (".png", ".tif", ".tiff"), overwrite, inputs=(ciphertext, key))
    pixels, metadata = _read_own(ciphertext, "ciphertext")
    keys = read_key(key).keys
    try:
        image = decrypt(pixels, metadata, keys)
    except CipherError as error:
        raise CipherError(f"{ciphertext}: {error}") from error
    write_samples(out, image, overwrite=overwrite)


def record_use(
    key: str | os.PathLike,
    keys: np.ndarray,
    metadata: dict[str, Any],
    allow_reuse: bool,
    registry: str | os.PathLike | None = None,
) -> int:
    """Record the use of a key before its ciphertext is written; see `dkg.storage.registry`.

    Parameters
    ----------
    key : path-like
        The key file.
    keys : ndarray of uint8, shape (n, 256, 256, 3)
        What it holds.
    metadata : dict
        ``tag`` of the ciphertext.
    allow_reuse : bool
        Whether the keys may have made other ciphertexts.
    registry : path-like, optional
        A registry that several folders share, beside the one in the key file's folder,
        ``used-keys.sqlite``, which is kept in any case.

    Returns
    -------
    int
        How many other ciphertexts any of the keys has made.

    Raises
    ------
    OSError
        If a registry cannot be read or written.
    CipherError
        If any of the keys has made another ciphertext and `allow_reuse` is false.
    """
    tag = metadata["tag"]
    parts = [key_identifier(one[None]) for one in keys]
    beside = Path(key).resolve().parent / BESIDE_KEY
    registries = [beside] if registry is None else [Path(registry), beside]
    others = {path: uses(path, parts) - {tag} for path in registries}
    if allow_reuse or not any(others.values()):
        # Again, as another process may have come in between.
        for path in registries:
            others[path] |= claim(path, parts, tag, allow_reuse=allow_reuse)
            if others[path] and not allow_reuse:
                break
    found = [path for path, tags in others.items() if tags]
    if found and not allow_reuse:
        raise CipherError(
            f"{key}: this key, or a part of it, has already encrypted another image (recorded in "
            f"{found[0]}). Make a key from other seed images, or see --allow-key-reuse"
        )
    return len(set().union(*others.values()))


def check_output(
    path: str | os.PathLike,
    suffixes: tuple[str, ...],
    overwrite: bool,
    inputs: Iterable[str | os.PathLike] = (),
) -> None:
    """Refuse a name that an output cannot or should not be written to.

    Parameters
    ----------
    path : path-like
        The name.
    suffixes : tuple of str
        The endings that it may have, such as ``(".png",)``.
    overwrite : bool
        Whether an existing file may be replaced.
    inputs : iterable of path-like
        Files that the output is made from, and must not replace.

    Raises
    ------
    CipherError
        If the name has another ending, its folder does not exist or is read-only, or it exists
        and is a folder, one of the inputs, read-only, or not to be replaced.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        reason = f". {_OUT_OF_JPEG}" if path.suffix.lower() in (".jpg", ".jpeg") else ""
        raise CipherError(f"{path}: the output must end in {' or '.join(suffixes)}{reason}")
    if not path.parent.is_dir():
        raise CipherError(f"{path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise CipherError(f"{path}: the folder {path.parent} is read-only")
    if path.is_dir():
        raise CipherError(f"{path}: is a folder, not a file to write to")
    if not path.exists():
        return
    for other in map(Path, inputs):
        if other.exists() and path.samefile(other):
            raise CipherError(f"{path}: the output would replace the input")
    if not overwrite:
        raise CipherError(f"{path}: exists already and is not replaced unless asked to (--force)")
    if not os.access(path, os.W_OK):
        raise CipherError(f"{path}: exists and is read-only")


def _check_image(image: np.ndarray) -> None:
    if image.ndim == 3 and image.shape[2] in (2, 4):
        raise CipherError(
            f"the image has {image.shape[2]} channels; only gray and RGB images can be encrypted: "
            "remove the transparency or convert CMYK to RGB first"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
        raise CipherError(f"expected a gray or RGB image, (H, W) or (H, W, 3), not {image.shape}")
    if image.dtype not in (np.uint8, np.uint16):
        raise CipherError(f"expected samples of uint8 or uint16, not {image.dtype}")
    if max(image.shape[:2]) > PNG_SIDE:
        raise CipherError(f"a PNG file has at most {PNG_SIDE:,} pixels a side, not {image.shape}")
    if image.nbytes > MAX_BYTES:
        raise CipherError(f"an image has at most {MAX_BYTES:,} bytes, not {image.nbytes:,}")


def _check_keys(keys: np.ndarray) -> None:
    if keys.dtype != np.uint8 or keys.shape[1:] != KEY_SHAPE or len(keys) == 0:
        raise CipherError(
            f"keys must be uint8 of shape (n, 256, 256, 3), not {keys.dtype} of shape {keys.shape}"
        )
    if len(keys) > MAX_KEYS:
        raise CipherError(f"a key file holds at most {MAX_KEYS:,} keys, not {len(keys):,}")
    first: dict[bytes, int] = {}
    for number, key in enumerate(keys, start=1):
        earlier = first.setdefault(hashlib.sha256(np.ascontiguousarray(key)).digest(), number)
        if earlier != number:
            raise CipherError(
                f"keys {earlier} and {number} are the same: a key must never be repeated"
            )


def _key_samples(keys: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Lay the key bytes out as samples of the image's shape and type."""
    needed = keys_needed(image)
    _check_keys(keys)
    if len(keys) < needed:
        missing = needed - len(keys)
        raise CipherError(
            f"an image of shape {image.shape} and type {image.dtype} needs {needed} keys, and "
            f"there are {len(keys)}: make the key from {missing} more "
            f"seed image{'s'[: missing > 1]}"
        )
    samples = np.ascontiguousarray(keys).ravel().view(image.dtype.newbyteorder(">"))
    return samples[: image.size].reshape(image.shape).astype(image.dtype, copy=False)


def _canonical(metadata: dict[str, Any]) -> bytes:
    """Serialise metadata in the only form that is accepted: ASCII, sorted, without spaces."""
    return json.dumps(metadata, sort_keys=True, separators=(",", ":")).encode("ascii")


def _tag(ciphertext: np.ndarray, metadata: dict[str, Any], keys: np.ndarray) -> str:
    material = np.ascontiguousarray(keys)
    mac_key = HKDF(hashes.SHA256(), length=32, salt=None, info=_TAG_LABEL).derive(material.data)
    # The serialised metadata holds no zero byte, so the end of it is unambiguous.
    mac = hmac.new(mac_key, _canonical(metadata) + b"\0", "sha256")
    mac.update(np.ascontiguousarray(ciphertext, ciphertext.dtype.newbyteorder(">")))
    return mac.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return limits.read(path)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error


def _format_name(path: Path, data: bytes) -> str | None:
    if not data:
        raise CipherError(f"{path}: the file is empty")
    if data.startswith(_PNG_SIGNATURE):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    return None


def _decode_png(data: bytes) -> np.ndarray:
    limits.check_png(data)
    return imagecodecs.png_decode(data)


def _decode_jpeg(data: bytes) -> np.ndarray:
    limits.check_jpeg(data)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        limits.check_pillow(image)
        return np.array(image)


def _decode_tiff(data: bytes) -> np.ndarray:
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        if len(tiff.pages) != 1:
            raise CipherError(f"it has {len(tiff.pages)} pages; save the one to encrypt on its own")
        page = tiff.pages[0]
        limits.check_tiff(page)
        limits.check_compression(page)
        # Inverted or indexed samples would come back exactly, but look like another image.
        if page.photometric.name not in ("MINISBLACK", "RGB"):
            raise CipherError(f"its samples are {page.photometric.name}; convert to gray or RGB")
        image = page.asarray()
        if page.axes == "SYX":
            image = np.moveaxis(image, 0, -1)
        return np.ascontiguousarray(image, image.dtype.newbyteorder("="))


# Pillow keeps only the high byte of 16-bit RGB in PNG, hence imagecodecs for PNG, here and for
# writing. It reads and writes pixels only: the metadata's chunk is put in and read out below.
_DECODERS = {"PNG": _decode_png, "JPEG": _decode_jpeg, "TIFF": _decode_tiff}


def _encode_noise(pixels: np.ndarray, metadata: dict[str, Any]) -> bytes:
    """Encode pixels as PNG with metadata in a tEXt chunk, without trying to compress them."""
    none = imagecodecs.PNG.FILTER.NONE
    data = imagecodecs.png_encode(pixels, level=0, filter=none)
    body = b"tEXt" + _PNG_KEYWORD + _canonical(metadata)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end_of_header = len(_PNG_SIGNATURE) + 25  # IHDR is always first and 25 bytes long.
    return data[:end_of_header] + chunk + data[end_of_header:]


def _read_own(path: Path, wanted: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Read a key or ciphertext file: its pixels and metadata."""
    data = _read(path)
    name = _format_name(path, data)
    if name == "JPEG":
        raise CipherError(f"{path}: is a JPEG file, not a {wanted}. {_OUT_OF_JPEG}")
    if name != "PNG":
        raise CipherError(
            f"{path}: not a {wanted}: a {wanted} is a PNG file, this starts with {data[:8]!r}"
        )
    try:
        chunks = limits.check_png(data)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error
    appended = len(data) - len(_PNG_SIGNATURE) - sum(12 + len(body) for _, body in chunks)
    if appended:
        raise CipherError(f"{path}: {appended} bytes were appended to it")
    texts = [
        body.removeprefix(_PNG_KEYWORD)
        for name, body in chunks
        if name == b"tEXt" and body.startswith(_PNG_KEYWORD)
    ]
    if not texts:
        raise CipherError(
            f"{path}: not a {wanted} of dkg, or one that another program has saved again: it "
            "carries no dkg metadata"
        )
    try:
        metadata = json.loads(texts[0])
        if len(texts) > 1 or not isinstance(metadata, dict) or _canonical(metadata) != texts[0]:
            raise ValueError("not as this package writes it")
    except (ValueError, RecursionError) as error:
        raise CipherError(f"{path}: the metadata was changed: {error}") from error
    if metadata.get("format") != f"dkg {wanted}":
        raise CipherError(f"{path}: is a {metadata.get('format')!r} file, not a {wanted}")
    if metadata.get("version") != FORMAT_VERSION:
        raise CipherError(
            f"{path}: has format version {metadata.get('version')!r}, this program reads "
            f"{FORMAT_VERSION}"
        )
    try:
        return imagecodecs.png_decode(data), metadata
    except MemoryError:
        raise
    except Exception as error:  # Whole, but not a valid image: the decoder has several exceptions.
        raise CipherError(f"{path}: damaged: {error}") from error
