"""The client of the archive (PACS): it speaks DICOM over TLS, as PS3.15 section B has it.

`dkg.hospital.orthanc` starts a real archive, `dkg.hospital.pacs` has a small one.
"""

import contextlib
import logging
import socket
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.presentation import PresentationContext

from dkg.hospital import queries
from dkg.hospital.connections import HOST, TIMEOUT, HospitalError, tls_context

TITLE = "PACS"
"""The archive's application entity title, as which it must be called."""

TITLES = {"modality": "MODALITY", "workstation": "WORKSTATION"}
"""The application entity titles that the archive answers, by the part that has them."""

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

    def store(self, dataset: pydicom.Dataset) -> None:
        """Send an image to the archive (C-STORE), as it is, and have it confirmed."""
        context = build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        with self._association([context]) as association:
            self._check(association.send_c_store(dataset), "C-STORE")

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
        """Fetch an image (C-GET) that `find` returned, and nothing else."""
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
        received: list[pydicom.Dataset] = []
        others: list[str] = []

        def keep(event: evt.Event) -> int:
            request: Any = event.request
            uid = str(request.AffectedSOPInstanceUID)
            if received or uid != found.SOPInstanceUID:
                others.append(uid)
                return _REFUSED
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            received.append(dataset)
            return SUCCESS

        # The archive sends the image in a storage operation of its own, within this association.
        contexts = [build_context(GET), build_context(found.SOPClassUID, ExplicitVRLittleEndian)]
        role = build_role(found.SOPClassUID, scp_role=True)
        with self._association(contexts, [(evt.EVT_C_STORE, keep)], role) as association:
            for status, _ in association.send_c_get(asked, GET):
                if others:
                    association.abort()
                    raise HospitalError(
                        f"{self._pacs}: sent the image {others[0]}, which was not asked for, or "
                        f"more than once; asked for {found.SOPInstanceUID}"
                    )
                if not status or status.Status not in PENDING:
                    self._check(status, "C-GET")
        sent = [dataset.get("SOPInstanceUID") for dataset in received]
        if sent != [found.SOPInstanceUID]:
            answer = f"sent {sent[0]} as" if sent else "did not send"
            raise HospitalError(f"{self._pacs}: {answer} the image {found.SOPInstanceUID}")
        return self._decoded(received[0])

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
            max_pdu=0,
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


def prepare(event: evt.Event) -> None:
    """Set up the connection of an association that has just been opened."""
    transport: Any = event.assoc.dul.socket
    connection = transport.socket
    # Otherwise a message in two parts waits 40 ms for an acknowledgement of the first.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # pynetdicom's own limits do not end a read of which only a part has come.
    connection.settimeout(TIMEOUT)
