"""A small archive in this process, for trying things out where there is no Orthanc."""

import contextlib
import logging
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pynetdicom
from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator, read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import VR
from pynetdicom import AE, AllStoragePresentationContexts, evt

from dkg.hospital import queries
from dkg.hospital.connections import HOST, TIMEOUT, Server, part_of, tls_context
from dkg.hospital.pacs_client import FIND, GET, SUCCESS, TITLE, TITLES, VERIFICATION, prepare
from dkg.storage.files import atomic, sweep

QUARANTINE = "quarantine"
"""The folder, in that of the images, of files that are no images of this archive."""

LONGEST = 1024
"""Bytes of the longest value that is kept in memory, and can be searched by."""

# Statuses of PS3.7, annex C, and PS3.4, sections B.2.3 and C.4.1.1.4.
_NOT_AUTHORIZED, _OUT_OF_RESOURCES, _CANCELLED = 0x0124, 0xA700, 0xFE00
_DOES_NOT_FIT, _CANNOT_UNDERSTAND = 0xA900, 0xC000

# Bytes before the file meta information: preamble, prefix, and the element of its length.
_META_START = 144

# Connections that wait to be accepted; with the default of 5, many senders at once are turned away.
_WAITING = 128

_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_VRS = {each.value for each in VR}

_logger = logging.getLogger(__name__)


class SmallPacs(Server):
    """A small archive in this process: each image is a file of its folder.

    It answers C-ECHO, C-STORE, C-FIND and C-GET as far as `PacsClient` asks, at image level; the
    modality may store, and the workstation find and fetch. An association whose title is not that
    of the role in the certificate is rejected. An image is confirmed when it has been parsed, is
    what the request announced, and is on the disk. One that it has already is kept as it is. While
    it arrives it is in a file of the system's folder for temporary files; memory holds short
    attributes only.

    Parameters
    ----------
    folder : path-like
        Where the images are kept. Those that are there are served; files that are no images of
        this archive are moved to a folder `QUARANTINE`, with an error in the log.
    certificates, port : path-like, int
        As in `dkg.hospital`; it shows the certificate of ``pacs``.
    """

    def __init__(
        self, folder: str | os.PathLike[str], certificates: str | os.PathLike[str], port: int = 0
    ):
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._storing = threading.Lock()
        context = tls_context(certificates, "pacs", server=True)
        sweep(self._folder)
        self._index: dict[str, pydicom.Dataset] = {}
        for path in self.files():
            try:
                header = read_header(path)
                if header.SOPInstanceUID != path.stem:
                    raise ValueError(f"the image in it is {header.SOPInstanceUID}")
            except ValueError as error:
                self._quarantine(path, error)
            else:
                self._index[path.stem] = header
        # Otherwise pynetdicom keeps what is arriving in memory.
        pynetdicom._config.STORE_RECV_CHUNKED_DATASET = True
        self._entity = AE(TITLE)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(TITLES.values())
        self._entity.maximum_associations = 64
        self._entity.network_timeout = TIMEOUT
        for model in (VERIFICATION, FIND, GET):
            self._entity.add_supported_context(model)
        for each in AllStoragePresentationContexts:
            self._entity.add_supported_context(
                str(each.abstract_syntax), ExplicitVRLittleEndian, scu_role=True, scp_role=True
            )
        self._server = self._entity.start_server(
            (HOST, port),
            block=False,
            ssl_context=context,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, prepare),
                (evt.EVT_CONN_CLOSE, _discard),
                (evt.EVT_REQUESTED, _admit),
                (evt.EVT_C_ECHO, lambda event: SUCCESS),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_C_GET, self._get),
            ],
        )
        listening: Any = self._server and self._server.socket  # None only if it blocked.
        self.port = listening.getsockname()[1]
        listening.listen(_WAITING)

    def files(self) -> list[Path]:
        """Return the paths of the stored images, which are DICOM files."""
        return sorted(self._folder.glob("*.dcm"))

    def stop(self) -> None:
        """Stop listening, and break off what is going on; the images stay in the folder."""
        for association in self._entity.active_associations:
            transport = association.dul.socket
            connection = transport and transport.socket
            if connection:
                with contextlib.suppress(OSError):  # It may be closed by now.
                    # Not that of SSLSocket, which another thread is reading from.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._entity.shutdown()

    def _store(self, event: evt.Event) -> pydicom.Dataset | int:
        if refusal := _refusal(event, "modality"):
            return refusal
        request: Any = event.request
        announced = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        try:
            header = read_header(event.dataset_path)
        except ValueError as error:
            return _refused(_CANNOT_UNDERSTAND, error)
        uid = UID(header.SOPInstanceUID)
        if (header.SOPClassUID, uid) != announced:
            return _refused(_DOES_NOT_FIT, f"the image in it is {uid}")
        path = self._folder / f"{uid}.dcm"
        with self._storing:
            if uid in self._index:
                return SUCCESS
            try:
                with atomic(path, private=True) as temporary:
                    shutil.copyfile(event.dataset_path, temporary)
            except OSError as error:
                return _refused(_OUT_OF_RESOURCES, error)
            self._index[uid] = header
        return SUCCESS

    def _find(self, event: evt.Event) -> Iterator[tuple[pydicom.Dataset | int, Any]]:
        asked = event.identifier
        if refusal := _refusal(event, "workstation") or _not_supported(asked):
            yield refusal, None
            return
        conditions = [each for each in asked if each.keyword not in queries.DESCRIPTIVE]
        for image in list(self._index.values()):
            if event.is_cancelled:
                yield _CANCELLED, None
                return
            if all(queries.matches(image, each) for each in conditions):
                answer = pydicom.Dataset()
                answer.SpecificCharacterSet = queries.CHARACTER_SET
                answer.QueryRetrieveLevel = "IMAGE"
                for each in conditions:
                    empty = pydicom.DataElement(each.tag, each.VR, None)
                    answer.add(image.get(each.tag, empty))
                yield 0xFF00, answer

    def _get(self, event: evt.Event) -> Iterator[Any]:
        asked = event.identifier
        if refusal := _refusal(event, "workstation") or _not_supported(asked):
            yield 1  # With none, the answer would be a success.
            yield refusal, None
            return
        uid = str(asked.get("SOPInstanceUID", ""))
        conditions = [each for each in asked if each.keyword not in queries.DESCRIPTIVE]
        image = self._index.get(uid)
        found = image is not None and all(queries.matches(image, each) for each in conditions)
        yield int(found)
        if found:
            yield 0xFF00, pydicom.dcmread(self._folder / f"{uid}.dcm")

    def _quarantine(self, path: Path, error: ValueError) -> None:
        folder = self._folder / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            target, number = folder / f"{path.name}.{number}", number + 1
        path.rename(target)
        _logger.error("%s: no image of this archive, moved to %s: %s", path, target, error)


def read_header(path: str | os.PathLike[str]) -> pydicom.Dataset:
    """Check that a file is a whole image of this archive, and return its short attributes.

    Values above `LONGEST` bytes are passed over and never in memory, and so are sequences unless
    they are of undefined length.

    Parameters
    ----------
    path : path-like
        A DICOM file in Explicit VR Little Endian.

    Returns
    -------
    pydicom.Dataset
        Its attributes that can be searched by, decoded.

    Raises
    ------
    ValueError
        If it is damaged, cut or of another encoding, or its identifiers are missing, are not valid
        or differ from those of its file meta information.
    """
    try:
        header, meta = _read(Path(path))
    except Exception as error:  # pydicom lets pass whatever its parser stumbles on.
        raise ValueError(f"damaged, or not a DICOM data set: {error}") from error
    for keyword, of_meta in (
        ("SOPClassUID", "MediaStorageSOPClassUID"),
        ("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
    ):
        uid, announced = header.get(keyword), meta.get(of_meta)
        if not isinstance(uid, UID) or not uid.is_valid:  # One becomes the name of a file.
            raise ValueError(f"its {keyword} is {uid!r}")
        if uid != announced:
            raise ValueError(f"its {keyword} is {uid}, announced was {announced}")
    return header


def _read(path: Path) -> tuple[pydicom.Dataset, pydicom.Dataset]:
    """Return the short attributes and the file meta information of a whole file."""
    meta = read_file_meta_info(path)
    if meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        raise ValueError(f"its transfer syntax is {meta.TransferSyntaxUID.name}")
    header = pydicom.Dataset()
    last, has_pixels = -1, False
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = file.seek(_META_START + meta.FileMetaInformationGroupLength)
        for element in data_element_generator(file, False, True, defer_size=LONGEST):
            end = file.tell()
            if element.VR not in _VRS or element.tag <= last or element.tag >> 16 < 8:
                raise ValueError(f"{element.tag} is not an element that may follow")
            last = element.tag
            has_pixels |= element.tag in _PIXELS
            if not isinstance(element, RawDataElement) or element.VR == "SQ":
                continue
            if element.value is not None:
                if len(element.value) != element.length:
                    raise ValueError(f"{element.tag} is cut")
                header[element.tag] = element
        if end != size:
            raise ValueError(f"it has {size:,} bytes, and its elements {end:,}")
        if not has_pixels:
            raise ValueError("it has no pixel data")
    encodings = convert_encodings(header.get("SpecificCharacterSet"))
    header.set_original_encoding(False, True, encodings)
    for tag in list(header.keys()):
        try:
            header[tag]  # Decodes the value.
        except Exception:
            del header[tag]  # It is stored all the same, and cannot be searched by.
    return header, meta


def _role(event: evt.Event) -> str | None:
    """Return the part at the other end, if its title is that of the role in its certificate."""
    transport: Any = event.assoc.dul.socket
    part = part_of(transport.socket.getpeercert())
    request: Any = event.assoc.requestor.primitive
    title = str(request.calling_ae_title).strip()
    return part if part is not None and TITLES.get(part) == title else None


def _admit(event: evt.Event) -> None:
    """Reject an association whose title is not that of the role in the certificate."""
    if _role(event) is None:
        _logger.warning("an association was rejected: its title is not that of its certificate")
        event.assoc.acse.send_reject(0x01, 0x01, 0x03)  # Calling AE title not recognised.
        event.assoc.kill()


def _refusal(event: evt.Event, part: str) -> pydicom.Dataset | None:
    """Return the status of a service that only one part may ask for, if another one asks."""
    if _role(event) == part:
        return None
    return _refused(_NOT_AUTHORIZED, f"only the {part} may do this")


def _not_supported(asked: pydicom.Dataset) -> pydicom.Dataset | None:
    """Return the status of a query that this archive cannot answer."""
    if asked.get("QueryRetrieveLevel") != "IMAGE":
        return _refused(_DOES_NOT_FIT, "only queries at image level are answered")
    if any(each.VR == "SQ" and not each.is_empty for each in asked):
        return _refused(_DOES_NOT_FIT, "sequences cannot be searched by")
    return None


def _refused(code: int, reason: object) -> pydicom.Dataset:
    """Return a status with its reason, and write it to the log."""
    _logger.error("a request was refused: %s", reason)
    status = pydicom.Dataset()
    status.Status = code
    status.ErrorComment = str(reason)[:64]  # The most that an LO holds.
    return status


def _discard(event: evt.Event) -> None:
    """Remove what has arrived, in part or whole, when the connection is lost."""
    service: Any = event.assoc.dimse
    left = [service.message and service.message._data_set_file]
    while not service.msg_queue.empty():
        left.append(getattr(service.msg_queue.get()[1], "_dataset_file", None))
    for file in filter(None, left):
        file.close()
        Path(file.name).unlink(missing_ok=True)
