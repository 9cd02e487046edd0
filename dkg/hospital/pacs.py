"""A small archive in this process, for trying things out where there is no Orthanc."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLSocket
from typing import Any

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.transport import ThreadedAssociationServer

from dkg.hospital import audit, queries
from dkg.hospital.audit import AuditTrail, Caller
from dkg.hospital.connections import (
    HOST,
    TIMEOUT,
    Context,
    HospitalError,
    Server,
    has_expired,
    is_revoked,
    tls_context,
)
from dkg.hospital.headers import read_header
from dkg.hospital.pacs_client import (
    FIND,
    GET,
    MAX_PDU,
    SUCCESS,
    TITLE,
    TITLES,
    VERIFICATION,
    connection_of,
    cut,
    discard,
    limit,
    prepare,
)
from dkg.storage.files import atomic, sweep

QUARANTINE = "quarantine"
"""The folder, in that of the images, of files that are no images of this archive."""

# Statuses of PS3.7, annex C, and PS3.4, sections B.2.3 and C.4.1.1.4.
_NOT_AUTHORIZED, _OUT_OF_RESOURCES, _CANCELLED = 0x0124, 0xA700, 0xFE00
_DOES_NOT_FIT, _CANNOT_UNDERSTAND = 0xA900, 0xC000

# Connections that wait to be accepted; with the default of 5, many senders at once are turned away.
_WAITING = 128

# Seconds after which an open association whose certificate is worth nothing any more is cut.
_WATCH = 1.0

_logger = logging.getLogger(__name__)


class _Listener(ThreadedAssociationServer):
    """Shakes hands in the thread of each connection, so that a silent client delays no other."""

    daemon_threads = True
    request_queue_size = _WAITING
    tls: Context

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, and begin an association."""
        try:
            secured = self.tls.wrap_socket(request, server_side=True)
        except OSError as error:
            _logger.info("pacs: a connection from %s failed: %s", client_address[0], error)
        else:
            super().finish_request(secured, client_address)


class SmallPacs(Server):
    """A small archive in this process: each image is a file of its folder.

    It answers C-ECHO, C-STORE, C-FIND and C-GET as far as `PacsClient` asks, at image level; the
    modality may store, and the workstation find and fetch. An association whose title is not that
    of the role in the certificate is rejected. An image is confirmed when it has been parsed, is
    what the request announced, and is on the disk. One that it has already is kept as it is. While
    it arrives it is in a file of the system's folder for temporary files; memory holds short
    attributes only. An open association is cut when its certificate expires or is revoked.

    Parameters
    ----------
    folder : path-like
        Where the images are kept. Those that are there are served; files that are no images of
        this archive are moved to a folder `QUARANTINE`, with an error in the log.
    certificates, port : path-like, int
        As in `dkg.hospital`; it shows the certificate of ``pacs``. A file ``revoked.txt`` in this
        folder lists certificates that are refused, as for `KeyServer`.
    audit_trail : path-like, optional
        The file of the audit trail (`dkg.hospital.audit`); default the folder's name and
        ``.audit``, beside it. Where it cannot be written, nothing is confirmed, found or sent.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        certificates: str | os.PathLike[str],
        port: int = 0,
        *,
        audit_trail: str | os.PathLike[str] | None = None,
    ):
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._certificates = Path(certificates)
        self._storing, self._stopping = threading.Lock(), threading.Event()
        context = tls_context(certificates, "pacs", server=True)
        beside = self._folder.resolve().with_name(f"{self._folder.resolve().name}.audit")
        self._audit = AuditTrail(audit_trail or beside, "pacs")
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
        self._entity = AE(TITLE)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(TITLES.values())
        self._entity.maximum_associations = 64
        self._entity.network_timeout = TIMEOUT
        self._entity.maximum_pdu_size = MAX_PDU
        for model in (VERIFICATION, FIND, GET):
            self._entity.add_supported_context(model)
        for each in AllStoragePresentationContexts:
            self._entity.add_supported_context(
                str(each.abstract_syntax), ExplicitVRLittleEndian, scu_role=True, scp_role=True
            )
        server = self._entity.make_server(
            (HOST, port),
            server_class=_Listener,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, prepare),
                (evt.EVT_DATA_RECV, limit),
                (evt.EVT_CONN_CLOSE, discard),
                (evt.EVT_REQUESTED, self._admit),
                (evt.EVT_C_ECHO, lambda event: SUCCESS),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_C_GET, self._get),
            ],
        )
        assert isinstance(server, _Listener)
        self._server, server.tls = server, context
        self._entity._servers.append(server)  # As `AE.start_server` does with its own class.
        self.port = server.server_address[1]
        self._audit.write("start")
        for work in (server.serve_forever, self._watch):
            threading.Thread(target=work, daemon=True).start()

    def files(self) -> list[Path]:
        """Return the paths of the stored images, which are DICOM files."""
        return sorted(self._folder.glob("*.dcm"))

    def stop(self) -> None:
        """Stop listening, and break off what is going on; the images stay in the folder."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        for association in self._entity.active_associations:
            cut(association)
        self._entity.shutdown()
        try:
            self._audit.write("stop")
        except OSError as error:
            _logger.error("pacs: the audit trail cannot be written: %s", error)

    def _watch(self) -> None:
        """Cut associations whose certificate expires or is revoked while they are open."""
        while not self._stopping.wait(_WATCH):
            for association in self._entity.active_associations:
                if not association.is_established:
                    continue  # `_admit` looks at those that begin.
                try:
                    connection = connection_of(association)
                    caller, reason = Caller.of(connection), self._unworthy(connection)
                except (OSError, ValueError, AttributeError):
                    continue  # It has been closed in the meantime.
                if reason:
                    _logger.warning("pacs: the association of %s is cut: %s", caller, reason)
                    self._note_refusal("revoked", reason, caller)
                    cut(association)

    def _unworthy(self, connection: SSLSocket) -> str | None:
        """Say why the certificate at the other end is worth nothing now, if so."""
        caller = Caller.of(connection)
        try:
            if is_revoked(self._certificates, caller.certificate):
                return "this certificate is revoked"
        except (HospitalError, OSError) as error:  # Nobody knows which ones are revoked.
            return str(error)
        return "this certificate has expired" if has_expired(connection.getpeercert()) else None

    def _admit(self, event: evt.Event) -> None:
        """Reject an association whose title is not that of the role in the certificate."""
        kind: audit.Event = "revoked"
        caller = None
        try:
            connection = connection_of(event.assoc)
            caller, reason = Caller.of(connection), self._unworthy(connection)
            if reason is None:
                if TITLES.get(caller.part or "") == _title(event):
                    return
                kind = "restricted"
                reason = f"the title {_title(event)} is not that of this certificate"
        except (OSError, ValueError, AttributeError) as error:
            reason = f"the connection was lost: {error}"
        _logger.warning("pacs: rejected the association of %s: %s", caller, reason)
        self._note_refusal(kind, reason, caller)
        event.assoc.acse.send_reject(0x01, 0x01, 0x03)  # Calling AE title not recognised.
        event.assoc.kill()

    def _note_refusal(self, kind: audit.Event, reason: str, caller: Caller | None) -> None:
        """Write the audit message of an association that ends, whether it can be written or not."""
        try:
            self._audit.write(kind, audit.SERIOUS_FAILURE, reason, caller=caller)
        except OSError as error:
            _logger.error("pacs: the audit trail cannot be written: %s", error)

    def _noted(
        self, event: evt.Event, kind: audit.Event, refusal: pydicom.Dataset | None, **details: Any
    ) -> pydicom.Dataset | None:
        """Write a request's audit message, without which it is refused; return the refusal."""
        outcome, words = audit.SUCCESS, ""
        if refusal:
            forbidden = refusal.Status == _NOT_AUTHORIZED
            outcome = audit.SERIOUS_FAILURE if forbidden else audit.MINOR_FAILURE
            words, kind = refusal.ErrorComment, "restricted" if forbidden else kind
        try:
            caller = Caller.of(connection_of(event.assoc))
            self._audit.write(kind, outcome, words, caller=caller, **details)
        except OSError as error:
            return _refused(_OUT_OF_RESOURCES, f"the audit trail cannot be written: {error}")
        return refusal

    def _refusal(self, event: evt.Event, part: str) -> pydicom.Dataset | None:
        """Return the status of a service that a part may not ask for, or not any more."""
        connection = connection_of(event.assoc)
        reason = self._unworthy(connection)
        if reason is None and Caller.of(connection).part != part:
            reason = f"only the {part} may do this"
        return _refused(_NOT_AUTHORIZED, reason) if reason else None

    def _store(self, event: evt.Event) -> pydicom.Dataset | int:
        request: Any = event.request
        image: dict[str, str] = {}
        try:
            refusal = self._refusal(event, "modality") or self._keep(event, image)
            action = image.pop("action", "C")
            image = image or {"SOPInstanceUID": str(request.AffectedSOPInstanceUID)}
            return self._noted(event, "stored", refusal, action=action, image=image) or SUCCESS
        except (OSError, ValueError, AttributeError) as error:
            # pynetdicom leaves the file of what has arrived if this handler raises.
            return _refused(_OUT_OF_RESOURCES, f"the connection was lost: {error}")

    def _keep(self, event: evt.Event, image: dict[str, str]) -> pydicom.Dataset | None:
        """Store what has arrived, fill in what the audit trail says of it; return a refusal."""
        request: Any = event.request
        announced = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        try:
            header = read_header(event.dataset_path)
        except ValueError as error:
            return _refused(_CANNOT_UNDERSTAND, error)
        uid = UID(header.SOPInstanceUID)
        if (header.SOPClassUID, uid) != announced:
            return _refused(_DOES_NOT_FIT, f"the image in it is {uid}")
        image |= _about(header)
        path = self._folder / f"{uid}.dcm"
        with self._storing:
            if uid in self._index:
                image["action"] = "R"
                return None
            try:
                with atomic(path, private=True) as temporary:
                    shutil.copyfile(event.dataset_path, temporary)
            except OSError as error:
                return _refused(_OUT_OF_RESOURCES, error)
            self._index[uid] = header
        return None

    def _find(self, event: evt.Event) -> Iterator[tuple[pydicom.Dataset | int, Any]]:
        asked = event.identifier
        refusal = self._refusal(event, "workstation") or _not_supported(asked)
        request: Any = event.request
        query = request.Identifier.getvalue()
        if refusal := self._noted(event, "query", refusal, query=query):
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
        uid = str(asked.get("SOPInstanceUID", ""))
        conditions = [each for each in asked if each.keyword not in queries.DESCRIPTIVE]
        header = self._index.get(uid)
        found = header is not None and all(queries.matches(header, each) for each in conditions)
        refusal = self._refusal(event, "workstation") or _not_supported(asked)
        image = _about(header) if header is not None and found else {"SOPInstanceUID": uid}
        if refusal := self._noted(event, "fetched", refusal, action="R", image=image):
            yield 1  # With none, the answer would be a success.
            yield refusal, None
            return
        yield int(found)
        if header is not None and found:
            # pynetdicom sends what a handler yields from memory, and in memory it is several times.
            association: Any = event.assoc
            send, path = association.send_c_store, self._folder / f"{uid}.dcm"
            association.send_c_store = lambda _, **options: send(path, **options)
            try:
                yield 0xFF00, header
            finally:
                association.send_c_store = send

    def _quarantine(self, path: Path, error: ValueError) -> None:
        folder = self._folder / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            target, number = folder / f"{path.name}.{number}", number + 1
        path.rename(target)
        _logger.error("pacs: %s: no image of this archive, moved to %s: %s", path, target, error)


def _title(event: evt.Event) -> str:
    request: Any = event.assoc.requestor.primitive
    return str(request.calling_ae_title).strip()


def _about(header: pydicom.Dataset) -> dict[str, str]:
    """Return the UIDs by which the audit trail names an image."""
    keywords = ("StudyInstanceUID", "SOPClassUID", "SOPInstanceUID")
    uids = {keyword: UID(str(header.get(keyword, ""))) for keyword in keywords}
    return {keyword: str(uid) for keyword, uid in uids.items() if uid.is_valid}


def _not_supported(asked: pydicom.Dataset) -> pydicom.Dataset | None:
    """Return the status of a query that this archive cannot answer."""
    if asked.get("QueryRetrieveLevel") != "IMAGE":
        return _refused(_DOES_NOT_FIT, "only queries at image level are answered")
    if any(each.VR == "SQ" and not each.is_empty for each in asked):
        return _refused(_DOES_NOT_FIT, "sequences cannot be searched by")
    return None


def _refused(code: int, reason: object) -> pydicom.Dataset:
    """Return a status with its reason, and write it to the log."""
    _logger.error("pacs: a request was refused: %s", reason)
    status = pydicom.Dataset()
    status.Status = code
    status.ErrorComment = str(reason)[:64]  # The most that an LO holds.
    return status
