"""The Encrypted Attributes Sequence: the original file sealed in a CMS message, and its keys."""

import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pydicom
from asn1crypto import cms, core
from cryptography.hazmat.primitives import keywrap, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dkg.cipher import CipherError
from dkg.data import dicom_files
from dkg.dicom.parsing import Buffer, large_element, pieces
from dkg.dicom.pixel_data import PIXEL_DATA, Layout
from dkg.encryption.authenticated import derive
from dkg.storage import limits

# The private element of the encrypted content that holds the file.
_PRIVATE_GROUP, _PRIVATE_CREATOR, _FILE = 0x0401, "DKG CIPHERTEXT 1", 0x01

ENCRYPTED_CONTENT = 0x04000520
"""Tag of the Encrypted Content element."""

# The types of the unprotected attributes: the SHA-256 of the noise, and the authentication tag.
_DIGEST_TYPE = "2.25.200102820894542320092766284716045603915"
_TAG_TYPE = "2.25.40902581556227418574057455210244158314"


# An element SQ with an item, whose lengths and tags are filled in.
_CONTENT_START = bytes(20)

# AES-CBC is computed in pieces of whole blocks.
_PIECE = 2**20


class Envelope(NamedTuple):
    """A CMS message (RFC 5652): the recipient, the encrypted content, and the tag over both.

    The SHA-256 of the noise is None in version 1, whose tag covers the noise itself. The
    ciphertext, which may be as large as the image, is kept apart from the rest.
    """

    recipient: cms.KEKRecipientInfo
    algorithm: cms.EncryptionAlgorithm
    ciphertext: Buffer
    key_identifier: str
    noise_digest: bytes | None = None
    tag: bytes = b""

    def encode(self) -> tuple[bytes, bytes]:
        """Return what stands before and after the ciphertext in the message in DER.

        A last byte makes the length of the message even.
        """
        attributes = {_TAG_TYPE: self.tag}
        if self.noise_digest is not None:
            attributes[_DIGEST_TYPE] = self.noise_digest
        # DER says each length before the content, so the frame is built from the inside.
        size = len(self.ciphertext)
        inner = _encrypted_contents(self.algorithm, size)
        encrypted = _header(0x30, len(inner) + size) + inner
        start = cms.CMSVersion("v2").dump()
        start += cms.RecipientInfos([cms.RecipientInfo("kekri", self.recipient)]).dump()
        values = [
            {"type": name, "values": [core.OctetString(value)]}
            for name, value in attributes.items()
        ]
        end = cms.CMSAttributes(values, implicit=1).dump()
        start += encrypted
        start = _header(0x30, len(start) + size + len(end)) + start
        start = _header(0xA0, len(start) + size + len(end)) + start
        start = cms.ContentType("enveloped_data").dump() + start
        start = _header(0x30, len(start) + size + len(end)) + start
        return start, end + bytes((len(start) + size + len(end)) % 2)

    def authenticate(self, tag_key: bytes, layout: Layout, noise: Buffer) -> bytes:
        """Return the tag that this message must have: HMAC-SHA-256.

        The noise is covered by its SHA-256, which is `noise_digest`, and in version 1 as it is.
        """
        mac = hmac.new(tag_key, struct.pack(">8Q", *layout), "sha256")
        before = _encrypted_contents(self.algorithm, len(self.ciphertext))
        for data in ((self.recipient.contents,), (before, self.ciphertext), (noise,)):
            mac.update(struct.pack(">Q", sum(map(len, data))))
            for part in data:
                mac.update(part)
        return mac.digest()

    def fits(self, tag_key: bytes, layout: Layout, noise: Buffer) -> bool:
        """Tell whether the tag is that of this message, the layout and the noise."""
        return hmac.compare_digest(self.tag, self.authenticate(tag_key, layout, noise))


@dataclass(frozen=True, repr=False)
class DerivedKeys:
    """Keys of 32 bytes each that HKDF makes from all image keys and the tag secret."""

    wrapping: bytes
    content: bytes
    tag: bytes
    uid: bytes


def derive_keys(keys: NDArray[np.uint8], secret: bytes | None = None) -> DerivedKeys:
    """Derive the four keys from image keys, uint8 (n, 256, 256, 3), and a tag secret."""
    derived = derive(keys, secret, "dkg DICOM", 128)
    return DerivedKeys(*(derived[start : start + 32] for start in range(0, 128, 32)))


def encode_content(original: Dataset, image: Dataset, file: Iterable[Buffer]) -> bytearray:
    """Encode an Encrypted Attributes Data Set (PS3.3 C.12.1.1.4): changed attributes, and the file.

    Other programs can bring back the attributes with it. This one needs only the file, which is
    compressed in a private element. It is given in pieces.
    """
    item = Dataset()
    for element in original:
        unchanged = element.tag in image and image[element.tag] == element
        if element.keyword == "SpecificCharacterSet" or not (
            unchanged or element.tag == PIXEL_DATA or element.tag.element == 0
        ):
            item.add(element)
    block = item.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
    item.add(large_element(block.get_tag(_FILE), "OB", memoryview(b"")))
    (item_start, _, item_end) = pieces(item)
    # Compressed in its place, as it may be as large as the image.
    content = bytearray(_CONTENT_START) + item_start
    compressor, start = zlib.compressobj(), len(content)
    for piece in file:
        content += compressor.compress(piece)
    content += compressor.flush()
    content += bytes(len(content) % 2)
    struct.pack_into("<I", content, start - 4, len(content) - start)
    content += item_end
    length = len(content) - len(_CONTENT_START)
    sequence = pydicom.tag.Tag("ModifiedAttributesSequence")
    struct.pack_into("<HH2s2xI", content, 0, sequence.group, sequence.element, b"SQ", length + 8)
    struct.pack_into("<HHI", content, 12, 0xFFFE, 0xE000, length)
    return content


def seal(
    content: bytearray,
    identifier: str,
    derived: DerivedKeys,
    noise: NDArray[Any],
    layout: Layout,
    version: int,
) -> tuple[memoryview, bytes]:
    """Encrypt and authenticate content as CMS enveloped data, in place; return message and tag."""
    # Key and vector are made from the content, so that no other content has the same.
    macs = [hmac.new(derived.content, label, "sha256") for label in (b"key", b"vector")]
    for mac in macs:
        mac.update(content)
    secret, vector = macs[0].digest(), macs[1].digest()[:16]
    content += bytes([16 - len(content) % 16]) * (16 - len(content) % 16)  # PKCS #7.
    encryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).encryptor()
    for start in range(0, len(content), _PIECE):
        piece = slice(start, start + _PIECE)
        content[piece] = encryptor.update(content[piece])
    # The recipient has the key that the content's key is wrapped with.
    recipient = {
        "version": "v4",
        "kekid": {"key_identifier": bytes.fromhex(identifier)},
        "key_encryption_algorithm": {"algorithm": "aes256_wrap"},
        "encrypted_key": keywrap.aes_key_wrap(derived.wrapping, secret),
    }
    algorithm = {"algorithm": "aes256_cbc", "parameters": vector}
    digest = None if version == 1 else hashlib.sha256(noise.data).digest()
    envelope = Envelope(
        cms.KEKRecipientInfo(recipient),
        cms.EncryptionAlgorithm(algorithm),
        content,
        identifier,
        digest,
    )
    covered = noise.data.cast("B") if digest is None else digest
    envelope = envelope._replace(tag=envelope.authenticate(derived.tag, layout, covered))
    start_of_message, end_of_message = envelope.encode()
    content[:0] = start_of_message
    content += end_of_message
    return memoryview(content), envelope.tag


def read_envelope(dataset: Dataset) -> Envelope:
    """Read the CMS message of an encrypted image, without a key.

    Raises
    ------
    CipherError
        If the data set holds no message of this package.
    """
    try:
        message = memoryview(dataset.EncryptedAttributesSequence[0].EncryptedContent)
        at = _inside(message, 0, 0x30)[0]  # ContentInfo
        at = _inside(message, at, 0x06)[1]  # its type
        at = _inside(message, at, 0xA0)[0]  # its content
        at = _inside(message, at, 0x30)[0]  # EnvelopedData
        at = _inside(message, at, 0x02)[1]  # its version
        start, at = at, _inside(message, at, 0x31)[1]
        recipient = cms.RecipientInfos.load(bytes(message[start:at]))[0].chosen
        at, end = _inside(message, at, 0x30)  # EncryptedContentInfo
        at = _inside(message, at, 0x06)[1]  # its type
        start, at = at, _inside(message, at, 0x30)[1]
        algorithm = cms.EncryptionAlgorithm.load(bytes(message[start:at]))
        at, last = _inside(message, at, 0x80)  # its content
        start, end = end, _inside(message, end, 0xA1)[1]
        loaded = cms.CMSAttributes.load(bytes(message[start:end]), implicit=1)
        attributes = {
            attribute["type"].dotted: attribute["values"][0].parse(core.OctetString).native
            for attribute in loaded
        }
        envelope = Envelope(
            recipient,
            algorithm,
            message[at:last],
            recipient["kekid"]["key_identifier"].native.hex(),
            attributes.get(_DIGEST_TYPE),
            attributes[_TAG_TYPE],
        )
        if envelope.encode() != (bytes(message[:at]), bytes(message[last:])):
            raise ValueError("a message of another program, or a changed one")
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CipherError(
            "not an image that dkg encrypted, or one that lost its Encrypted Attributes Sequence "
            "(0400,0500)"
        ) from error
    return envelope


def open_envelope(envelope: Envelope, derived: DerivedKeys) -> Iterator[bytes]:
    """Decrypt an authentic message, and return the file in it, piece by piece."""
    secret = keywrap.aes_key_unwrap(derived.wrapping, envelope.recipient["encrypted_key"].native)
    vector = envelope.algorithm["parameters"].native
    return _file_in(_decrypted(envelope.ciphertext, secret, vector))


def _decrypted(ciphertext: Buffer, secret: bytes, vector: bytes) -> Iterator[bytes]:
    decryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    for start in range(0, len(ciphertext), _PIECE):
        yield unpadder.update(decryptor.update(ciphertext[start : start + _PIECE]))
    yield unpadder.update(decryptor.finalize()) + unpadder.finalize()


def _file_in(content: Iterator[bytes]) -> Iterator[bytes]:
    """Find the compressed file in a content that comes in pieces, and decompress it."""

    def compressed(start: memoryview, length: int) -> Iterator[bytes | memoryview]:
        yield start[:length]
        length -= len(start)
        for piece in content:
            yield piece[: max(length, 0)]
            length -= len(piece)

    try:
        head, place, looked = bytearray(), None, 0
        for piece in content:
            head += piece
            # Elements before it may be large. So that they are not read too often:
            if place is None and len(head) >= 2 * looked:
                looked = len(head)
                item = memoryview(head)[len(_CONTENT_START) :]
                place = dicom_files.find_private(item, _PRIVATE_GROUP, _PRIVATE_CREATOR, _FILE)
                if place is not None:
                    break
                del item
        if place is None:
            raise ValueError("the original file is not in it")
        # What follows the compressed data is a byte that makes the length even.
        first = compressed(item[place.start :], place.stop - place.start)
        yield from limits.inflated(first, zlib.MAX_WBITS, "the original file in it")
    except (AttributeError, LookupError, ValueError) as error:
        raise CipherError(f"its encrypted part cannot be used: {error}") from error


def _encrypted_contents(algorithm: cms.EncryptionAlgorithm, length: int) -> bytes:
    """Return what stands in an EncryptedContentInfo before a ciphertext of some length."""
    start: bytes = cms.ContentType("data").dump() + algorithm.dump()
    return start + _header(0x80, length)


def _header(tag: int, length: int) -> bytes:
    """Return the first bytes of an element in DER (X.690, 8.1)."""
    if length < 128:
        return bytes([tag, length])
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 128 | len(octets)]) + octets


def _inside(message: memoryview, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of an element in DER begins and ends."""
    first = message[at + 1]
    start = at + 2 + (first & 127 if first > 127 else 0)
    length = int.from_bytes(message[at + 2 : start]) if first > 127 else first
    if message[at] != tag or start + length > len(message):
        raise ValueError(f"expected an element of type {tag:#x}")
    return start, start + length
