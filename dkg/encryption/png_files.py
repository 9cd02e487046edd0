"""PNG files with metadata, as which keys and ciphertexts are stored, and checks of output names."""

import json
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from dkg.cipher import CipherError
from dkg.encryption.authenticated import FORMAT_VERSION, canonical
from dkg.storage import limits
from dkg.storage.formats import raster_format

_SIGNATURE_BYTES = 8
_HEADER_BYTES = 25  # IHDR is always the first chunk.
_KEYWORD = b"dkg\0"
_LOSSY = "JPEG is lossy: it changes the samples, and what was changed cannot be decrypted"


def kind(path: str | os.PathLike[str]) -> Literal["key", "ciphertext", "image"]:
    """Tell keys and ciphertexts by their metadata; a file without it is an image."""
    return kind_of(read(path))


def kind_of(data: bytes) -> Literal["key", "ciphertext", "image"]:
    """Tell what the bytes of a file are, as `kind` does."""
    if _KEYWORD in data and b'"format":"dkg key"' in data:
        return "key"
    if _KEYWORD in data and b'"format":"dkg ciphertext"' in data:
        return "ciphertext"
    return "image"


def read(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, or raise `CipherError` if it is too large."""
    try:
        return limits.read(path)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error


def check_output(
    path: str | os.PathLike[str],
    suffixes: tuple[str, ...],
    overwrite: bool,
    inputs: Iterable[str | os.PathLike[str]] = (),
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
        reason = f". {_LOSSY}" if path.suffix.lower() in (".jpg", ".jpeg") else ""
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
        raise CipherError(
            f"{path}: exists already and is not replaced unless asked to (overwrite=True)"
        )
    if not os.access(path, os.W_OK):
        raise CipherError(f"{path}: exists and is read-only")


def encode(pixels: NDArray[Any], **options: Any) -> memoryview:
    """Encode pixels as PNG; the options are those of `imagecodecs.png_encode`."""
    # By default imagecodecs leaves no room for the filter byte of each row. Incompressible data
    # grow by less than a thousandth; the rest is for headers.
    room = pixels.nbytes + len(pixels)
    # In an array the pages that are not written to take no memory.
    buffer = np.empty(room + room // 500 + 2**12, np.uint8)
    # It takes any buffer, whatever its types say.
    return memoryview(imagecodecs.png_encode(pixels, out=cast(bytearray, buffer), **options))


def encode_noise(pixels: NDArray[Any], metadata: dict[str, Any]) -> list[bytes | memoryview]:
    """Encode pixels as PNG with metadata in a tEXt chunk, without trying to compress them.

    Returned are parts to be written one after another.
    """
    # imagecodecs reads and writes pixels only, so the chunk is inserted here.
    data = encode(pixels, level=0, filter=imagecodecs.PNG.FILTER.NONE)
    body = b"tEXt" + _KEYWORD + canonical(metadata)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end_of_header = _SIGNATURE_BYTES + _HEADER_BYTES
    return [data[:end_of_header], chunk, data[end_of_header:]]


def read_noise(path: Path, wanted: str) -> tuple[NDArray[Any], dict[str, Any]]:
    """Read the pixels and metadata of a key or ciphertext file, `wanted`, or refuse it."""
    data = read(path)
    if not data:
        raise CipherError(f"{path}: the file is empty")
    name = raster_format(data)
    if name == "JPEG":
        raise CipherError(f"{path}: is a JPEG file, not a {wanted}. {_LOSSY}")
    if name != "PNG":
        raise CipherError(
            f"{path}: not a {wanted}: a {wanted} is a PNG file, this starts with {data[:8]!r}"
        )
    metadata = _read_metadata(path, data, wanted)
    if metadata.get("format") != f"dkg {wanted}":
        raise CipherError(f"{path}: is a {metadata.get('format')!r} file, not a {wanted}")
    version = metadata.get("version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise CipherError(
            f"{path}: has format version {version!r}, this program reads 1 to {FORMAT_VERSION}"
        )
    try:
        bare = limits.bare_png(data, limits.check_png(data))
        del data  # It is as large as the key or image.
        return imagecodecs.png_decode(bare), metadata
    except MemoryError:
        raise
    except Exception as error:  # Whole, but not a valid image: the decoder has several exceptions.
        raise CipherError(f"{path}: damaged: {error}") from error


def _read_metadata(path: Path, data: bytes, wanted: str) -> dict[str, Any]:
    """Return the metadata of a PNG file of which every part is whole."""
    try:
        chunks = limits.check_png(data)
    except ValueError as error:
        raise CipherError(f"{path}: {error}") from error
    appended = len(data) - _SIGNATURE_BYTES - sum(12 + len(body) for _, body in chunks)
    if appended:
        raise CipherError(f"{path}: {appended} bytes were appended to it")
    texts = [
        bytes(body[len(_KEYWORD) :])
        for name, body in chunks
        if name == b"tEXt" and body[: len(_KEYWORD)] == _KEYWORD
    ]
    if not texts:
        raise CipherError(
            f"{path}: not a {wanted} of dkg, or one that another program has saved again: it "
            "carries no dkg metadata"
        )
    try:
        metadata = json.loads(texts[0])
        if len(texts) > 1 or not isinstance(metadata, dict) or canonical(metadata) != texts[0]:
            raise ValueError("not as this package writes it")
    except (ValueError, RecursionError) as error:
        raise CipherError(f"{path}: the metadata was changed: {error}") from error
    return metadata
