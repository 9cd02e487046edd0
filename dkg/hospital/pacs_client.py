"""The client of the archive (PACS): it speaks DICOM over TLS, as PS3.15 section B has it.

`dkg.hospital.orthanc` starts a real archive, `dkg.hospital.pacs` has a small one.
"""

import contextlib
import logging
import socket
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from ssl import SSLSocket
from typing import Any

import pydicom
import pynetdicom
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.presentation import PresentationContext

from dkg.dicom.parsing import parse
from dkg.hospital import queries
from dkg.hospital.connections import HOST, TIMEOUT, HospitalError, tls_context
from dkg.storage import limits

# Otherwise pynetdicom keeps what is sent and what arrives in memory, several times.
pynetdicom._config.STORE_SEND_CHUNKED_DATASET = True
pynetdicom._config.STORE_RECV_CHUNKED_DATASET = True

TITLE = "PACS"
"""The archive's application entity title, as which it must be called."""

TITLES = {"modality": "MODALITY", "workstation": "WORKSTATION"}
"""The application entity titles that the archive answers, by the part that has them."""

MAX_PDU = 2**18
"""Bytes of a part of a message; in one part, an image would be in memory several times."""

SUCCESS, PENDING = 0x0000, (0xFF00, 0xFF01)
"""Statuses of DIMSE services (PS3.7, annex C)."""

_REFUSED = 0xA900  # The data set is not what it should be.

# Verification, and the query and retrieval of the study root's model (PS3.4, annexes A and C).
VERIFICATION = UID("1.2.840.10008.1.1")
FIND, GET = UID("1.2.840.10008.5.1.4.1.2.2.1"), UID("1.2.840.10008.5.1.4.1.2.2.3")

_IDENTIFIERS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_RETURNED = (
    *("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "Modality", "SOPClassUID"),
    *_IDENTIFIERS,
)
_logger = logging.getLogger(__name__)


class PacsClient:
    """Asks the archive, showing the certificate of the modality or the workstation.

    Parameters
    ----------
    port, certificates : int, path-like
        The archive's port, and the certificates as in `dkg.hospital`.
    part : {'modality', 'workstation'}
        The part that asks.
    called : str, default 'PACS'
        The archive's application entity title.
    title : str, optional
        The asking part's; default that of `TITLES`.
    """

    def __init__(
        self,
        port: int,
        certificates: str | PathLike[str],
        part: str,
        *,
        called: str = TITLE,
        title: str | None = None,
    ):
        self.port = port
        self.called = called
        self._title = title or TITLES[part]
        self._context = tls_context(certificates, part, server=False, side="dicom")

    def echo(self) -> None:
        """Ask whether the archive is there (C-ECHO)."""
        with self._association([build_context(VERIFICATION)]) as association:
            self._check(association.send_c_echo(), "C-ECHO")

    def store(self, image: pydicom.Dataset | Path) -> None:
        """Send an image to the archive (C-STORE), as it is, and have it confirmed.

        A file, given by its path, takes less memory than a data set.
        """
        meta = read_file_meta_info(image) if isinstance(image, Path) else image.file_meta
        context = build_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)
        with self._association([context]) as association:
            self._check(association.send_c_store(image), "C-STORE")

    def find(self, *, literal: bool = False, **query: Any) -> list[pydicom.Dataset]:
        """Look for images (C-FIND).

        Parameters
        ----------
        literal : bool
            Refuse wildcards, ranges and empty texts in the query, as for what somebody typed in.
        **query
            Attributes that the images must have, by keyword, such as ``PatientID="17"``; `make` of
            `dkg.hospital.queries` says which values they may have. ``*`` and ``?`` stand for any
            characters, and an empty string asks for the attribute. Everything is sent in UTF-8.

        Returns
        -------
        list of pydicom.Dataset
            One for each image: the attributes asked for, and those that `get` needs. What does not
            match the query, or cannot be read, is left out, with a warning in the log, whatever
            the archive answers.

        Raises
        ------
        ValueError
            If an attribute is unknown or cannot be searched by, or a value is not of its kind.
        """
        asked = queries.make(query, literal=literal)
        conditions = [each for each in asked if each.keyword not in queries.DESCRIPTIVE]
        asked.update(queries.make({each: "" for each in _RETURNED if each not in asked}))
        found = []
        with self._association([build_context(FIND)]) as association:
            for status, answer in association.send_c_find(asked, FIND):
                if answer is not None and status.Status in PENDING:
                    try:
                        found.append(self._decoded(answer, asked))
                    except HospitalError as error:
                        _logger.warning("%s: an answer is left out: %s", self._context.part, error)
                else:
                    self._check(status, "C-FIND")
        fitting = [all(queries.matches(one, each) for each in conditions) for one in found]
        if not all(fitting):
            wrong = len(found) - sum(fitting)
            _logger.warning(
                "%s: %s: %d answers do not match the query",
                *(self._context.part, self._pacs, wrong),
            )
        return [answer for answer, fits in zip(found, fitting, strict=True) if fits]

    def get(self, found: pydicom.Dataset) -> pydicom.Dataset:
        """Fetch an image (C-GET) that `find` returned, and nothing else.

        What is large in it is a memoryview: its pixel data and its encrypted content.
        """
        for keyword in ("SOPClassUID", *_IDENTIFIERS):
            if not found.get(keyword):
                raise HospitalError(f"{self._pacs}: the image was found without its {keyword}")
            if not isinstance(found[keyword].value, str):
                raise HospitalError(
                    f"{self._pacs}: the image was found with more than one {keyword}"
                )
        asked = pydicom.Dataset()
        asked.QueryRetrieveLevel = "IMAGE"
        for keyword in _IDENTIFIERS:
            setattr(asked, keyword, found[keyword].value)
        received: list[Path] = []
        others: list[str] = []

        def keep(event: evt.Event) -> int:
            request: Any = event.request
            request._dataset_file.close()
            uid = str(request.AffectedSOPInstanceUID)
            if received or uid != found.SOPInstanceUID:
                event.dataset_path.unlink()
                others.append(uid)
                return _REFUSED
            received.append(event.dataset_path)
            return SUCCESS

        # The archive sends the image in a storage operation of its own, within this association.
        contexts = [build_context(GET), build_context(found.SOPClassUID, ExplicitVRLittleEndian)]
        role = build_role(found.SOPClassUID, scp_role=True)
        handlers = (
            (evt.EVT_C_STORE, keep),
            (evt.EVT_DATA_RECV, limit),
            (evt.EVT_CONN_CLOSE, discard),
        )
        try:
            with self._association(contexts, handlers, role) as association:
                for status, _ in association.send_c_get(asked, GET):
                    if others:
                        association.abort()
                        raise HospitalError(
                            f"{self._pacs}: sent the image {others[0]}, which was not asked for, "
                            f"or more than once; asked for {found.SOPInstanceUID}"
                        )
                    if not status or status.Status not in PENDING:
                        self._check(status, "C-GET")
                image = self._read(received[0]) if received else None
        finally:
            for path in received:
                path.unlink(missing_ok=True)
        if image is None or image.get("SOPInstanceUID") != found.SOPInstanceUID:
            answer = "did not send" if image is None else f"sent {image.get('SOPInstanceUID')} as"
            raise HospitalError(f"{self._pacs}: {answer} the image {found.SOPInstanceUID}")
        return image

    def _read(self, path: Path) -> pydicom.Dataset:
        """Read a file that the archive sent."""
        try:
            return self._decoded(parse(limits.read(path), view_pixels=True))
        except ValueError as error:
            raise HospitalError(f"{self._pacs}: sent a damaged data set: {error}") from error

    def _decoded(
        self, dataset: pydicom.Dataset, asked: Iterable[pydicom.DataElement] = ()
    ) -> pydicom.Dataset:
        """Return what the archive sent once all of it was decoded, which pydicom does when used."""
        try:
            for _ in dataset.iterall():
                pass
        except Exception as error:  # pydicom lets pass whatever its parser stumbles on.
            raise HospitalError(f"{self._pacs}: sent a damaged data set: {error}") from error
        for each in asked:
            if each.tag in dataset and dataset[each.tag].VR != each.VR:
                raise HospitalError(
                    f"{self._pacs}: sent {each.keyword} with the value representation "
                    f"{dataset[each.tag].VR}, not {each.VR}"
                )
        return dataset

    @property
    def _pacs(self) -> str:
        return f"PACS {self.called} at {HOST}:{self.port}"

    @contextlib.contextmanager
    def _association(
        self,
        contexts: list[PresentationContext],
        handlers: Sequence[evt.EventHandlerType] = (),
        *roles: Any,
    ) -> Iterator[Association]:
        refusals = []

        def notice(event: evt.Event) -> None:
            # After a quick refusal, pynetdicom sometimes says only that the connection is closed.
            if isinstance(event.pdu, A_ASSOCIATE_RJ):
                refusals.append(event.pdu.reason_str)

        entity = AE(self._title)
        entity.connection_timeout = entity.acse_timeout = TIMEOUT
        entity.dimse_timeout = entity.network_timeout = TIMEOUT
        association = entity.associate(
            HOST,
            self.port,
            contexts,
            ae_title=self.called,
            max_pdu=MAX_PDU,
            tls_args=(self._context, HOST),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, prepare),
                (evt.EVT_PDU_RECV, notice),
                *handlers,
            ],
            ext_neg=list(roles),
        )
        if not association.is_established:
            if refusals:
                reason = f"refused the association of {self._title}: {refusals[0]}"
            elif association.rejected_contexts:
                rejected = (context.abstract_syntax for context in association.rejected_contexts)
                names = {syntax.name for syntax in rejected if syntax}
                reason = f"does not offer {', '.join(sorted(names))}"
            else:
                reason = "cannot be reached, or does not accept the certificate"
                if why := self._context.diagnose(self.port):
                    reason += f": {why}"
            raise HospitalError(f"{self._pacs}: {reason}")
        try:
            yield association
        except HospitalError:
            raise
        except RuntimeError as error:  # What pynetdicom raises if the other end has closed.
            raise HospitalError(f"{self._pacs}: the connection was lost: {error}") from error
        finally:
            if association.is_established:
                association.release()

    def _check(self, status: pydicom.Dataset, service: str) -> None:
        """Refuse anything but success: a warning says that something else was stored."""
        if "Status" not in status:
            raise HospitalError(f"{self._pacs}: the connection was lost during {service}")
        if status.Status != SUCCESS:
            comment = status.get("ErrorComment") or "no reason given"
            raise HospitalError(
                f"{self._pacs}: {service} failed with status {status.Status:#06x}: {comment}"
            )


def discard(event: evt.Event) -> None:
    """Remove what has arrived of an image, in part or whole, when the connection is lost."""
    service: Any = event.assoc.dimse
    left = [service.message and service.message._data_set_file]
    while not service.msg_queue.empty():
        left.append(getattr(service.msg_queue.get()[1], "_dataset_file", None))
    for file in filter(None, left):
        file.close()
        Path(file.name).unlink(missing_ok=True)


def limit(event: evt.Event) -> None:
    """Cut an association in which an image arrives that is larger than any image is."""
    service: Any = event.assoc.dimse
    file = service.message and service.message._data_set_file
    if file and file.tell() > limits.FILE_BYTES:
        _logger.error("the association is cut: an image has more than %d bytes", limits.FILE_BYTES)
        cut(event.assoc)


def connection_of(association: Association) -> SSLSocket:
    """Return the connection of an association."""
    transport: Any = association.dul.socket
    connection: SSLSocket = transport.socket
    return connection


def cut(association: Association) -> None:
    """Break off an association; the thread that serves it ends."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # It may be closed by now.
        # Not that of SSLSocket, which another thread is reading from.
        socket.socket.shutdown(connection_of(association), socket.SHUT_RDWR)


def prepare(event: evt.Event) -> None:
    """Set up the connection of an association that has just been opened."""
    connection = connection_of(event.assoc)
    # Otherwise a message in two parts waits 40 ms for an acknowledgement of the first.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # pynetdicom's own limits do not end a read of which only a part has come.
    connection.settimeout(TIMEOUT)
