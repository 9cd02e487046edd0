"""Orthanc, a real archive, started on this machine with a folder and settings of its own.

Debian has it: ``apt-get install orthanc``. Its web server is off. Its DICOM port cannot be bound
to one address, so it is guarded twice: TLS only with a certificate of this hospital's archive side,
and no association but from this machine.

Orthanc cannot look at the roles in certificates: it knows the modality from the workstation by
their titles, and a title proves nothing. What a stolen certificate of one opens here, that of the
other also opens. The key server, on the side of the other authority, looks at the role.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pydicom

from dkg.hospital.connections import HOST, HospitalError, Server, tls_context
from dkg.hospital.pacs_client import TITLE, TITLES

# Below the ports that the system takes for connections of its own.
_PORTS = range(20000, 30000)

_SERVICES = ("Echo", "Find", "FindWorklist", "Get", "Move", "NAction", "NEventReport", "Store")
_ALLOWED = {"modality": ("Echo", "Store"), "workstation": ("Echo", "Find", "Get")}


def find_orthanc() -> str | None:
    """Return the path of Orthanc's program, or None if it is not installed."""
    # Debian puts it where ordinary users do not look.
    return shutil.which("Orthanc", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


class Orthanc(Server):
    """Orthanc as the archive; it stops with `stop`, or by itself after a time.

    Parameters
    ----------
    folder : path-like
        Where its settings, its log and the images are. Images that are there are served.
    certificates, port : path-like, int
        As in `dkg.hospital`, but it listens on every address; it shows the certificate of ``pacs``.
    seconds : int, default 3600
        How long it runs at most.

    Raises
    ------
    HospitalError
        If it is not installed, or does not start.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        certificates: str | os.PathLike[str],
        port: int = 0,
        *,
        seconds: int = 3600,
    ):
        program = find_orthanc()
        if program is None:
            raise HospitalError("Orthanc is not installed; on Debian: apt-get install orthanc")
        # The archive's own certificate is checked here, where the message says what is wrong.
        tls_context(certificates, "pacs", server=True)
        self._folder = Path(folder).resolve()
        self._certificates = Path(certificates).resolve() / "dicom"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = port or _free_port()
        settings = self._folder / "orthanc.json"
        settings.write_text(json.dumps(self._settings(), indent=1))
        log = self._folder / "orthanc.log"
        # With `timeout`, of coreutils, it stops by itself even if this process is killed.
        command = ["timeout", str(seconds), program, str(settings)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Otherwise each of its answers waits 40 ms for an acknowledgement.
                env=os.environ | {"TCP_NODELAY": "1"},
            )
        deadline = time.monotonic() + 30
        while b"Orthanc has started" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise HospitalError(f"Orthanc did not start; its log is {log}")
            time.sleep(0.05)

    def files(self) -> list[Path]:
        """Return the paths of the stored images, which are DICOM files."""
        images = (self._folder / "images").glob("??/??/*")
        return sorted(path for path in images if pydicom.misc.is_dicom(path))

    def stop(self) -> None:
        """Have it finish and stop; the images stay in the folder."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self.kill()

    def kill(self) -> None:
        """Stop it at once, as a power cut would; the images stay in the folder."""
        if self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)  # Orthanc, and the `timeout` above it.
        self._process.wait()
        # The system closes its port a moment later.
        deadline = time.monotonic() + 10
        while _answers(self.port) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _settings(self) -> dict[str, object]:
        return {
            "Name": "dkg",
            "StorageDirectory": str(self._folder / "images"),
            "IndexDirectory": str(self._folder / "images"),
            "HttpServerEnabled": False,
            "Plugins": [],
            "DicomPort": self.port,
            "DicomAet": TITLE,
            "DicomCheckCalledAet": True,
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(self._certificates / "pacs.pem"),
            "DicomTlsPrivateKey": str(self._certificates / "pacs.key"),
            "DicomTlsTrustedCertificates": str(self._certificates / "authority.pem"),
            "DicomTlsRemoteCertificateRequired": True,
            # Without these two every application entity of every machine is answered.
            "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowStore": False,
            "DicomCheckModalityHost": True,
            "DicomModalities": {
                part: {
                    **{"AET": title, "Host": HOST},
                    "Port": 104,  # It would be called at this one, which never happens.
                    **{f"Allow{service}": service in _ALLOWED[part] for service in _SERVICES},
                }
                for part, title in TITLES.items()
            },
            "OverwriteInstances": False,
            "DefaultEncoding": "Utf8",
        }


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


def _free_port() -> int:
    for _ in range(100):
        port = secrets.choice(_PORTS)
        with socket.socket() as candidate, contextlib.suppress(OSError):
            candidate.bind((HOST, port))
            return port
    raise HospitalError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is free")
