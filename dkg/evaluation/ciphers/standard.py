"""AES-256 in ECB, CTR and GCM mode, and ChaCha20-Poly1305, on the bytes of images.

A nonce and a tag stand in the rows after the encrypted image, as many as they fill, with zeros at
the end. The nonce is the number of the message under its key, as SP 800-38D (section 8.2.1) and
RFC 8439 (section 2.8) allow; `Session` counts. AES-ECB needs no nonce and steals ciphertext where
the last block is not full, so that its ciphertext has the image's shape.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from dkg.evaluation.ciphers.simple import flip_bit
from dkg.evaluation.protocol import Image

_BLOCK = 16
_NONCE = 12
_TAG = 16


@dataclass(eq=False)
class Session:
    """A secret key of 32 bytes, and the number of messages that were encrypted under it."""

    secret: bytes
    messages: int = 0

    def nonce(self) -> bytes:
        """Return the nonce of the next message, 12 bytes."""
        self.messages += 1
        return self.messages.to_bytes(_NONCE, "big")


class _WithNonce:
    """A cipher whose key is a `Session`."""

    key_bits = 256.0
    guess = "all 256 bits at once"

    def random_key(self, rng: np.random.Generator) -> Session:
        """Return a random key of 256 bits, under which nothing was encrypted yet."""
        return Session(rng.bytes(32))

    def change_key(self, key: Session, rng: np.random.Generator) -> Session:
        """Flip one random bit of the secret key; the number of messages stays."""
        return replace(key, secret=flip_bit(key.secret, rng))


class Aes256Ctr(_WithNonce):
    """AES-256 in counter mode (SP 800-38A) with a nonce for each message; not authenticated."""

    name = "aes-256-ctr"

    def encrypt(self, image: Image, key: Session) -> Image:
        """Encrypt the bytes of an image of any shape; the nonce follows."""
        nonce = key.nonce()
        return join(self._xor(image.tobytes(), key, nonce), nonce, image.shape)

    def decrypt(self, ciphertext: Image, key: Session) -> Image:
        """Decrypt with the nonce that follows the encrypted image."""
        data, nonce, shape = split(ciphertext, _NONCE)
        return _image(self._xor(data, key, nonce), shape)

    def _xor(self, data: bytes, key: Session, nonce: bytes) -> bytes:
        mode = modes.CTR(nonce + bytes(_BLOCK - _NONCE))
        return Cipher(algorithms.AES(key.secret), mode).encryptor().update(data)


class Aes256Gcm(_WithNonce):
    """AES-256 in Galois/counter mode (SP 800-38D); a changed ciphertext is refused."""

    name = "aes-256-gcm"
    _aead: type[AESGCM] | type[ChaCha20Poly1305] = AESGCM

    def encrypt(self, image: Image, key: Session) -> Image:
        """Encrypt the bytes of an image of any shape; the nonce and the tag follow."""
        nonce = key.nonce()
        sealed = self._aead(key.secret).encrypt(nonce, image.tobytes(), None)
        return join(sealed[:-_TAG], nonce + sealed[-_TAG:], image.shape)

    def decrypt(self, ciphertext: Image, key: Session) -> Image:
        """Decrypt, or raise `cryptography.exceptions.InvalidTag` if anything was changed."""
        data, extra, shape = split(ciphertext, _NONCE + _TAG)
        nonce, tag = extra[:_NONCE], extra[_NONCE:]
        return _image(self._aead(key.secret).decrypt(nonce, data + tag, None), shape)


class ChaCha20Poly1305Cipher(Aes256Gcm):
    """ChaCha20-Poly1305 (RFC 8439); a changed ciphertext is refused."""

    name = "chacha20-poly1305"
    _aead = ChaCha20Poly1305


class Aes256Ecb:
    """AES-256 in electronic codebook mode (SP 800-38A): equal blocks have equal ciphertexts.

    A block is 16 successive bytes, 5 and a third RGB pixels. An image must have at least 16 bytes.
    """

    name = "aes-256-ecb"
    key_bits = 256.0
    guess = "all 256 bits at once; equal blocks of the image show without the key"

    def encrypt(self, image: Image, key: bytes) -> Image:
        """Encrypt the blocks of an image of any shape, each on its own."""
        return _by_blocks(Cipher(algorithms.AES(key), modes.ECB()).encryptor(), image)

    def decrypt(self, ciphertext: Image, key: bytes) -> Image:
        """Decrypt the blocks of a ciphertext, each on its own."""
        return _by_blocks(Cipher(algorithms.AES(key), modes.ECB()).decryptor(), ciphertext)

    def random_key(self, rng: np.random.Generator) -> bytes:
        """Return 32 random bytes."""
        return rng.bytes(32)

    def change_key(self, key: bytes, rng: np.random.Generator) -> bytes:
        """Flip one random bit of a key."""
        return flip_bit(key, rng)


def join(data: bytes, extra: bytes, shape: tuple[int, ...]) -> Image:
    """Return an encrypted image of `shape` with `extra` bytes in the rows after it."""
    row = math.prod(shape[1:])
    rows = -(-len(extra) // row)
    result = np.frombuffer((data + extra).ljust((shape[0] + rows) * row, b"\0"), np.uint8)
    return result.reshape(shape[0] + rows, *shape[1:]).copy()


def split(ciphertext: Image, n_extra: int) -> tuple[bytes, bytes, tuple[int, ...]]:
    """Return the encrypted image, the `n_extra` bytes after it, and the image's shape."""
    row = math.prod(ciphertext.shape[1:])
    rows = len(ciphertext) - -(-n_extra // row)
    if rows < 1:
        raise ValueError(f"a ciphertext of shape {ciphertext.shape} has no room for an image")
    data = ciphertext.tobytes()
    return data[: rows * row], data[rows * row :][:n_extra], (rows, *ciphertext.shape[1:])


def _by_blocks(context: CipherContext, image: Image) -> Image:
    """Encrypt or decrypt whole blocks; a rest is filled up from the block before it (stealing)."""
    data = image.tobytes()
    if len(data) < _BLOCK:
        raise ValueError(f"AES-ECB needs an image of at least {_BLOCK} bytes, not {len(data)}")
    rest = len(data) % _BLOCK
    whole = len(data) - rest
    done = context.update(data[:whole])
    if rest:
        stolen = done[whole - _BLOCK :]
        last = context.update(data[whole:] + stolen[rest:])
        done = done[: whole - _BLOCK] + last + stolen[:rest]
    return _image(done, image.shape)


def _image(data: bytes, shape: tuple[int, ...]) -> Image:
    return np.frombuffer(data, np.uint8).reshape(shape).copy()
