"""Write the test vectors of the file formats: make_test_vectors.py FOLDER (docs/vectors).

All bytes follow from SHAKE-256 of a label, so that anybody can make the inputs again.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from dkg import dicom, encryption
from dkg.cipher import KEY_BYTES


def shake(label, n_bytes):
    """Return bytes that follow from a label."""
    return hashlib.shake_256(f"dkg test vector: {label}".encode()).digest(n_bytes)


def make_dicom_image():
    """Return a gray image of 8 bits, 6 rows and 8 columns."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Or pydicom puts its version there.
    image.file_meta.ImplementationClassUID = "1.2.3.4"
    image.file_meta.ImplementationVersionName = "VECTORS"
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3.4.5"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.1"
    image.PatientName, image.PatientID, image.Modality = "Muster^Eva", "4711", "OT"
    image.Rows, image.Columns, image.SamplesPerPixel = 6, 8, 1
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = shake("DICOM image", 48)
    return image


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
key = folder / "key.png"
encryption.write_key(
    key,
    np.frombuffer(shake("keys", KEY_BYTES), np.uint8).reshape(1, 256, 256, 3),
    weights_sha256=hashlib.sha256(b"").hexdigest(),
    weights_public=True,
    secret=shake("secret", 32),
    overwrite=True,
)
for name, shape, dtype in (("rgb8", (6, 8, 3), np.uint8), ("gray16", (5, 7), np.uint16)):
    samples = np.frombuffer(shake(name, 1000), dtype)[: np.prod(shape)].reshape(shape)
    plain, out = folder / f"{name}-plain.png", folder / f"{name}.png"
    encryption.write_samples(plain, samples, overwrite=True)
    encryption.encrypt_file(plain, key, out, overwrite=True, allow_key_reuse=True)
plain = folder / "image-plain.dcm"
make_dicom_image().save_as(plain, enforce_file_format=True)
dicom.encrypt_file(plain, key, folder / "image.dcm", overwrite=True, allow_key_reuse=True)
(folder / "used-keys.sqlite").unlink()
