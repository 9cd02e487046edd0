"""The hospital of Fig. 1, with the small archive and with real Orthanc, on this machine only.

The tests with Orthanc are skipped where it is not installed; where ``DKG_ORTHANC_TESTS=required``
is set, as in continuous integration, they fail instead. The images are made here; where the data
folder has a folder ``dicom``, its files are also sent.
"""

import os
import socket
from types import SimpleNamespace

import pytest

from dkg import hospital
from dkg.hospital.connections import HOST

from .parts import modality, random_keys

ORTHANC_REQUIRED = os.environ.get("DKG_ORTHANC_TESTS") == "required"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return hospital.make_certificates(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Certificates of another hospital."""
    return hospital.make_certificates(tmp_path_factory.mktemp("certificates") / "theirs")


@pytest.fixture
def kept():
    """Return a function that gives a port which no other program gets until the test ends.

    A server that stops and starts again needs the same one. Another socket that is bound to it, and
    does not listen, keeps it.
    """
    held = []

    def kept():
        held.append(socket.socket())
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held[-1].bind((HOST, 0))
        return held[-1].getsockname()[1]

    yield kept
    for each in held:
        each.close()


@pytest.fixture
def server(tmp_path, certificates, kept):
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    with hospital.KeyServer(store, random_keys(), certificates, kept()) as server:
        yield server


@pytest.fixture(params=["small", pytest.param("orthanc", marks=pytest.mark.orthanc)])
def start(request, tmp_path, certificates, kept):
    """Return a function that starts an archive, always on the same folder."""
    if request.param == "orthanc" and hospital.find_orthanc() is None:
        reason = "Orthanc is not installed; on Debian: apt-get install orthanc"
        if ORTHANC_REQUIRED:
            pytest.fail(f"DKG_ORTHANC_TESTS=required, but {reason}")
        pytest.skip(reason)
    started = []

    def start(port=None):
        port = port or kept()
        if request.param == "small":
            archive = hospital.SmallPacs(tmp_path / "pacs", certificates, port)
            archive.kill = archive.stop
        else:
            archive = hospital.Orthanc(tmp_path / "pacs", certificates, port, seconds=300)
        started.append(archive)
        return archive

    yield start
    for archive in started:
        archive.kill()


@pytest.fixture
def archive(start):
    return start()


@pytest.fixture
def ward(tmp_path, certificates, server, archive):
    """Put the four places of Fig. 1 together."""
    return SimpleNamespace(
        archive=archive,
        server=server,
        modality=modality(tmp_path / "outbox", certificates, server.port, archive.port),
        workstation=hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        ),
    )
