"""The scripts of data_download/ against a server on this machine that serves a small archive."""

import dataclasses
import errno
import gzip
import hashlib
import http.server
import importlib
import io
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from dkg import data

FOLDER = Path(__file__).resolve().parents[1] / "data_download"


def png(width, height, value=7):
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def make_zip(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


IMAGES = {
    "MontgomerySet/CXR_png/MCUCXR_0001_0.png": png(40, 48, 1),
    "MontgomerySet/CXR_png/MCUCXR_0002_0.png": png(48, 40, 2),
    "MontgomerySet/CXR_png/MCUCXR_0104_1.png": png(40, 48, 3),
}
# What lies beside the images in the real archive.
BESIDE = {
    "MontgomerySet/CXR_png/Thumbs.db": b"?",
    "MontgomerySet/ManualMask/leftMask/MCUCXR_0001_0.png": png(40, 48),
    "MontgomerySet/ClinicalReadings/MCUCXR_0001_0.txt": b"normal",
    "__MACOSX/MontgomerySet/CXR_png/._MCUCXR_0001_0.png": b"?",
}


@pytest.fixture
def fetch(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    # A proxy of the machine must not stand between the tests and their own server.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return importlib.import_module("fetch")


@pytest.fixture
def small(fetch):
    """The Montgomery script's archive, with the test's count and dimensions."""
    return dataclasses.replace(
        importlib.import_module("montgomery").ARCHIVE,
        images={r"MCUCXR_\d{4}_0\.png": 2, r"MCUCXR_\d{4}_1\.png": 1},
        size_is_right=lambda size: sorted(size) == [40, 48],
        size="40 x 48 pixels",
        sha256=None,
    )


class Server:
    """Serves ``content`` at every path; ``cut`` bytes of it are missing at the end."""

    def __init__(self):
        self.content, self.cut, self.requests, self.length = b"", 0, 0, True
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests += 1
                self.send_response(200)
                if server.length:
                    self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content[: len(server.content) - server.cut])

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/archive.zip"


@pytest.fixture
def server():
    server = Server()
    server.content = make_zip(IMAGES | BESIDE)
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def run(fetch, archive, folder, *arguments):
    return fetch.main(archive, ["--output", str(folder / archive.name), *map(str, arguments)])


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


NAMES = sorted(Path(name).name for name in IMAGES)
ARCHIVE = "archives/NLM-MontgomeryCXRSet.zip"
UNPACKED = [f"montgomery/{name}" for name in NAMES]


def test_download_check_unpack_and_load(fetch, small, server, tmp_path, capfd):
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert everything(tmp_path) == [ARCHIVE, "archives/checksums.txt", *UNPACKED]
    for name, content in IMAGES.items():
        assert (tmp_path / "montgomery" / Path(name).name).read_bytes() == content
    out, err = capfd.readouterr()
    checksum = hashlib.sha256(server.content).hexdigest()
    assert "taken on trust" in out and checksum in out
    assert (tmp_path / "archives" / "checksums.txt").read_text() == (
        f"{checksum}  NLM-MontgomeryCXRSet.zip\n"
    )
    assert "100%" in err and "unpacking" in err, "a progress bar for the transfer and the unpacking"

    image_set = data.load("montgomery", tmp_path)
    assert image_set.origin == "files" and image_set.files == tuple(NAMES)
    assert image_set.images[:, 0, 0, 0].tolist() == [1, 2, 3]

    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert server.requests == 1 and "already holds the whole set" in capfd.readouterr().out


def test_archive_that_is_already_downloaded(fetch, small, server, tmp_path):
    file = tmp_path / "elsewhere.zip"
    file.write_bytes(server.content)
    assert run(fetch, small, tmp_path / "sets", "--archive", file) == 0
    assert everything(tmp_path / "sets") == ["archives/checksums.txt", *UNPACKED]
    assert server.requests == 0 and file.exists()


def test_transfer_that_is_cut_off_starts_again(fetch, small, server, tmp_path, capfd):
    server.cut = 100
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "failed or was cut off" in capfd.readouterr().err
    assert everything(tmp_path) == []
    server.cut = 0
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert everything(tmp_path) == [ARCHIVE, "archives/checksums.txt", *UNPACKED]


def test_transfer_that_is_cut_off_without_a_length(fetch, small, server, tmp_path, capfd):
    server.cut, server.length = 100, False
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "no whole zip archive" in capfd.readouterr().err
    assert everything(tmp_path) == []


def test_web_page_instead_of_the_archive(fetch, small, server, tmp_path, capfd):
    server.content = b"<!DOCTYPE html><title>Sign in</title>"
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    message = capfd.readouterr().err
    assert "<!DOCTYPE html>" in message and "asks for a login" in message
    assert everything(tmp_path) == []


def test_server_that_is_not_there(fetch, small, tmp_path, capfd):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # Nobody listens there, and nobody else gets the port.
        url = f"http://127.0.0.1:{held.getsockname()[1]}/a.zip"
        assert run(fetch, small, tmp_path, "--url", url) == 1
    message = capfd.readouterr().err
    assert "--archive" in message and "National Library of Medicine" in message
    assert run(fetch, small, tmp_path, "--url", "montgomery.zip") == 1
    assert "starts with https://" in capfd.readouterr().err


def test_wrong_checksum_of_a_download(fetch, small, server, tmp_path, capfd):
    known = dataclasses.replace(small, sha256="0" * 64)
    assert run(fetch, known, tmp_path, "--url", server.url) == 1
    message = capfd.readouterr().err
    assert "wrong checksum" in message and "0" * 64 in message
    assert hashlib.sha256(server.content).hexdigest() in message
    assert everything(tmp_path) == []
    right = dataclasses.replace(small, sha256=hashlib.sha256(server.content).hexdigest())
    assert run(fetch, right, tmp_path, "--url", server.url) == 0
    assert everything(tmp_path) == [ARCHIVE, *UNPACKED], "what is known needs no record"


def test_wrong_checksum_of_a_file(fetch, small, server, tmp_path, capfd):
    file = tmp_path / "a.zip"
    file.write_bytes(server.content)
    known = dataclasses.replace(small, sha256="0" * 64)
    assert run(fetch, known, tmp_path / "sets", "--archive", file) == 1
    message = capfd.readouterr().err
    assert "wrong checksum" in message and hashlib.sha256(server.content).hexdigest() in message
    assert everything(tmp_path / "sets") == []


def test_recorded_checksum_refuses_another_archive(fetch, small, server, tmp_path, capfd):
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    shutil.rmtree(tmp_path / "montgomery")
    first = server.content

    # The same archive on the disk is used again.
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert server.requests == 1
    shutil.rmtree(tmp_path / "montgomery")

    # A damaged one is downloaded again.
    (tmp_path / ARCHIVE).write_bytes(first[:-1] + b"?")
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert server.requests == 2
    shutil.rmtree(tmp_path / "montgomery")

    # Another one from the server is refused, until its checksum is put into the record.
    server.content = make_zip(IMAGES | BESIDE | {"new.txt": b"!"})
    (tmp_path / ARCHIVE).unlink()
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "checksums.txt" in capfd.readouterr().err
    assert everything(tmp_path) == ["archives/checksums.txt"]
    new = hashlib.sha256(server.content).hexdigest()
    (tmp_path / "archives" / "checksums.txt").write_text(f"{new}  NLM-MontgomeryCXRSet.zip\n")
    assert run(fetch, small, tmp_path, "--url", server.url) == 0


class FullDisk(io.RawIOBase):
    def writable(self):
        return True

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_while_unpacking(fetch, small, server, tmp_path, capfd, monkeypatch):
    def full_after_one_file(source, file, copy=shutil.copyfileobj):
        if "0002" in file.name:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, file)

    monkeypatch.setattr(fetch.shutil, "copyfileobj", full_after_one_file)
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "is full (No space left on device)" in capfd.readouterr().err
    assert everything(tmp_path) == [ARCHIVE] and not (tmp_path / "montgomery.part").exists()
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert server.requests == 1


def test_full_disk_while_downloading(fetch, small, server, tmp_path, capfd, monkeypatch):
    # What pooch opens for writing is a full disk.
    downloaders = importlib.import_module("pooch.downloaders")
    monkeypatch.setattr(downloaders, "open", lambda *_: FullDisk(), raising=False)
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "is full (No space left on device)" in capfd.readouterr().err
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png", "C:/evil.png"],
)
def test_member_that_points_out_of_the_folder(fetch, small, server, tmp_path, capfd, name):
    server.content = make_zip(IMAGES | {name: png(40, 48)})
    assert run(fetch, small, tmp_path / "sets", "--url", server.url) == 1
    message = capfd.readouterr().err
    assert "refused" in message and "points out of the folder" in message
    assert everything(tmp_path) == ["sets/" + ARCHIVE]


TUBERCULOSIS = "MontgomerySet/CXR_png/MCUCXR_0104_1.png"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x/CXR_png/MCUCXR_0003_0.png": png(40, 48)}, r"3 files are named like MCUCXR_\d{4}_0"),
        ({TUBERCULOSIS: None}, r"0 files are named like MCUCXR_\d{4}_1"),
        ({TUBERCULOSIS: png(41, 48)}, "its size is 41 x 48, expected 40 x 48"),
        ({TUBERCULOSIS: b"text"}, "not an image"),
        ({"x/CXR_png/MCUCXR_0104_1.png": png(40, 48)}, "two files named MCUCXR_0104_1.png"),
    ],
)
def test_content_that_is_not_right(fetch, small, server, tmp_path, capfd, change, message):
    members = {name: content for name, content in (IMAGES | change).items() if content is not None}
    server.content = make_zip(members)
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert message in capfd.readouterr().err
    assert everything(tmp_path) == [ARCHIVE]


def test_damaged_member(fetch, small, server, tmp_path, capfd):
    damaged = bytearray(server.content)
    with zipfile.ZipFile(io.BytesIO(server.content)) as opened:
        info = opened.infolist()[1]
    damaged[info.header_offset + 30 + len(info.filename) + 4] ^= 0xFF
    server.content = bytes(damaged)
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "cannot be unpacked" in capfd.readouterr().err
    assert everything(tmp_path) == [ARCHIVE]


def test_leftovers_of_a_run_that_was_killed(fetch, small, server, tmp_path):
    (tmp_path / "montgomery.part").mkdir()
    (tmp_path / "montgomery.part" / "MCUCXR_0009_0.png").write_bytes(b"half")
    (tmp_path / "montgomery").mkdir()
    assert run(fetch, small, tmp_path, "--url", server.url) == 0
    assert everything(tmp_path) == [ARCHIVE, "archives/checksums.txt", *UNPACKED]


def test_folder_with_something_else_is_left_alone(fetch, small, server, tmp_path, capfd):
    (tmp_path / "montgomery").mkdir()
    (tmp_path / "montgomery" / "mine.png").write_bytes(png(5, 5))
    assert run(fetch, small, tmp_path, "--url", server.url) == 1
    assert "is in the way" in capfd.readouterr().err
    assert everything(tmp_path) == ["montgomery/mine.png"] and server.requests == 0


# --- every set --------------------------------------------------------------------------------


def members_of(name, count):
    """Make what the real archive holds, under the publisher's names, with some that is not used."""
    if name in ("montgomery", "shenzhen"):
        folder = {"montgomery": "MontgomerySet", "shenzhen": "ChinaSet_AllFiles"}[name]
        letters, size = {"montgomery": ("MCU", (4020, 4892)), "shenzhen": ("CHN", (2000, 3000))}[
            name
        ]
        numbers = range(1, sum(count) + 1)
        names = [f"{letters}CXR_{i:04}_{int(i > count[0])}.png" for i in numbers]
        return dict.fromkeys((f"{folder}/CXR_png/{n}" for n in names), png(*size))
    if name == "ultrasound":
        file = io.BytesIO()
        Image.fromarray(np.zeros((420, 580), np.uint8)).save(file, "TIFF", compression="tiff_lzw")
        names = [f"train/{i // 9}_{i % 9}{end}" for i in range(count[0]) for end in ("", "_mask")]
        images = dict.fromkeys((f"{n}.tif" for n in names), file.getvalue())
        return images | {"test/1.tif": b"?", "train_masks.csv": b"?"}
    volume = nibabel.Nifti1Image(np.zeros((240, 240, 155), np.uint8), np.eye(4))
    subjects = [f"{'HGG' if i else 'LGG'}/Brats18_2013_{i}_1" for i in range(count[0])]
    names = [f"{s}/{Path(s).name}_{kind}" for s in subjects for kind in ("flair", "t1", "seg")]
    folder = "MICCAI_BraTS_2018_Data_Training"
    content = gzip.compress(volume.to_bytes(), 1)
    return dict.fromkeys((f"{folder}/{n}.nii.gz" for n in names), content)


@pytest.mark.parametrize(
    ("name", "printed", "count"),
    [("montgomery", (80, 58), (2, 1)), ("shenzhen", (326, 336), (1, 2)),
     ("ultrasound", (5635, 5635), (12, 12)), ("brats18", (285,), (2,))],
)  # fmt: skip
def test_script_of_every_set(fetch, tmp_path, capfd, name, printed, count):
    archive = importlib.import_module(name).ARCHIVE
    assert archive.name == name and name in data.NAMES
    assert tuple(archive.images.values()) == printed
    file = tmp_path / "a.zip"
    file.write_bytes(make_zip(members_of(name, count)))
    given = dataclasses.replace(archive, sha256=None)
    assert run(fetch, given, tmp_path, "--archive", file) == 1
    assert f"there should be {printed[0]}" in capfd.readouterr().err
    assert not (tmp_path / name).exists()

    few = dataclasses.replace(given, images=dict(zip(given.images, count, strict=True)))
    assert run(fetch, few, tmp_path, "--archive", file) == 0
    assert len(list((tmp_path / name).iterdir())) == sum(count)


@pytest.mark.slow
def test_script_as_a_program(tmp_path):
    script = [sys.executable, str(FOLDER / "shenzhen.py")]
    options = ["--archive", "none.zip", "--output", str(tmp_path / "shenzhen")]
    failed = subprocess.run([*script, *options], capture_output=True, text=True, cwd=tmp_path)
    assert failed.returncode == 1 and failed.stderr == "\nthere is no file none.zip\n"
    assert everything(tmp_path) == []


SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "fetch")


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_how_to_get_access(fetch, capsys, name):
    with pytest.raises(SystemExit) as ended:
        fetch.main(importlib.import_module(name).ARCHIVE, ["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "Access: free" in shown and f"python data_download/{name}.py --archive" in shown


@pytest.mark.parametrize("name", ["ultrasound", "brats18"])
def test_set_behind_an_account_says_what_to_do(fetch, tmp_path, capfd, name):
    archive = importlib.import_module(name).ARCHIVE
    assert run(fetch, archive, tmp_path) == 1
    message = capfd.readouterr().err
    assert "1. " in message and f"python data_download/{name}.py --archive" in message


def make_npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def splits(n, dtype=np.uint8):
    """Arrays as those of MedMNIST+, with n images each, all of one gray level."""
    return {
        f"{split}_{what}": np.full((n, 224, 224) if what == "images" else (n, 1), i, dtype)
        for i, split in enumerate(("train", "val", "test"), 1)
        for what in ("images", "labels")
    }


@pytest.mark.parametrize("name", data.ALTERNATIVES)
def test_arrays_become_png_files_that_load(fetch, server, tmp_path, capfd, name):
    archive = importlib.import_module(name.replace("-", "_")).ARCHIVE
    assert archive.name == name and archive.checksum == f"md5:{archive.md5}"
    server.content = make_npz(**splits(2))
    assert run(fetch, archive, tmp_path, "--url", server.url) == 1
    assert "wrong checksum" in capfd.readouterr().err and everything(tmp_path) == []
    known = dataclasses.replace(archive, md5=hashlib.md5(server.content).hexdigest())
    assert run(fetch, known, tmp_path, "--url", server.url) == 1
    (count,) = archive.images.values()
    assert f"6 files are named like (train|val|test)_\\d{{4}}\\.png, there should be {count}" in (
        capfd.readouterr().err
    )
    few = dataclasses.replace(known, images=dict.fromkeys(archive.images, 6))
    assert run(fetch, few, tmp_path, "--url", server.url) == 0
    read = data.load(name, tmp_path)
    assert read.origin == "files" and read.images.shape == (6, 256, 256, 3)
    assert read.files[0] == "test_0000.png" and read.images[:, 0, 0, 0].tolist() == [
        3,
        3,
        1,
        1,
        2,
        2,
    ]
    # MD5 is known beforehand, so nothing is taken on trust.
    assert not (tmp_path / "archives" / "checksums.txt").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (make_npz(train_images=np.array([{}])), "Object arrays cannot be loaded"),
        (
            make_npz(**splits(1, np.float32)),
            "train_images is float32 (1, 224, 224)",
        ),
        (make_npz(train_labels=np.zeros(3)), "train_images"),
    ],
)
def test_arrays_that_are_no_images_are_refused(fetch, tmp_path, capfd, content, message):
    archive = importlib.import_module("medmnist_ultrasound").ARCHIVE
    file = tmp_path / "a.npz"
    file.write_bytes(content)
    given = dataclasses.replace(archive, md5=None)
    assert run(fetch, given, tmp_path / "sets", "--archive", file) == 1
    assert message in capfd.readouterr().err and everything(tmp_path / "sets") == []


def make_tar(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as opened:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            opened.addfile(about, io.BytesIO(content))
        link = tarfile.TarInfo("Task01_BrainTumour/imagesTr/BRATS_999.nii.gz")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    return file.getvalue()


def four_sequences():
    """A volume as one of the Decathlon's, of 24 x 20 x 40 voxels; only FLAIR has gray levels."""
    voxels = np.zeros((24, 20, 40, 4), np.int16)
    voxels[4:20, 4:16, 2:38, 0] = np.arange(1, 37)
    voxels[..., 1:] = 5
    return gzip.compress(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes())


def test_volumes_of_the_decathlon_are_read_by_their_flair(fetch, tmp_path, capfd):
    archive = importlib.import_module("brats18_decathlon").ARCHIVE
    folder = "Task01_BrainTumour"
    content = make_tar(
        {f"{folder}/imagesTr/BRATS_{i:03}.nii.gz": four_sequences() for i in (1, 2)}
        | {
            f"{folder}/imagesTr/._BRATS_001.nii.gz": b"?",
            f"{folder}/labelsTr/BRATS_001.nii.gz": b"?",
        }
    )
    file = tmp_path / "a.tar"
    file.write_bytes(content)
    given = dataclasses.replace(
        archive,
        images=dict.fromkeys(archive.images, 2),
        md5=hashlib.md5(content).hexdigest(),
        size_is_right=lambda size: size == (24, 20, 40, 4),
    )
    assert archive.size_is_right((240, 240, 155, 4)) and not archive.size_is_right((240, 240, 155))
    assert run(fetch, given, tmp_path, "--archive", file) == 0, capfd.readouterr().err
    assert sorted(p.name for p in (tmp_path / "brats18").iterdir()) == [
        "BRATS_001.nii.gz",
        "BRATS_002.nii.gz",
    ]
    read = data.load("brats18", tmp_path)
    assert len(read.images) == 46 and read.origin == "files"
    assert len(np.unique(read.images[::2, 0, 0, 0])) == 23, "each slice of FLAIR has its own gray"
    evil = tmp_path / "evil.tar"
    evil.write_bytes(make_tar({"../evil.nii.gz": b"?"}))
    assert run(fetch, dataclasses.replace(given, md5=None), tmp_path / "x", "--archive", evil) == 1
    assert "points out of the folder" in capfd.readouterr().err
