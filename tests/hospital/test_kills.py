"""SIGKILL at every step of the modality and of the key server: nothing is lost, or done twice.

A step is a file opened, flushed, renamed or removed in the outbox or beside the key store, and a
connection or a message on one. A process that has everything imported forks for each step, and the
fork kills itself right before it.
"""

import stat
import subprocess
import sys

import pydicom
import pytest

from dkg import cipher, hospital

from .parts import encoded, image_of, name_of, noise, random_keys, some_keys

pytestmark = pytest.mark.slow

FORKS = """
import os, signal, ssl, sys
import numpy as np, pydicom
from dkg import cipher, hospital

def kill_before(step, folder):
    left = [step]

    def count():
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, arguments):
        path = arguments[0] if arguments else None
        if isinstance(path, os.PathLike):
            path = os.fspath(path)
        if event == "socket.connect" or (
            event in ("open", "os.rename", "os.link", "os.remove")
            and isinstance(path, str) and path.startswith(folder)
        ):
            count()

    def counted(function):
        def call(*arguments, **options):
            count()
            return function(*arguments, **options)
        return call

    os.fsync = counted(os.fsync)
    for name in ("send", "recv", "read"):
        setattr(ssl.SSLSocket, name, counted(getattr(ssl.SSLSocket, name)))
    sys.addaudithook(hook)

def modality(image, outbox, certificates, key_port, pacs_port):
    sender = hospital.Modality(
        outbox,
        hospital.KeyClient(int(key_port), certificates, "modality"),
        hospital.PacsClient(int(pacs_port), certificates, "modality"),
    )
    if image:
        sender.take(pydicom.dcmread(image))
        print("taken", flush=True)
    for left in range(20, -1, -1):  # A busy machine lets a connection time out now and then.
        for uid in sender.waiting():
            try:
                sender.deliver(uid)
            except hospital.HospitalError:
                if not left:
                    raise

def store(name, number, path):
    key = np.random.default_rng(int(number)).integers(0, 256, (1, *cipher.KEY_SHAPE), np.uint8)
    identifier = hospital.KeyStore(path).add(name, key)
    print("given", identifier, flush=True)

for line in sys.stdin:
    work, step, folder, *arguments = line.rstrip("\\n").split("\\t")
    pid = os.fork()
    if not pid:
        status = 99
        try:
            kill_before(int(step), folder)
            globals()[work](*arguments)
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""

NEVER = 10**9


@pytest.fixture(scope="module")
def run():
    """Return a function that runs something and kills it, and says what it printed and whether."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def run(work, step, folder, *arguments):
        print(work, step, folder, *arguments, sep="\t", file=process.stdin, flush=True)
        printed = []
        while not (line := process.stdout.readline()).startswith("ended"):
            assert line, "the process ended"
            printed.append(line.strip())
        status = int(line.split()[1])
        assert status in (0, -9), status
        return printed, status == -9

    yield run
    process.stdin.close()
    process.wait()


def test_modality(run, tmp_path, certificates):
    outbox, store = tmp_path / "outbox", hospital.KeyStore(tmp_path / "keys.sqlite")
    with (
        hospital.KeyServer(store, random_keys(), certificates) as server,
        hospital.SmallPacs(tmp_path / "pacs", certificates) as archive,
    ):
        ends = outbox, certificates, server.port, archive.port
        workstation = hospital.Workstation(
            hospital.KeyClient(server.port, certificates, "workstation"),
            hospital.PacsClient(archive.port, certificates, "workstation"),
        )
        step, killed = 0, True
        while killed:
            image = image_of(noise(16, 16), patient_id=f"number {step}")
            pydicom.dcmwrite(tmp_path / "image.dcm", image, enforce_file_format=True)
            stored = len(archive.files())
            printed, killed = run("modality", step, outbox, tmp_path / "image.dcm", *ends)
            if outbox.exists():
                for path in outbox.iterdir():
                    assert stat.S_IMODE(path.stat().st_mode) == 0o600, (step, path)
            waits = (outbox / f"{image.SOPInstanceUID}.dcm").exists()
            taken = "taken" in printed
            assert not taken or waits or len(archive.files()) == stored + 1, f"{step}: lost"
            # The device gives an image again that was not taken for sure.
            again = "" if taken else tmp_path / "image.dcm"
            _, failed = run("modality", NEVER, outbox, again, *ends)
            assert not failed
            assert [path.name for path in outbox.iterdir()] == [".lock"], step
            assert len(archive.files()) == len(store) == step + 1, f"{step}: lost or done twice"
            [found] = workstation.find(PatientID=image.PatientID)
            assert encoded(workstation.open(found).image) == encoded(image), step
            step += 1
    assert step > 40, "each image takes more steps than that"


def test_key_store(run, tmp_path):
    """What was given out is in the store and in the record of uses; what was not is made good."""
    path = tmp_path / "keys.sqlite"
    step, killed, given = 0, True, []
    while killed:
        printed, killed = run("store", step, tmp_path, name_of(f"image {step}"), step, path)
        given += [line.split()[1] for line in printed]
        for file in tmp_path.iterdir():
            if file.stat().st_size:
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, (step, file)
        store = hospital.KeyStore(path)
        uses = store.uses.read_text()
        for identifier in given:
            assert store.get(identifier) is not None and identifier in uses, step
        if store.of_image(name_of(f"image {step}")) is None:
            store.add(name_of(f"image {step}"), some_keys())
        key = store.of_image(name_of(f"image {step}"))
        assert cipher.key_identifier(key) in store.uses.read_text()
        assert len(store) == step + 1
        step += 1
    assert step > 8, "each key takes more steps than that"
    assert given
