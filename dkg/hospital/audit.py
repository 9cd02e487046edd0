"""The audit trail: who asked for the key of which image, when, and what came of it.

Each event is an audit message of DICOM (PS3.15, section A.5, an XML element `AuditMessage`) on a
line of its own in a file that grows by whole lines only. No message holds a key, a patient's name
or the hash by which the modality asks for a key.
"""

import base64
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dkg.hospital.append_only import append, create_or_check

SUCCESS, MINOR_FAILURE, SERIOUS_FAILURE = 0, 4, 8
"""Values of the outcome: done, refused as it makes no sense or cannot be done, or not allowed."""

# Codes of the coding scheme DCM (PS3.16, CID 400 to 404) with their meanings.
_CODES = {
    "110100": "Application Activity",
    "110103": "DICOM Instances Accessed",
    "110113": "Security Alert",
    "110120": "Application Start",
    "110121": "Application Stop",
    "110126": "Node Authentication",
    "110132": "Use of Restricted Function",
    "110150": "Application",
    "110152": "Destination Role ID",
    "110153": "Source Role ID",
    "110180": "Study Instance UID",
}

Event = Literal["start", "stop", "access", "restricted", "revoked"]

_EVENTS: dict[Event, tuple[str, ...]] = {
    "start": ("110100", "110120"),
    "stop": ("110100", "110121"),
    "access": ("110103",),
    "restricted": ("110113", "110132"),
    "revoked": ("110113", "110126"),
}


@dataclass(frozen=True)
class Caller:
    """The other end of a connection.

    Attributes
    ----------
    part : str or None
        The part that its certificate is for.
    certificate : str
        SHA-256 of its certificate, in hexadecimal.
    address : str
        Its IP address.
    """

    part: str | None
    certificate: str
    address: str

    def __str__(self) -> str:
        return f"{self.part} (certificate {self.certificate[:16]}) at {self.address}"


class AuditTrail:
    """Appends audit messages to a file that only its owner may read.

    Parameters
    ----------
    path : path-like
        The file; made if it is not there. It may be moved away at any time, and a new one is begun.
    source : str
        The part that reports, such as ``key-server``.

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
    ) -> None:
        """Append the message of an event, on the disk when this returns.

        Parameters
        ----------
        event : {'start', 'stop', 'access', 'restricted', 'revoked'}
            What happened: the part started or stopped, a key was requested, a part asked for what
            it may not have, or with a revoked certificate.
        outcome : int
            One of `SUCCESS`, `MINOR_FAILURE` and `SERIOUS_FAILURE`.
        description : str
            The outcome in words.
        action : {'C', 'R', 'E'}
            A key was created or read, or something else executed.
        caller : Caller, optional
            Who asked.
        image : mapping of str to str, optional
            Its ``StudyInstanceUID``, ``SOPClassUID`` and ``SOPInstanceUID``, as far as known.
        key : str
            The identifier of its key.

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
        if caller:
            user = caller.part or "no part"
            _participant(message, user, caller.certificate, "110152", address=caller.address)
        role = "110150" if event in ("start", "stop") else "110153"
        _participant(message, self._source, str(os.getpid()), role)
        source = ET.SubElement(message, "AuditSourceIdentification", AuditSourceID=self._source)
        ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": "6"})  # A security server.
        if event == "access":
            _object(message, image or {}, key)
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


def _clean(text: str) -> str:
    """Replace what XML cannot hold, and line breaks."""
    return re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", " ".join(text.split()))


def _code(parent: ET.Element, name: str, code: str) -> None:
    ET.SubElement(
        parent,
        name,
        {"csd-code": code, "codeSystemName": "DCM", "originalText": _CODES[code]},
    )
