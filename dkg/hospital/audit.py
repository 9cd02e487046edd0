"""The audit trail: who did what with which image, when, and what came of it.

The key server, the small archive and the workstation write one each. Each event is an audit message
of DICOM (PS3.15, section A.5, an XML element `AuditMessage`) on a line of its own in a file that
grows by whole lines only. No message holds a key, or the hash by which the modality asks for a key.
A patient's name is in no message but the archive's queries, which the standard asks for as they
were sent.
"""

import base64
import hashlib
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from ssl import SSLSocket
from typing import Literal

from dkg.hospital.append_only import append, create_or_check
from dkg.hospital.connections import part_of

SUCCESS, MINOR_FAILURE, SERIOUS_FAILURE = 0, 4, 8
"""Values of the outcome: done, refused as it makes no sense or cannot be done, or not allowed."""

# Codes of the coding scheme DCM (PS3.16, CID 400 to 404) with their meanings.
_CODES = {
    "110100": "Application Activity",
    "110103": "DICOM Instances Accessed",
    "110104": "DICOM Instances Transferred",
    "110112": "Query",
    "110113": "Security Alert",
    "110120": "Application Start",
    "110121": "Application Stop",
    "110126": "Node Authentication",
    "110132": "Use of Restricted Function",
    "110150": "Application",
    "110152": "Destination Role ID",
    "110153": "Source Role ID",
    "110180": "Study Instance UID",
    "110181": "SOP Class UID",
}

Event = Literal["start", "stop", "access", "stored", "fetched", "query", "restricted", "revoked"]

_EVENTS: dict[Event, tuple[str, ...]] = {
    "start": ("110100", "110120"),
    "stop": ("110100", "110121"),
    "access": ("110103",),
    "stored": ("110104",),
    "fetched": ("110104",),
    "query": ("110112",),
    "restricted": ("110113", "110132"),
    "revoked": ("110113", "110126"),
}

# Events in which the caller sends, and the part that reports receives.
_FROM_CALLER = ("stored", "query")

# Types of audit sources (PS3.15, A.5.2): a security server, an application server, a display.
_SOURCE_TYPES = {"key-server": "6", "pacs": "4", "workstation": "1"}

_FIND_CLASS = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve, which is all that is used.


@dataclass(frozen=True)
class Caller:
    """The other end of a connection, or the user of a workstation.

    Attributes
    ----------
    part : str or None
        The part that its certificate is for; the name of a user.
    certificate : str
        SHA-256 of its certificate, in hexadecimal.
    address : str
        Its IP address.
    """

    part: str | None
    certificate: str
    address: str

    @classmethod
    def of(cls, connection: SSLSocket) -> "Caller":
        """Return who is at the other end of a connection that shook hands."""
        certificate = connection.getpeercert(binary_form=True) or b""
        return cls(
            part_of(connection.getpeercert()),
            hashlib.sha256(certificate).hexdigest(),
            connection.getpeername()[0],
        )

    def __str__(self) -> str:
        return f"{self.part} (certificate {self.certificate[:16]}) at {self.address}"


class AuditTrail:
    """Appends audit messages to a file that only its owner may read.

    Parameters
    ----------
    path : path-like
        The file; made if it is not there. It may be moved away at any time, and a new one is begun.
    source : str
        The part that reports: ``key-server``, ``pacs`` or ``workstation``.

    Raises
    ------
    HospitalError
        If other users may read or write the file.
    """

    def __init__(self, path: str | os.PathLike[str], source: str):
        self.path = Path(path)
        self._source = source
        create_or_check(self.path)

    def write(
        self,
        event: Event,
        outcome: int = SUCCESS,
        description: str = "",
        *,
        action: Literal["C", "R", "E"] = "E",
        caller: Caller | None = None,
        image: Mapping[str, str] | None = None,
        key: str = "",
        query: bytes = b"",
    ) -> None:
        """Append the message of an event, on the disk when this returns.

        Parameters
        ----------
        event : {'start', 'stop', 'access', 'stored', 'fetched', 'query', 'restricted', 'revoked'}
            What happened: the part started or stopped; a key was requested or an image opened; an
            image was stored in the archive, fetched from it or searched for; a part asked for what
            it may not have, or has a certificate that is revoked or has expired.
        outcome : int
            One of `SUCCESS`, `MINOR_FAILURE` and `SERIOUS_FAILURE`.
        description : str
            The outcome in words.
        action : {'C', 'R', 'E'}
            A key or image was created or read, or something else executed.
        caller : Caller, optional
            Who asked.
        image : mapping of str to str, optional
            Its ``StudyInstanceUID``, ``SOPClassUID`` and ``SOPInstanceUID``, as far as known.
        key : str
            The identifier of its key.
        query : bytes
            What was searched for: a data set as it was sent.

        Raises
        ------
        OSError
            If the message cannot be written.
        """
        message = ET.Element("AuditMessage")
        identification = ET.SubElement(
            message,
            "EventIdentification",
            EventActionCode=action,
            EventDateTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            EventOutcomeIndicator=str(outcome),
        )
        _code(identification, "EventID", _EVENTS[event][0])
        for code in _EVENTS[event][1:]:
            _code(identification, "EventTypeCode", code)
        if description:
            element = ET.SubElement(identification, "EventOutcomeDescription")
            element.text = _clean(description)
        roles = ("110153", "110152") if event in _FROM_CALLER else ("110152", "110153")
        if caller:
            user = caller.part or "no part"
            _participant(message, user, caller.certificate, roles[0], address=caller.address)
        role = "110150" if event in ("start", "stop") else roles[1]
        _participant(message, self._source, str(os.getpid()), role)
        source = ET.SubElement(message, "AuditSourceIdentification", AuditSourceID=self._source)
        kind = {"csd-code": _SOURCE_TYPES[self._source]}
        ET.SubElement(source, "AuditSourceTypeCode", kind)
        if event in ("access", "stored", "fetched"):
            _object(message, image or {}, key)
        elif event == "query":
            _query(message, query)
        append(self.path, ET.tostring(message) + b"\n")


def _participant(
    message: ET.Element, user: str, other: str, role: str, *, address: str = ""
) -> None:
    """Add who took part; the one with an address is the one that asked."""
    attributes = {
        "UserID": _clean(user),
        "AlternativeUserID": other,
        "UserIsRequestor": "true" if address else "false",
    }
    if address:
        attributes |= {"NetworkAccessPointID": address, "NetworkAccessPointTypeCode": "2"}
    _code(ET.SubElement(message, "ActiveParticipant", attributes), "RoleIDCode", role)


def _object(message: ET.Element, image: Mapping[str, str], key: str) -> None:
    """Add the image, as an instance of its study."""
    participant = ET.SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=image.get("StudyInstanceUID") or "unknown",
        ParticipantObjectTypeCode="2",
        ParticipantObjectTypeCodeRole="3",
    )
    _code(participant, "ParticipantObjectIDTypeCode", "110180")
    ET.SubElement(participant, "ParticipantObjectName").text = "encrypted DICOM image"
    if key:
        value = base64.b64encode(key.encode()).decode()
        ET.SubElement(participant, "ParticipantObjectDetail", type="key identifier", value=value)
    if instance := image.get("SOPInstanceUID"):
        description = ET.SubElement(participant, "ParticipantObjectDescription")
        named = {"UID": uid} if (uid := image.get("SOPClassUID")) else {}
        sop_class = ET.SubElement(description, "SOPClass", named, NumberOfInstances="1")
        ET.SubElement(sop_class, "Instance", UID=instance)
        ET.SubElement(description, "Encrypted").text = "true"


def _query(message: ET.Element, query: bytes) -> None:
    """Add what was searched for, as it was sent."""
    participant = ET.SubElement(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_FIND_CLASS,
        ParticipantObjectTypeCode="2",
        ParticipantObjectTypeCodeRole="3",
    )
    _code(participant, "ParticipantObjectIDTypeCode", "110181")
    ET.SubElement(participant, "ParticipantObjectQuery").text = base64.b64encode(query).decode()
    value = base64.b64encode(b"1.2.840.10008.1.2").decode()
    ET.SubElement(participant, "ParticipantObjectDetail", type="TransferSyntax", value=value)


def _clean(text: str) -> str:
    """Replace what XML cannot hold, and line breaks."""
    return re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", " ".join(text.split()))


def _code(parent: ET.Element, name: str, code: str) -> None:
    ET.SubElement(
        parent,
        name,
        {"csd-code": code, "codeSystemName": "DCM", "originalText": _CODES[code]},
    )
