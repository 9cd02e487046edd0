"""``tools/hospital.py``: an archive and a key server in processes of their own."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pydicom
import pytest

from dkg import hospital, paths

from .parts import image_of, modality, noise, send

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, paths.root() / "tools" / "hospital.py")
OPTIONS = ("--minutes", "2", "--key-port", "0", "--pacs-port", "0", "--n-seeds", "2")


@contextmanager
def started(folder, *options):
    """Start it, and yield a modality; it is stopped as by the system."""
    command = [*COMMAND, folder, *OPTIONS, "--allow-public", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            pacs_port, key_port = map(int, re.findall(r"port (\d+)", line))
            yield modality(folder / "outbox", folder / "certificates", key_port, pacs_port)
        finally:
            process.terminate()
        assert process.stdout.read() == "stopping\n" and process.wait(20) == 0
        assert "are public" in process.stderr.read()


def refused(folder, *options):
    """Start it in vain, and return what it says."""
    ended = subprocess.run(
        [*COMMAND, folder, *OPTIONS, *options], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and ended.stdout == ""
    return ended.stderr


def test_public_network_and_phantoms_need_a_flag(tmp_path):
    copy = tmp_path / "mine.safetensors"
    shutil.copy(paths.WEIGHTS / "base-phantom-1.safetensors", copy)
    for weights in ((), ("--weights", "network-a"), ("--weights", copy)):
        said = refused(tmp_path / "hospital", *weights)
        assert "are public" in said and "--weights" in said, weights
        assert "are phantoms" in said and "--seeds" in said
        assert "--allow-public" in said
    assert not (tmp_path / "hospital").exists(), "something was begun"


def test_starts_an_archive_and_a_key_server_again_and_again(tmp_path):
    folder = tmp_path / "hospital"
    for images in (1, 2, 3):  # More than there are seed images: they take turns.
        with started(folder) as sender:
            send(sender, image_of(noise(16, 16)))
        assert len(hospital.KeyStore(folder / "keys.sqlite")) == images
    trail = (folder / "keys.sqlite.audit").read_text().splitlines()
    assert len(trail) == 9  # Start, key and stop, three times.


def test_two_folders_have_different_keys_and_an_old_key_store_gives_no_used_key(tmp_path):
    """The XOR of two ciphertexts would be the XOR of the images."""
    folders = tmp_path / "one", tmp_path / "two"
    for number, folder in enumerate(folders):
        with started(folder) as sender:
            send(sender, image_of(np.full((256, 256, 3), 10 * number, np.uint8)))
    one = folders[0] / "keys.sqlite"
    one.unlink()
    said = refused(folders[0], "--allow-public")
    assert "older than its record of uses" in said and "accept the loss with --acc" in said
    with started(folders[0], "--accept-lost-keys") as sender:
        send(sender, image_of(np.full((256, 256, 3), 30, np.uint8)))
    stored = [
        pydicom.dcmread(path).pixel_array.ravel()
        for folder in folders
        for path in sorted((folder / "small").glob("*.dcm"))
    ]
    assert len(stored) == 3
    for a, b in ((0, 1), (0, 2), (1, 2)):
        # Of independent keys one byte in 256 has any one value: 768 +- 28 of 196,608.
        counts = np.bincount(stored[a] ^ stored[b], minlength=256)
        assert counts.max() < 1000
