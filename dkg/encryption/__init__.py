"""Authenticated encryption of images of any size, and the files of keys and ciphertexts.

This is what the paper leaves out and a cipher for files needs: refusal of the wrong key and of
changed files, and a record of which key has been used. ``docs/formats.md`` describes the files byte
by byte and says what the guarantees are worth.

Arguments that name a file are path-like. Keys are a uint8 array of shape (n, 256, 256, 3), in the
order in which their bytes are used. Images are uint8 or uint16 arrays of shape (H, W) or (H, W, 3).
A function that writes a file replaces an existing one only if `overwrite` is set. Every function
raises OSError if a file cannot be read or written, and `dkg.cipher.CipherError` if an array has
another type or shape, the same key occurs twice, a file is damaged, changed or of another kind, or
an output's name is refused by `check_output`. ``Raises`` sections list only what is added to that.
"""

from dkg.encryption.arrays import (
    MAX_KEYS,
    PNG_SIDE,
    check_plain_image,
    key_identifier,
    keys_needed,
)
from dkg.encryption.authenticated import decrypt, encrypt
from dkg.encryption.ciphertext_files import check_secret, decrypt_file, encrypt_file, record_use
from dkg.encryption.key_files import ImageKey, read_key, tag_secret, write_key
from dkg.encryption.png_files import check_output, kind
from dkg.encryption.samples import read_samples, write_samples

__all__ = [
    "MAX_KEYS",
    "PNG_SIDE",
    "ImageKey",
    "check_output",
    "check_plain_image",
    "check_secret",
    "decrypt",
    "decrypt_file",
    "encrypt",
    "encrypt_file",
    "key_identifier",
    "keys_needed",
    "kind",
    "read_key",
    "read_samples",
    "record_use",
    "tag_secret",
    "write_key",
    "write_samples",
]
