"""DICOM images encrypted and decrypted with a key file, and with seed images."""

import os
import threading
from pathlib import Path

import numpy as np
import pydicom
import pytest

from dkg import encryption

from .conftest import error, make_key, random_bytes, run, save

CT = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"


def test_dicom_with_a_key_file(tmp_path, key):
    out, back = tmp_path / "out.dcm", tmp_path / "back.dcm"
    result = run("dicom", "encrypt", CT, "--key", key, "-o", out)
    assert result.stdout == f"{out}: {CT} encrypted with {key}\n"
    assert "patient attributes stay readable: " in result.stderr
    for word in ("PatientName", "PatientID", "--attributes basic-profile"):
        assert word in result.stderr.splitlines()[0]
    assert "not readable either" in result.stderr
    assert "172 private elements" in result.stderr
    result = run("dicom", "decrypt", out, "--key", key, "-o", back)
    assert result.stdout == f"{back}: {out} decrypted with {key}\n"
    assert back.read_bytes() == CT.read_bytes()

    run("dicom", "encrypt", CT, "--key", key, "-o", out, "--force")
    assert "exists already" in error("dicom", "encrypt", CT, "--key", key, "-o", out)
    profile = ("--attributes", "basic-profile", "--force")
    assert "already encrypted" in error("dicom", "encrypt", CT, "-k", key, "-o", out, *profile)
    result = run("dicom", "encrypt", CT, "-k", key, "-o", out, *profile, "--allow-key-reuse")
    assert "Warning: this key has encrypted another image" in result.stderr
    assert "removed or replaced as the basic profile of PS3.15" in result.stderr
    assert "PatientName" in result.stderr
    assert b"CompressedSamples^CT1" in CT.read_bytes()
    assert b"CompressedSamples^CT1" not in out.read_bytes()
    run("dicom", "decrypt", out, "--key", key, "-o", back, "--force")
    assert back.read_bytes() == CT.read_bytes()


def test_dicom_with_seed_images(tmp_path, network):
    folder = tmp_path / "seeds"
    folder.mkdir()
    for name in "abc":
        save(folder / f"{name}.png", random_bytes(256, 256, 3))
    image = CT.with_name("examples_palette.dcm")  # Takes two keys.
    out, back = tmp_path / "out.dcm", tmp_path / "back.dcm"
    options = ("--weights", network, "--device", "cpu", "-o", out)
    message = error("dicom", "encrypt", image, "--seed", folder / "a.png", *options)
    assert f"{image}: needs 2 keys, one from each seed image, and there is 1" in message
    run("dicom", "encrypt", image, "--seed", folder, *options)
    made = tmp_path / "out-key.png"
    assert len(encryption.read_key(made).keys) == 2
    run("dicom", "decrypt", out, "--key", made, "-o", back)
    assert back.read_bytes() == image.read_bytes()

    named = tmp_path / "named.png"
    run("dicom", "encrypt", image, "--seed", folder, *options, "--key", named, "--force")
    assert np.array_equal(encryption.read_key(named).keys, encryption.read_key(made).keys)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_dicom_images_from_a_pipe(tmp_path, key):
    pipe, out, back = tmp_path / "pipe", tmp_path / "out.dcm", tmp_path / "back.dcm"
    os.mkfifo(pipe)
    for command, source, target in (("encrypt", CT, out), ("decrypt", out, back)):
        writer = threading.Thread(target=pipe.write_bytes, args=(source.read_bytes(),))
        writer.start()
        run("dicom", command, pipe, "--key", key, "-o", target)
        writer.join()
    assert back.read_bytes() == CT.read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_key_from_a_pipe_is_refused(tmp_path, key):
    """Its use could not be recorded."""
    pipe, out = tmp_path / "pipe", tmp_path / "out.dcm"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_bytes, args=(key.read_bytes(),))
    writer.start()
    message = error("dicom", "encrypt", CT, "--key", pipe, "-o", out)
    writer.join()
    assert "pipe: no file" in message and not out.exists()


def test_a_key_whose_image_was_refused_is_not_left(tmp_path, network):
    seed, out = save(tmp_path / "a.png", random_bytes(256, 256, 3)), tmp_path / "out.dcm"
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(CT.read_bytes()[:-500])
    options = ("--seed", seed, "--weights", network, "--device", "cpu", "-o", out)
    refused_by = error("dicom", "encrypt", damaged, *options)
    assert str(damaged) in refused_by and not (tmp_path / "out-key.png").exists()
    run("dicom", "encrypt", CT, *options)
    made = (tmp_path / "out-key.png").read_bytes()
    out.unlink()
    # A key that was there before is kept.
    error("dicom", "encrypt", damaged, *options)
    assert (tmp_path / "out-key.png").read_bytes() == made


def test_dicom_errors(tmp_path, key):
    out = tmp_path / "out.dcm"
    assert "a key is needed" in error("dicom", "encrypt", CT, "-o", out)
    assert "must end in .dcm" in error("dicom", "encrypt", CT, "-k", key, "-o", tmp_path / "a.png")
    assert f"{key}: not a DICOM file" in error("dicom", "encrypt", key, "-k", key, "-o", out)
    message = error("dicom", "encrypt", CT, "-k", key, "-o", out, "--attributes", "strip")
    assert "--attributes is keep or basic-profile, not 'strip'" in message
    assert "No such file" in error("dicom", "encrypt", tmp_path / "x.dcm", "-k", key, "-o", out)
    run("dicom", "encrypt", CT, "-k", key, "-o", out)
    other = make_key(tmp_path / "other.png")
    back = tmp_path / "back.dcm"
    assert f"{out}: wrong key" in error("dicom", "decrypt", out, "-k", other, "-o", back)
    assert f"{CT}: not an image that dkg" in error("dicom", "decrypt", CT, "-k", key, "-o", back)
    assert not back.exists()
