"""The modality of Fig. 1: it takes images, and sends them to the archive encrypted only.

An image waits in the outbox, a folder, from the moment it is taken until the archive has confirmed
it. In this order, so that nothing is lost and nothing leaves in plain:

1. The image is written to the outbox.
2. The key server makes its key, and stores it before it answers. Without a key nothing is sent.
3. The image is encrypted and sent. The archive confirms it when it has stored it.
4. The image is removed from the outbox.

Whatever fails, the image is still in the outbox, and may be delivered again: the server gives the
same image the same key, which makes the same encrypted image under the same identifier, and of
that the archive keeps one. A key whose image never arrives is the only thing left over.
"""

import copy
import datetime
import hashlib
import io
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
from filelock import FileLock
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from dkg import dicom
from dkg.hospital.connections import HospitalError
from dkg.hospital.key_server import KeyClient
from dkg.hospital.pacs import PacsClient
from dkg.storage.files import atomic


@dataclass(frozen=True)
class Delivery:
    """An image that the archive has confirmed.

    Attributes
    ----------
    sop_instance_uid : str
        The identifier of the encrypted image in the archive.
    key_identifier : str
        The identifier of its key.
    seconds : dict of str to float
        The times of ``"key"``, ``"encrypt"`` and ``"store"``.
    """

    sop_instance_uid: str
    key_identifier: str
    seconds: dict[str, float]


class Modality:
    """Takes images and delivers them.

    Parameters
    ----------
    outbox : path-like
        Folder of the images that wait, in plain.
    keys, pacs : KeyClient, PacsClient
        Where keys come from, and where encrypted images go.
    attributes : {'keep', 'basic-profile'}
        What becomes of the patient's attributes, as in `dkg.dicom.encrypt_dataset`.
    """

    def __init__(
        self,
        outbox: str | os.PathLike[str],
        keys: KeyClient,
        pacs: PacsClient,
        *,
        attributes: Literal["keep", "basic-profile"] = "keep",
    ):
        self._outbox = Path(outbox)
        self._outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(self._outbox / ".lock")
        self._keys, self._pacs, self._attributes = keys, pacs, attributes

    def take(self, image: pydicom.Dataset) -> str:
        """Put an image into the outbox; its name there, the SOP Instance UID, is returned.

        Raises
        ------
        CipherError
            If it cannot be encrypted.
        HospitalError
            If its SOP Instance UID is missing or not valid, or another image of this identifier
            waits in the outbox.
        """
        dicom.keys_needed(image)
        uid = UID(image.get("SOPInstanceUID", ""))
        if not uid.is_valid:  # It becomes the name of a file.
            raise HospitalError(f"the SOP Instance UID {str(uid)!r} is not valid")
        written = copy.copy(image)
        written.file_meta = copy.deepcopy(image.file_meta)  # Writing completes it.
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, written, enforce_file_format=True)
        path = self._outbox / f"{uid}.dcm"
        with self._lock:
            if path.exists() and path.read_bytes() != buffer.getvalue():
                raise HospitalError(
                    f"{path}: another image with this SOP Instance UID waits to be delivered"
                )
            with atomic(path) as temporary:
                temporary.write_bytes(buffer.getvalue())
        return str(uid)

    def waiting(self) -> list[str]:
        """Return the names of the images in the outbox, the oldest first."""
        paths = sorted(self._outbox.glob("*.dcm"), key=lambda path: path.stat().st_mtime_ns)
        return [path.stem for path in paths]

    def deliver(self, uid: str) -> Delivery:
        """Encrypt an image, by its name in the outbox, and send it to the archive.

        It is out of the outbox when this returns. If anything fails it stays there, and nothing of
        it has been sent in plain.

        Raises
        ------
        CipherError
            If the image cannot be encrypted.
        """
        path = self._outbox / f"{uid}.dcm"
        with self._lock:
            content = path.read_bytes()
            image = pydicom.dcmread(io.BytesIO(content))
            times = [time.perf_counter()]
            name = hashlib.sha256(content).hexdigest()
            keys = self._keys.make(name, dicom.keys_needed(image))
            times.append(time.perf_counter())
            encrypted = dicom.encrypt_dataset(image, keys, attributes=self._attributes)
            times.append(time.perf_counter())
            self._pacs.store(encrypted)
            times.append(time.perf_counter())
            path.unlink()
        seconds = dict(zip(("key", "encrypt", "store"), map(float, np.diff(times)), strict=True))
        return Delivery(str(encrypted.SOPInstanceUID), dicom.key_identifier(encrypted), seconds)


def new_image(
    pixels: np.ndarray,
    *,
    patient_name: str,
    patient_id: str,
    bits_stored: int | None = None,
    description: str = "",
) -> pydicom.Dataset:
    """Make a DICOM image of pixels, as a modality makes one of what it measured.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (height, width) or (height, width, 3)
        The samples.
    patient_name, patient_id : str
        The patient; a name as ``Family^Given``.
    bits_stored : int, optional
        How many of the bits are used; default all of them.
    description : str
        What was taken, the study description.

    Returns
    -------
    pydicom.Dataset
        A secondary capture image, in a study of its own.

    Raises
    ------
    ValueError
        If pixels do not fit `bits_stored`, or have another type or shape.
    """
    color = pixels.ndim == 3
    image = pydicom.Dataset()
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = SecondaryCaptureImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    now = datetime.datetime.now()
    image.StudyDate = image.ContentDate = now.strftime("%Y%m%d")
    image.StudyTime = image.ContentTime = now.strftime("%H%M%S")
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.ConversionType = "SYN"  # Made by a computer.
    image.Modality = "OT"
    image.StudyDescription = description
    image.PatientName, image.PatientID = patient_name, patient_id
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SeriesNumber = image.InstanceNumber = 1
    for keyword in (  # They must be there, and may be empty.
        *("AccessionNumber", "Manufacturer", "PatientBirthDate", "PatientSex"),
        *("ReferringPhysicianName", "StudyID"),
    ):
        setattr(image, keyword, "")
    image.set_pixel_data(
        pixels,
        "RGB" if color else "MONOCHROME2",
        bits_stored or 8 * pixels.itemsize,
        generate_instance_uid=False,
    )
    return image
