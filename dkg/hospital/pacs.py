"""The archive (PACS) of Fig. 1: how it is asked, and a small one in this process.

It is asked by DICOM's own services (PS3.4): verification (C-ECHO), storage (C-STORE), query
(C-FIND) and retrieval (C-GET), over TLS with both ends proven (PS3.15, section B). `SmallPacs` is
for trying things out where there is no Orthanc; `dkg.hospital.orthanc` starts the real one.
"""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.presentation import PresentationContext

from dkg.hospital.connections import HOST, TIMEOUT, HospitalError, Server, tls_context
from dkg.storage.files import atomic

TITLE = "PACS"
"""The archive's application entity title, as which it must be called."""

TITLES = {"modality": "MODALITY", "workstation": "WORKSTATION"}
"""The application entity titles that the archive answers, by the part that has them."""

SUCCESS, PENDING = 0x0000, (0xFF00, 0xFF01)

# Verification, and the query and retrieval of the study root's model (PS3.4, annexes A and C).
_VERIFICATION = UID("1.2.840.10008.1.1")
_FIND, _GET = UID("1.2.840.10008.5.1.4.1.2.2.1"), UID("1.2.840.10008.5.1.4.1.2.2.3")

_RETURNED = (
    *("PatientName", "PatientID", "StudyDate", "Modality", "SOPClassUID"),
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
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
        certificates: str | os.PathLike[str],
        part: str,
        *,
        called: str = TITLE,
        title: str | None = None,
    ):
        self.port = port
        self.called = called
        self._title = title or TITLES[part]
        self._context = tls_context(certificates, part, server=False)

    def echo(self) -> None:
        """Ask whether the archive is there (C-ECHO)."""
        with self._association([build_context(_VERIFICATION)]) as association:
            self._check(association.send_c_echo(), "C-ECHO")

    def store(self, dataset: pydicom.Dataset) -> None:
        """Send an image to the archive (C-STORE), as it is, and have it confirmed."""
        context = build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        with self._association([context]) as association:
            self._check(association.send_c_store(dataset), "C-STORE")

    def find(self, **query: Any) -> list[pydicom.Dataset]:
        """Look for images (C-FIND).

        Parameters
        ----------
        **query
            Attributes that the images must have, by keyword, such as ``PatientID="17"``;
            ``*`` and ``?`` stand for any characters, and an empty string asks for the attribute.

        Returns
        -------
        list of pydicom.Dataset
            One for each image: the attributes asked for, and those that `get` needs.
        """
        asked = pydicom.Dataset()
        asked.QueryRetrieveLevel = "IMAGE"
        for keyword, value in (dict.fromkeys(_RETURNED, "") | query).items():
            setattr(asked, keyword, value)
        found = []
        with self._association([build_context(_FIND)]) as association:
            for status, answer in association.send_c_find(asked, _FIND):
                if answer is not None and status.Status in PENDING:
                    found.append(answer)
                else:
                    self._check(status, "C-FIND")
        return found

    def get(self, found: pydicom.Dataset) -> pydicom.Dataset:
        """Fetch an image (C-GET) that `find` returned."""
        asked = pydicom.Dataset()
        asked.QueryRetrieveLevel = "IMAGE"
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(asked, keyword, found[keyword].value)
        received: list[pydicom.Dataset] = []

        def keep(event: evt.Event) -> int:
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            received.append(dataset)
            return SUCCESS

        # The archive sends the image in a storage operation of its own, within this association.
        contexts = [build_context(_GET), build_context(found.SOPClassUID, ExplicitVRLittleEndian)]
        role = build_role(found.SOPClassUID, scp_role=True)
        with self._association(contexts, [(evt.EVT_C_STORE, keep)], role) as association:
            for status, _ in association.send_c_get(asked, _GET):
                if not status or status.Status not in PENDING:
                    self._check(status, "C-GET")
        if [dataset.SOPInstanceUID for dataset in received] != [found.SOPInstanceUID]:
            raise HospitalError(f"{self._pacs}: did not send the image {found.SOPInstanceUID}")
        return received[0]

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
            max_pdu=0,
            tls_args=(self._context, HOST),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, _prepare),
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
            raise HospitalError(f"{self._pacs}: {reason}")
        try:
            yield association
        except HospitalError:
            raise
        except RuntimeError as error:  # What pynetdicom raises if the other end is gone.
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


class SmallPacs(Server):
    """A small archive in this process: each image is a file of its folder.

    It answers C-ECHO, C-STORE, C-FIND and C-GET as far as `PacsClient` asks, at image level and
    with single values and wildcards. An image that it has already is kept as it is.

    Parameters
    ----------
    folder : path-like
        Where the images are kept. Those that are there are served.
    certificates, port : path-like, int
        As in `dkg.hospital`; it shows the certificate of ``pacs``.
    """

    def __init__(
        self, folder: str | os.PathLike[str], certificates: str | os.PathLike[str], port: int = 0
    ):
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._storing = threading.Lock()
        self._index = {path.stem: _header(path) for path in self.files()}
        self._entity = AE(TITLE)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(TITLES.values())
        self._entity.maximum_associations = 64
        self._entity.network_timeout = TIMEOUT
        for model in (_VERIFICATION, _FIND, _GET):
            self._entity.add_supported_context(model)
        for context in AllStoragePresentationContexts:
            self._entity.add_supported_context(
                str(context.abstract_syntax), ExplicitVRLittleEndian, scu_role=True, scp_role=True
            )
        self._server = self._entity.start_server(
            (HOST, port),
            block=False,
            ssl_context=tls_context(certificates, "pacs", server=True),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, _prepare),
                (evt.EVT_C_ECHO, lambda event: SUCCESS),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_C_GET, self._get),
            ],
        )
        listening: Any = self._server and self._server.socket  # None only if it blocked.
        self.port = listening.getsockname()[1]

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

    def _store(self, event: evt.Event) -> int:
        request: Any = event.request
        uid = UID(request.AffectedSOPInstanceUID)
        if not uid.is_valid:  # It becomes the name of a file.
            return 0xA900
        path = self._folder / f"{uid}.dcm"
        with self._storing:
            if uid in self._index:
                return SUCCESS
            try:
                with atomic(path) as temporary:
                    temporary.write_bytes(event.encoded_dataset())
            except OSError as error:
                _logger.error("an image was refused: %s", error)
                return 0xA700  # Out of resources.
            self._index[uid] = _header(path)
        return SUCCESS

    def _find(self, event: evt.Event) -> Iterator[tuple[int, pydicom.Dataset | None]]:
        asked = event.identifier
        for image in list(self._index.values()):
            answer = pydicom.Dataset()
            for element in asked:
                if element.keyword == "QueryRetrieveLevel":
                    answer.add(element)
                elif element.is_empty or _matches(image, element):
                    empty = pydicom.DataElement(element.tag, element.VR, None)
                    answer.add(image.get(element.tag, empty))
                else:
                    break
            else:
                yield 0xFF00, answer

    def _get(self, event: evt.Event) -> Iterator[Any]:
        uid = event.identifier.get("SOPInstanceUID", "")
        wanted = [uid] if uid in self._index else []
        yield len(wanted)
        for name in wanted:
            yield 0xFF00, pydicom.dcmread(self._folder / f"{name}.dcm")


def _prepare(event: evt.Event) -> None:
    transport: Any = event.assoc.dul.socket
    connection = transport.socket
    # Otherwise a message in two parts waits 40 ms for an acknowledgement of the first.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # pynetdicom's own limits do not end a read of which only a part has come.
    connection.settimeout(TIMEOUT)


def _header(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True)


def _matches(image: pydicom.Dataset, asked: pydicom.DataElement) -> bool:
    # Only * and ? are wildcards in DICOM.
    pattern = str(asked.value).replace("[", "[[]")
    return asked.tag in image and fnmatchcase(str(image[asked.tag].value), pattern)
