"""The Encrypted Attributes Sequence: the original file sealed in a CMS message, and its keys."""

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from asn1crypto import cms, core
from cryptography.hazmat.primitives import keywrap, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dkg.cipher import CipherError
from dkg.data import dicom_files
from dkg.dicom.parsing import serialize
from dkg.dicom.pixel_data import PIXEL_DATA, Layout
from dkg.encryption.authenticated import derive
from dkg.storage import limits

# The private element of the encrypted content that holds the file.
_PRIVATE_GROUP, _PRIVATE_CREATOR, _FILE = 0x0401, "DKG CIPHERTEXT 1", 0x01

# The types of the unprotected attributes: the SHA-256 of the noise, and the authentication tag.
_DIGEST_TYPE = "2.25.200102820894542320092766284716045603915"
_TAG_TYPE = "2.25.40902581556227418574057455210244158314"


class Envelope(NamedTuple):
    """A CMS message (RFC 5652): the recipient, the encrypted content, and the tag over both.

    The SHA-256 of the noise is None in version 1, whose tag covers the noise itself.
    """

    recipient: cms.KEKRecipientInfo
    encrypted: cms.EncryptedContentInfo
    key_identifier: str
    noise_digest: bytes | None = None
    tag: bytes = b""

    def encode(self) -> bytes:
        """Return the message in DER, with a last byte that makes its length even."""
        attributes = {_TAG_TYPE: self.tag}
        if self.noise_digest is not None:
            attributes[_DIGEST_TYPE] = self.noise_digest
        enveloped = {
            "version": "v2",
            "recipient_infos": [cms.RecipientInfo("kekri", self.recipient)],
            "encrypted_content_info": self.encrypted,
            "unprotected_attrs": [
                {"type": name, "values": [core.OctetString(value)]}
                for name, value in attributes.items()
            ],
        }
        message = cms.ContentInfo({"content_type": "enveloped_data", "content": enveloped})
        return even(message.dump())

    def authenticate(self, tag_key: bytes, layout: Layout, noise: bytes) -> bytes:
        """Return the tag that this message must have: HMAC-SHA-256.

        The noise is covered by its SHA-256, which is `noise_digest`, and in version 1 as it is.
        """
        mac = hmac.new(tag_key, struct.pack(">8Q", *layout), "sha256")
        for data in (self.recipient.contents, self.encrypted.contents, noise):
            mac.update(struct.pack(">Q", len(data)))
            mac.update(data)
        return mac.digest()

    def fits(self, tag_key: bytes, layout: Layout, noise: bytes) -> bool:
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


def encode_content(original: Dataset, image: Dataset, file: bytes | bytearray) -> bytes:
    """Encode an Encrypted Attributes Data Set (PS3.3 C.12.1.1.4): changed attributes, and the file.

    Other programs can bring back the attributes with it. This one needs only the file, which is in
    a private element.
    """
    item = Dataset()
    for element in original:
        unchanged = element.tag in image and image[element.tag] == element
        if element.keyword == "SpecificCharacterSet" or not (
            unchanged or element.tag == PIXEL_DATA or element.tag.element == 0
        ):
            item.add(element)
    block = item.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
    block.add_new(_FILE, "OB", even(zlib.compress(file)))
    content = Dataset()
    content.ModifiedAttributesSequence = [item]
    return serialize(content, implicit_vr=False, little_endian=True)


def even(data: bytes) -> bytes:
    """Append a zero byte to data of odd length, as DICOM asks for."""
    return data + bytes(len(data) % 2)


def seal(
    content: bytes,
    identifier: str,
    derived: DerivedKeys,
    noise: NDArray[Any],
    layout: Layout,
    version: int,
) -> tuple[bytes, bytes]:
    """Encrypt and authenticate content as CMS enveloped data; return the message and its tag."""
    # Key and vector are made from the content, so that no other content has the same.
    secret = hmac.digest(derived.content, b"key" + content, "sha256")
    vector = hmac.digest(derived.content, b"vector" + content, "sha256")[:16]
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).encryptor()
    ciphertext = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    # The recipient has the key that the content's key is wrapped with.
    recipient = {
        "version": "v4",
        "kekid": {"key_identifier": bytes.fromhex(identifier)},
        "key_encryption_algorithm": {"algorithm": "aes256_wrap"},
        "encrypted_key": keywrap.aes_key_wrap(derived.wrapping, secret),
    }
    encrypted = {
        "content_type": "data",
        "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": vector},
        "encrypted_content": ciphertext,
    }
    digest = None if version == 1 else hashlib.sha256(noise.data).digest()
    envelope = Envelope(
        cms.KEKRecipientInfo(recipient), cms.EncryptedContentInfo(encrypted), identifier, digest
    )
    covered = noise.tobytes() if digest is None else digest
    envelope = envelope._replace(tag=envelope.authenticate(derived.tag, layout, covered))
    return envelope.encode(), envelope.tag


def read_envelope(dataset: Dataset) -> Envelope:
    """Read the CMS message of an encrypted image, without a key.

    Raises
    ------
    CipherError
        If the data set holds no message of this package.
    """
    try:
        message = dataset.EncryptedAttributesSequence[0].EncryptedContent
        enveloped = cms.ContentInfo.load(message)["content"]
        recipient = enveloped["recipient_infos"][0].chosen
        identifier = recipient["kekid"]["key_identifier"].native.hex()
        attributes = {
            attribute["type"].dotted: attribute["values"][0].parse(core.OctetString).native
            for attribute in enveloped["unprotected_attrs"]
        }
        envelope = Envelope(
            recipient,
            enveloped["encrypted_content_info"],
            identifier,
            attributes.get(_DIGEST_TYPE),
            attributes[_TAG_TYPE],
        )
        if envelope.encode() != message:
            raise ValueError("a message of another program, or a changed one")
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CipherError(
            "not an image that dkg encrypted, or one that lost its Encrypted Attributes Sequence "
            "(0400,0500)"
        ) from error
    return envelope


def open_envelope(envelope: Envelope, derived: DerivedKeys) -> bytes:
    """Decrypt an authentic message, and return the file in it."""
    secret = keywrap.aes_key_unwrap(derived.wrapping, envelope.recipient["encrypted_key"].native)
    vector = envelope.encrypted["content_encryption_algorithm"]["parameters"].native
    decryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(envelope.encrypted["encrypted_content"].native)
    padded += decryptor.finalize()
    try:
        content = dicom_files.parse_content(unpadder.update(padded) + unpadder.finalize())
        item = content.ModifiedAttributesSequence[0]
        block = item.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR)
        # What follows the compressed data is a byte that makes the length even.
        return limits.inflate(block[_FILE].value, zlib.MAX_WBITS, "the original file in it")
    except (AttributeError, LookupError, ValueError) as error:
        raise CipherError(f"its encrypted part cannot be used: {error}") from error
