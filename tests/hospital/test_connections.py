"""TLS between the parts of the hospital: which accept each other, and the errors for all others."""

import datetime
import shutil
import ssl

import pytest

from dkg import hospital
from dkg.hospital import HospitalError, connections
from dkg.hospital.connections import CLIENTS, SERVERS, part_of, tls_context

from .parts import Authority, attacker, image_of, noise, random_keys, talk

ALL = [(side, part) for side, server in SERVERS.items() for part in (server, *CLIENTS)]


@pytest.mark.parametrize("side", SERVERS)
@pytest.mark.parametrize("shown", ALL)
def test_a_server_accepts_the_clients_of_its_side_only(certificates, side, shown):
    server = tls_context(certificates, SERVERS[side], server=True, side=side)
    errors = talk(server, attacker(certificates / shown[0], shown[1]))
    right = shown[0] == side and shown[1] in CLIENTS
    assert ("server" not in errors) == right, errors


@pytest.mark.parametrize("side", SERVERS)
@pytest.mark.parametrize("shown", ALL)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_accepts_the_server_of_its_side_only(certificates, side, shown, client):
    ours = tls_context(certificates, client, server=False, side=side)
    errors = talk(attacker(certificates / shown[0], shown[1], server=True), ours)
    assert ("client" not in errors) == (shown == (side, SERVERS[side])), errors


@pytest.mark.parametrize(
    "roles",
    [
        [],
        ["dkg-role:pacs"],
        ["dkg-role:workstation", "dkg-role:modality"],
        ["dkg-role:nobody"],
        ["urn:workstation"],
        ["dkg-role:Workstation"],
    ],
)
def test_a_certificate_with_no_role_or_another_is_refused(tmp_path, roles):
    """Even where it is of the right authority and for the right purpose."""
    authority = Authority(tmp_path / "keys")
    for part in ("key-server", "modality"):
        authority.sign(part)
    server = tls_context(tmp_path, "key-server", server=True)
    client = tls_context(tmp_path, "modality", server=False)
    assert talk(server, client) == {}
    authority.sign("workstation", roles=roles)
    errors = talk(server, attacker(tmp_path / "keys", "workstation"))
    assert "wrong role" in str(errors["server"])
    with pytest.raises(HospitalError, match=r"keys/workstation\.pem: .*wrong role"):
        tls_context(tmp_path, "workstation", server=False)
    authority.sign("workstation", roles=roles, server=True)
    errors = talk(attacker(tmp_path / "keys", "workstation", server=True), client)
    assert "wrong role" in str(errors["client"])


def test_a_role_does_not_help_without_the_purpose(tmp_path):
    """A server's certificate does not open a connection, nor a client's serve one."""
    authority = Authority(tmp_path / "keys")
    for part in ("key-server", "modality"):
        authority.sign(part)
    server = tls_context(tmp_path, "key-server", server=True)
    client = tls_context(tmp_path, "modality", server=False)
    authority.sign("modality", server=True)
    errors = talk(server, attacker(tmp_path / "keys", "modality"))
    assert "the other end (modality or workstation) has the wrong role" in server.explain(
        errors["server"]
    )
    authority.sign("key-server", server=False)
    errors = talk(attacker(tmp_path / "keys", "key-server", server=True), client)
    assert "the other end (key-server) has the wrong role" in client.explain(errors["client"])


def test_a_role_is_read_from_nothing_but_one_uri():
    def certificate(*names):
        return {"subject": ((("commonName", "modality"),),), "subjectAltName": names}

    assert part_of(certificate(("URI", "dkg-role:pacs"), ("IP Address", "127.0.0.1"))) == "pacs"
    assert part_of(certificate()) is None
    assert part_of(certificate(("DNS", "dkg-role:pacs"))) is None
    assert part_of(certificate(("URI", "dkg-role:pacs"), ("URI", "dkg-role:pacs"))) is None
    assert part_of({}) is None and part_of(None) is None


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (40, r"keys/authority\.pem: this certificate has expired on \d{4}-.*renew=True"),
        (-1, r"keys/authority\.pem: this certificate is not valid yet"),
    ],
)
def test_own_certificates_out_of_their_time_are_named(certificates, monkeypatch, days, reason):
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    monkeypatch.setattr(connections, "now", lambda: then)
    with pytest.raises(HospitalError, match=reason):
        tls_context(certificates, "modality", server=False)


@pytest.mark.parametrize(("start", "reason"), [(-9, "has expired"), (5, "is not valid yet")])
def test_an_own_certificate_out_of_its_time_is_named(tmp_path, start, reason):
    authority = Authority(tmp_path / "keys")
    authority.sign("modality", start=start)
    with pytest.raises(HospitalError, match=rf"keys/modality\.pem: this certificate {reason}"):
        tls_context(tmp_path, "modality", server=False)


def test_a_certificate_that_is_about_to_expire_is_said(tmp_path, caplog):
    folder = hospital.make_certificates(tmp_path / "short", days=6)
    tls_context(folder, "modality", server=False)
    assert "modality.pem expires on" in caplog.text
    caplog.clear()
    hospital.make_certificates(folder, days=8, renew=True)
    tls_context(folder, "modality", server=False)
    assert caplog.text == ""


def test_an_own_foreign_certificate_is_named(certificates, foreign, tmp_path):
    folder = shutil.copytree(certificates, tmp_path / "mixed")
    for name in ("workstation.pem", "workstation.key"):
        shutil.copy(foreign / "dicom" / name, folder / "dicom" / name)
    with pytest.raises(
        HospitalError, match=r"dicom/workstation\.pem: .*signed by another authority.*renew=True"
    ):
        tls_context(folder, "workstation", server=False, side="dicom")
    assert tls_context(folder, "workstation", server=False, side="keys")


def test_an_own_certificate_of_another_part_is_named(certificates, tmp_path):
    folder = shutil.copytree(certificates, tmp_path / "mixed")
    for end in ("pem", "key"):
        shutil.copy(folder / "dicom" / f"pacs.{end}", folder / "dicom" / f"modality.{end}")
    with pytest.raises(
        HospitalError, match=r"dicom/modality\.pem: .*wrong role, pacs, not modality"
    ):
        hospital.PacsClient(1, folder, "modality")


def test_a_private_key_of_another_certificate_is_named(certificates, tmp_path):
    folder = shutil.copytree(certificates, tmp_path / "mixed")
    shutil.copy(folder / "keys" / "workstation.key", folder / "keys" / "modality.key")
    with pytest.raises(HospitalError, match=r"modality\.key: not the private key of modality\.pem"):
        hospital.KeyClient(1, folder, "modality")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("part", ["key-server", "pacs", "modality", "workstation"])
def test_a_private_key_that_others_may_read_is_refused(certificates, tmp_path, part, mode):
    folder = shutil.copytree(certificates, tmp_path / "open")
    for path in folder.glob(f"*/{part}.key"):
        path.chmod(mode)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    starts = {
        "key-server": lambda: hospital.KeyServer(store, random_keys(), folder),
        "pacs": lambda: hospital.SmallPacs(tmp_path / "pacs", folder),
    }
    start = starts.get(part, lambda: hospital.KeyClient(1, folder, part))
    with pytest.raises(PermissionError, match=rf"{part}\.key.*mode {mode:o}"):
        start()


@pytest.mark.parametrize("name", ["", "keys", "keys/authority.pem", "keys/modality.pem"])
@pytest.mark.parametrize("bit", [0o020, 0o002])
def test_certificates_that_others_may_change_are_refused(certificates, tmp_path, name, bit):
    folder = shutil.copytree(certificates, tmp_path / "open")
    path = folder / name
    path.chmod(path.stat().st_mode | bit)
    with pytest.raises(PermissionError, match=rf"{path}: others may change it .*chmod go-w"):
        hospital.KeyClient(1, folder, "modality")
    path.chmod(path.stat().st_mode & ~bit)
    hospital.KeyClient(1, folder, "modality")


@pytest.mark.parametrize("side", SERVERS)
def test_no_session_is_resumed(certificates, side, monkeypatch):
    """A resumed session would show a certificate that has expired, or was replaced, since."""
    client = attacker(certificates / side, "workstation")
    server = tls_context(certificates, SERVERS[side], server=True, side=side)
    sessions = []
    for _ in range(2):
        assert talk(server, client, sessions) == {}
    assert [reused for _, reused in sessions] == [False, False]
    assert not any(session and session.has_ticket for session, _ in sessions)

    # With tickets it would be resumed; also then, the time of the certificate is compared.
    server.options &= ~ssl.OP_NO_TICKET
    server.num_tickets = 2
    sessions = []
    for _ in range(2):
        assert talk(server, client, sessions) == {}
    assert [reused for _, reused in sessions] == [False, True]
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=40)
    monkeypatch.setattr(connections, "now", lambda: then)
    errors = talk(server, client, sessions)
    assert "other end (modality or workstation) has expired" in str(errors["server"])


def test_a_missing_certificate_is_named(tmp_path, certificates):
    with pytest.raises(FileNotFoundError, match=r"keys/authority\.pem"):
        tls_context(tmp_path, "modality", server=False)
    for side, part in (("keys", "pacs"), ("dicom", "key-server")):
        with pytest.raises(FileNotFoundError, match=rf"{side}/{part}\.pem"):
            tls_context(certificates, part, server=False, side=side)


def test_what_is_wrong_with_the_key_servers_certificate_is_said(tmp_path, certificates, foreign):
    authority = Authority(tmp_path / "keys")
    authority.sign("modality")
    client = tls_context(tmp_path, "modality", server=False)
    for options, reason in (
        ({"start": -9}, "has expired"),
        ({"start": 5}, "is not valid yet"),
        ({"server": False}, "has the wrong role"),
    ):
        authority.sign("key-server", **options)
        errors = talk(attacker(tmp_path / "keys", "key-server", server=True), client)
        assert f"the other end (key-server) {reason}" in client.explain(errors["client"])
    errors = talk(attacker(foreign / "keys", "key-server", server=True), client)
    assert "(key-server) is signed by another authority" in client.explain(errors["client"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"start": -9}, "has expired"),
        ({"start": 5}, "is not valid yet"),
        ({"server": True}, "has the wrong role"),
    ],
)
def test_what_is_wrong_with_a_clients_certificate_is_said_at_both_ends(tmp_path, options, reason):
    authority = Authority(tmp_path / "keys")
    for part in ("key-server", "modality"):
        authority.sign(part)
    server = tls_context(tmp_path, "key-server", server=True)
    client = tls_context(tmp_path, "modality", server=False)
    authority.sign("modality", **options)
    errors = talk(server, attacker(tmp_path / "keys", "modality"))
    assert f"of the other end (modality or workstation) {reason}" in server.explain(
        errors["server"]
    )
    assert f"of this end (modality) {reason}" in client.explain(errors["client"])


def test_a_foreign_client_is_said_at_both_ends(certificates, foreign, caplog):
    caplog.set_level("INFO")
    server = tls_context(certificates, "key-server", server=True)
    errors = talk(server, attacker(foreign / "keys", "modality"))
    assert "modality or workstation) is signed by another authority" in caplog.text
    client = tls_context(foreign, "modality", server=False)
    assert "of this end (modality) is signed by another" in client.explain(errors["client"])


def test_the_archive_does_not_become_the_key_server(tmp_path, certificates, monkeypatch):
    """Nor does any other part: the modality asks none of them for a key."""
    from dkg.hospital import key_server

    for side, part in ALL:
        if part == "key-server":
            continue
        with monkeypatch.context() as patched:
            shown = attacker(certificates / side, part, server=True)
            patched.setattr(key_server, "tls_context", lambda *_, shown=shown, **__: shown)
            store = hospital.KeyStore(tmp_path / f"{side}-{part}.sqlite")
            evil = hospital.KeyServer(store, random_keys(), certificates)
        with evil:
            sender = hospital.Modality(
                tmp_path / "outbox",
                hospital.KeyClient(evil.port, certificates, "modality"),
                hospital.PacsClient(1, certificates, "modality"),
            )
            uid = sender.take(image_of(noise(8, 8)))
            with pytest.raises(HospitalError, match=r"key server .*certificate of the other end"):
                sender.deliver(uid)
        assert len(store) == 0
