"""DICOM images encrypted as DICOM images, and brought back byte for byte.

The samples become noise by the paper's cipher, ciphertext = image XOR key (section IV), in a DICOM
image that any viewer opens. What the noise cannot give back travels inside the same image, in the
place that the standard has for it: the Encrypted Attributes Sequence (0400,0500). That is the
original file with zeros in place of its samples. Where the samples were compressed, the compressed
ones stay in it, since no encoder would make the same bytes again: every image that can be decoded
comes back byte for byte, and a compressed one has grown by the noise.

``docs/formats.md`` describes the encrypted image and says what the guarantees are worth.

References
----------
DICOM PS3.3 C.7.6.3 (Image Pixel Module) and C.12.1.1.4 (Encrypted Attributes Sequence), PS3.5
section 8 (pixel data) and B.2 (UIDs), PS3.15 E (Attribute Confidentiality Profiles); RFC 5652
(Cryptographic Message Syntax, CMS), RFC 3565 (AES in CMS), RFC 5869 (HKDF).
"""

from dkg.dicom.agreement import expected_attributes, sop_instance_uid
from dkg.dicom.attributes import withdrawn_attributes
from dkg.dicom.confidentiality import PROFILE_EDITION, identifying_attributes
from dkg.dicom.encryption import (
    ATTRIBUTES,
    decrypt_dataset,
    encrypt_dataset,
    is_encrypted,
    key_identifier,
)
from dkg.dicom.files import decrypt_content, decrypt_file, encrypt_content, encrypt_file
from dkg.dicom.parsing import equal_bytes, read
from dkg.dicom.pixel_data import keys_needed

__all__ = [
    "ATTRIBUTES",
    "PROFILE_EDITION",
    "decrypt_content",
    "decrypt_dataset",
    "decrypt_file",
    "encrypt_content",
    "encrypt_dataset",
    "encrypt_file",
    "equal_bytes",
    "expected_attributes",
    "identifying_attributes",
    "is_encrypted",
    "key_identifier",
    "keys_needed",
    "read",
    "sop_instance_uid",
    "withdrawn_attributes",
]
