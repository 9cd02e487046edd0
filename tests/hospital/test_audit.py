"""The audit trail: DICOM's audit messages, and which events are in it."""

import base64
import re
import stat
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from dkg import cipher, hospital
from dkg.hospital import HospitalError, audit
from dkg.hospital.audit import AuditTrail, Caller

from .parts import image_of, modality, name_of, noise, opened, random_keys, send

# The grammar of PS3.15, A.5.1, as far as this package uses it: of each element its attributes, with
# the form of their values, and its children in their order, as a regular expression.
UID = r"[0-9.]{1,64}"
CODE = {"csd-code": r"\S+", "codeSystemName": r"\S+", "originalText": ".+"}
GRAMMAR = {
    "AuditMessage": (
        {},
        "EventIdentification (ActiveParticipant )+AuditSourceIdentification "
        "(ParticipantObjectIdentification )*",
    ),
    "EventIdentification": (
        {
            "EventActionCode": "[CRUDE]",
            "EventDateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
            "EventOutcomeIndicator": "0|4|8|12",
        },
        "EventID (EventTypeCode )*(EventOutcomeDescription )?",
    ),
    "EventID": (CODE, ""),
    "EventTypeCode": (CODE, ""),
    "EventOutcomeDescription": ({}, ""),
    "ActiveParticipant": (
        {
            "UserID": ".*",
            "AlternativeUserID?": ".*",
            "UserIsRequestor": "true|false",
            "NetworkAccessPointID?": r"\S+",
            "NetworkAccessPointTypeCode?": "[1-5]",
        },
        "(RoleIDCode )*",
    ),
    "RoleIDCode": (CODE, ""),
    "AuditSourceIdentification": ({"AuditSourceID": r"\S+"}, "(AuditSourceTypeCode )*"),
    "AuditSourceTypeCode": ({"csd-code": "[1-9]"}, ""),
    "ParticipantObjectIdentification": (
        {
            "ParticipantObjectID": r"\S+",
            "ParticipantObjectTypeCode?": "[1-4]",
            "ParticipantObjectTypeCodeRole?": "([1-9]|1[0-9]|2[0-6])",
        },
        "ParticipantObjectIDTypeCode (ParticipantObjectName |ParticipantObjectQuery )"
        "(ParticipantObjectDetail )*"
        "(ParticipantObjectDescription )*",
    ),
    "ParticipantObjectIDTypeCode": (CODE, ""),
    "ParticipantObjectName": ({}, ""),
    "ParticipantObjectQuery": ({}, ""),
    "ParticipantObjectDetail": ({"type": ".+", "value": "[A-Za-z0-9+/]+=*"}, ""),
    "ParticipantObjectDescription": ({}, "(SOPClass )*(Encrypted )?"),
    "SOPClass": ({"UID?": UID, "NumberOfInstances": r"\d+"}, "(Instance )*"),
    "Instance": ({"UID": UID}, ""),
    "Encrypted": ({}, ""),
}


def check(element):
    """Assert that an element follows the grammar."""
    attributes, children = GRAMMAR[element.tag]
    required = {name for name in attributes if not name.endswith("?")}
    forms = {name.rstrip("?"): form for name, form in attributes.items()}
    assert required <= set(element.attrib) <= set(forms), element.tag
    for name, value in element.attrib.items():
        assert re.fullmatch(forms[name], value), (element.tag, name, value)
    assert re.fullmatch(children, "".join(f"{child.tag} " for child in element)), element.tag
    for child in element:
        check(child)


def messages(path):
    """Read an audit trail, and check each of its messages."""
    read = [ET.fromstring(line) for line in path.read_text().splitlines()]
    for message in read:
        check(message)
    return read


def summary(message):
    event = message.find("EventIdentification")
    requestors = [
        p for p in message.findall("ActiveParticipant") if p.get("UserIsRequestor") == "true"
    ]
    return {
        "event": event.find("EventID").get("originalText"),
        "types": [code.get("originalText") for code in event.findall("EventTypeCode")],
        "action": event.get("EventActionCode"),
        "outcome": event.get("EventOutcomeIndicator"),
        "words": event.findtext("EventOutcomeDescription", ""),
        "who": [(p.get("UserID"), p.get("AlternativeUserID")) for p in requestors],
        "image": [instance.get("UID") for instance in message.iter("Instance")],
        "study": [
            o.get("ParticipantObjectID") for o in message.iter("ParticipantObjectIdentification")
        ],
        "key": [
            base64.b64decode(detail.get("value")).decode()
            for detail in message.iter("ParticipantObjectDetail")
        ],
    }


def fingerprint(certificates, part, side="keys"):
    pem = (certificates / side / f"{part}.pem").read_bytes()
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()


@pytest.fixture
def trail(server):
    return server.store.path.with_name("keys.sqlite.audit")


@pytest.mark.slow
def test_who_saw_which_image_when(tmp_path, server, certificates, trail):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    with hospital.SmallPacs(tmp_path / "pacs", certificates) as archive:
        sender = modality(tmp_path / "outbox", certificates, server.port, archive.port)
        image = image_of(noise(16, 16))
        delivery = send(sender, image)
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        opened(workstation, delivery)
    server.stop()
    assert stat.S_IMODE(trail.stat().st_mode) == 0o600
    start, made, read, stop = messages(trail)
    assert summary(start)["types"] == ["Application Start"]
    assert summary(stop)["types"] == ["Application Stop"]
    for message, action, part in ((made, "C", "modality"), (read, "R", "workstation")):
        assert summary(message) == {
            "event": "DICOM Instances Accessed",
            "types": [],
            "action": action,
            "outcome": "0",
            "words": "",
            "who": [(part, fingerprint(certificates, part))],
            "image": [image.SOPInstanceUID],
            "study": [image.StudyInstanceUID],
            "key": [delivery.key_identifier],
        }
        time = message.find("EventIdentification").get("EventDateTime")
        assert before <= datetime.fromisoformat(time) <= datetime.now(UTC)
    text = trail.read_text()
    assert "Doe" not in text and str(image.PatientID) not in re.findall(r'"(.*?)"', text)
    sent = server.store.record(delivery.key_identifier).image
    assert sent not in text, "a modality could ask for the key with it"


def test_refusals_are_in_the_trail(server, certificates, trail):
    modality_client = hospital.KeyClient(server.port, certificates, "modality")
    workstation_client = hospital.KeyClient(server.port, certificates, "workstation")
    calls = (
        lambda: modality_client.get(name_of("a key")),
        lambda: workstation_client.make(name_of("image"), 1),
        lambda: workstation_client.get(name_of("a key")),
        lambda: modality_client.make("no hash", 1),
    )
    for call in calls:
        with pytest.raises(HospitalError, match="refused"):
            call()
    found = [summary(message) for message in messages(trail)[1:]]
    assert [(f["event"], f["types"], f["outcome"]) for f in found] == [
        ("Security Alert", ["Use of Restricted Function"], "8"),
        ("Security Alert", ["Use of Restricted Function"], "8"),
        ("DICOM Instances Accessed", [], "4"),
        ("DICOM Instances Accessed", [], "4"),
    ]
    assert found[0]["words"] == "only the workstation may do this"
    assert found[1]["who"] == [("workstation", fingerprint(certificates, "workstation"))]
    assert found[2]["words"] == "there is no key of this identifier"


def test_without_a_trail_there_is_no_key(server, certificates, trail):
    client = hospital.KeyClient(server.port, certificates, "modality")
    trail.unlink()
    trail.mkdir()  # Nothing can be appended to it.
    with pytest.raises(HospitalError, match="the audit trail cannot be written"):
        client.make(name_of("image"), 1)
    trail.rmdir()
    client.make(name_of("image"), 1)
    assert [summary(message)["action"] for message in messages(trail)] == ["R"]


def test_a_trail_that_others_may_read_is_refused(tmp_path, certificates):
    path = tmp_path / "trail"
    path.touch(mode=0o640)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with pytest.raises(HospitalError, match=r"trail.*mode 640"):
        hospital.KeyServer(store, random_keys(), certificates, audit_trail=path)


def test_a_trail_may_be_moved_away_while_the_server_runs(server, certificates, trail):
    client = hospital.KeyClient(server.port, certificates, "modality")
    client.make(name_of("image 1"), 1)
    moved = trail.rename(trail.with_name("yesterday"))
    client.make(name_of("image 2"), 1)
    assert len(messages(moved)) == 2 and len(messages(trail)) == 1


def test_a_message_stays_on_one_line_whatever_is_in_it(tmp_path):
    trail = AuditTrail(tmp_path / "trail", "key-server")
    caller = Caller('mo"da\nlity', "<&>" * 5, "127.0.0.1")
    uids = {"StudyInstanceUID": "1.2", "SOPClassUID": "1.3", "SOPInstanceUID": "1.4"}
    trail.write("access", audit.MINOR_FAILURE, 'a "word"\n<&>\x00', caller=caller, image=uids)
    trail.write("access", caller=Caller(None, "", "::1"), image={"SOPInstanceUID": "1.4"})
    first, second = map(summary, messages(trail.path))
    assert first["words"] == 'a "word" <&>?' and first["image"] == second["image"] == ["1.4"]
    assert second["who"] == [("no part", "")]


def test_a_revoked_certificate_is_refused_until_the_list_is_read_no_more(
    server, certificates, trail, tmp_path
):
    listed = certificates / "revoked.txt"
    listed.touch(mode=0o600)
    client = hospital.KeyClient(server.port, certificates, "workstation")
    identifier = cipher.key_identifier(
        hospital.KeyClient(server.port, certificates, "modality").make(name_of("image"), 1).keys
    )
    client.get(identifier)
    name = fingerprint(certificates, "workstation")
    with_colons = ":".join(name[i : i + 2] for i in range(0, 64, 2)).upper()
    try:
        for line in (name, f"# stolen\n\n{name}  # on Monday", f"sha256 Fingerprint={with_colons}"):
            listed.write_text(f"{line}\n")
            with pytest.raises(HospitalError, match="this certificate is revoked"):
                client.get(identifier)
        last = summary(messages(trail)[-1])
        assert (last["event"], last["types"]) == ("Security Alert", ["Node Authentication"])
        assert last["who"] == [("workstation", name)]
        listed.write_text(f"{name[:-1]}\n")  # Nobody knows which one was meant.
        with pytest.raises(HospitalError, match=r"revoked\.txt: expected SHA-256"):
            client.get(identifier)
        with pytest.raises(HospitalError, match=r"revoked\.txt: expected SHA-256"):
            hospital.KeyServer(server.store, random_keys(), certificates)
        listed.write_text(f"{'0' * 64}\n")
        client.get(identifier)
        listed.chmod(0o666)
        for call in (
            lambda: client.get(identifier),
            lambda: hospital.KeyServer(server.store, random_keys(), certificates),
        ):
            with pytest.raises(HospitalError, match=r"revoked\.txt: others may change it"):
                call()
    finally:
        listed.unlink()
