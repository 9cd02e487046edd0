"""The modality of Fig. 1: it takes images, and sends them to the archive encrypted only.

An image waits in the outbox, a folder, from the moment it is taken until the archive has confirmed
it. In this order, so that nothing is lost and nothing leaves unencrypted:

1. The image is written to the outbox.
2. The key server makes its key, and stores it before it answers. Without a key nothing is sent.
3. The image is encrypted, and the encrypted image is written to the outbox as well.
4. The encrypted image is sent. The archive confirms it when it has stored it.
5. The image is removed from the outbox, and then the encrypted one.

Whatever fails, the image is still in the outbox, and may be delivered again. From step 3 on the
same bytes are sent again, and of those the archive keeps one; before that, the server gives the
same image the same key. A key whose image never arrives is the only thing left over.
"""

import copy
import datetime
import fcntl
import hashlib
import io
import logging
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from dkg import dicom
from dkg.dicom.parsing import parse
from dkg.hospital.connections import HospitalError
from dkg.hospital.key_client import KeyClient
from dkg.hospital.pacs_client import PacsClient
from dkg.storage.files import atomic, check_private, sweep, sync_folder

_logger = logging.getLogger(__name__)


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
        Folder of the images that wait, unencrypted; only its owner may read it. What a killed
        program left half-done in it is removed here, unless another program is using it.
    keys, pacs : KeyClient, PacsClient
        Where keys come from, and where encrypted images go.
    attributes : {'keep', 'basic-profile'}
        What becomes of the patient's attributes, as in `dkg.dicom.encrypt_dataset`.

    Raises
    ------
    PermissionError
        If other users may read the outbox.
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
        check_private(self._outbox)
        self._keys, self._pacs, self._attributes = keys, pacs, attributes
        # Locked as long as this object lives; a program that has the lock alone may sweep.
        in_use = os.open(self._outbox / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, in_use)
        with suppress(BlockingIOError):
            fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sweep()
        fcntl.flock(in_use, fcntl.LOCK_SH)

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
        uid = UID(str(image.get("SOPInstanceUID", "")))
        if not uid.is_valid:  # It becomes the name of a file.
            raise HospitalError(f"modality: the SOP Instance UID {str(uid)!r} is not valid")
        written = copy.copy(image)
        written.file_meta = copy.deepcopy(image.file_meta)  # Writing completes it.
        while not self._put(self._path(uid), written):
            pass  # Another image of this name was there, and has been delivered since.
        _logger.info("modality: took image %s", uid)
        return str(uid)

    def waiting(self) -> list[str]:
        """Return the names of the images in the outbox, the oldest first."""
        times = {}
        for path in self._outbox.glob("*.dcm"):
            with suppress(FileNotFoundError):  # Another program may have delivered it by now.
                times[path.stem] = path.stat().st_mtime_ns
        return sorted(times, key=lambda uid: times[uid])

    def deliver(self, uid: str) -> Delivery:
        """Encrypt an image, by its name in the outbox, and send it to the archive.

        It is out of the outbox when this returns. If anything fails it stays there, and nothing of
        it has been sent unencrypted.

        Raises
        ------
        CipherError
            If the image cannot be encrypted.
        FileNotFoundError
            If no image of this name waits in the outbox.
        """
        path = self._path(uid)
        with _locked(path) as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()
            # Named after the image and the profile, so that it is never sent for another one.
            prefix = f"{uid}.{name[:16]}.{self._attributes}"
            times = [time.perf_counter()]
            ready = self._encrypted(prefix)
            if ready is None:
                file.seek(0)
                ready = self._encrypt(prefix, name, file.read(), times)
            else:
                times.append(time.perf_counter())
            times.append(time.perf_counter())
            self._pacs.store(ready)
            times.append(time.perf_counter())
            encrypted = pydicom.dcmread(ready, stop_before_pixels=True)
            path.unlink()
            # Without the image, but with its encrypted form, the outbox shows that it was stored.
            sync_folder(self._outbox)
            for left in self._outbox.glob("*.encrypted"):
                if _uid_of(left) == uid:  # One UID may be the beginning of another.
                    left.unlink(missing_ok=True)
        delivered = str(encrypted.SOPInstanceUID)
        _logger.info("modality: the archive confirmed image %s as %s", uid, delivered)
        seconds = dict(zip(("key", "encrypt", "store"), map(float, np.diff(times)), strict=True))
        return Delivery(delivered, dicom.key_identifier(encrypted), seconds)

    def _path(self, uid: str) -> Path:
        return self._outbox / f"{uid}.dcm"

    def _encrypt(self, prefix: str, name: str, content: bytes, times: list[float]) -> Path:
        """Encrypt an image, and write the encrypted image to the outbox."""
        image = parse(content, view_pixels=True)
        key = self._keys.make(name, dicom.keys_needed(image), _about(image))
        times.append(time.perf_counter())
        pieces = dicom.encrypt_content(
            content, key.keys, secret=key.secret, attributes=self._attributes
        )
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        path = self._outbox / _ready_name(prefix, digest.hexdigest())
        with atomic(path, private=True) as temporary, temporary.open("wb") as file:
            file.writelines(pieces)
        return path

    def _put(self, path: Path, image: pydicom.Dataset) -> bool:
        """Write an image that is to wait, unless it waits already; false if to be tried again."""
        try:
            with atomic(path, overwrite=False, private=True) as temporary:
                pydicom.dcmwrite(temporary, image, enforce_file_format=True)
        except FileExistsError:
            try:
                waiting = path.read_bytes()
            except FileNotFoundError:
                return False
            if waiting != _encode(image):
                raise HospitalError(
                    f"{path}: another image with this SOP Instance UID waits to be delivered"
                ) from None
        return True

    def _encrypted(self, prefix: str) -> Path | None:
        """Return the encrypted image that an earlier try left, if it is undamaged."""
        for path in self._outbox.glob(f"{prefix}.*.encrypted"):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if path.name == _ready_name(prefix, digest):
                return path
            _logger.error("modality: %s is damaged, and is made anew", path)
            path.unlink()
        return None

    def _sweep(self) -> None:
        """Remove what a killed program left: temporary files, and images that were confirmed."""
        swept = sweep(self._outbox)
        for path in self._outbox.glob("*.encrypted"):
            if not self._path(_uid_of(path)).exists():
                path.unlink()
                swept.append(path)
        if swept:
            _logger.warning("modality: removed %d files of a killed program", len(swept))


@contextmanager
def _locked(path: Path) -> Iterator[io.BufferedReader]:
    """Open an image that waits, and keep other programs from delivering it meanwhile."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(f"{path}: it was delivered in the meantime")
        yield file


def _encode(image: pydicom.Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def _ready_name(prefix: str, digest: str) -> str:
    return f"{prefix}.{digest[:16]}.encrypted"


def _uid_of(ready: Path) -> str:
    """Return the UID in a name that `_ready_name` made."""
    return ready.name.removesuffix(".encrypted").rsplit(".", 3)[0]


def _about(image: pydicom.Dataset) -> dict[str, str]:
    """Return the UIDs by which the key server's audit trail names an image."""
    keywords = ("StudyInstanceUID", "SOPClassUID", "SOPInstanceUID")
    uids = {keyword: UID(str(image.get(keyword, ""))) for keyword in keywords}
    return {keyword: str(uid) for keyword, uid in uids.items() if uid.is_valid}


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
