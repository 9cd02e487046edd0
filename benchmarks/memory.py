"""Peak of the memory of encryption and decryption, by format and size of the image.

    python benchmarks/memory.py
    python benchmarks/memory.py --mebibytes 190

Each command is a process of its own, and its peak is its largest resident set (VmHWM of Linux).
The images and their keys are random bytes of the system, 16 bits a sample, so that no compression
makes them smaller. The smallest size shows what the program itself takes.
"""

import argparse
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pydicom.uid import RLELossless

from dkg import cipher, encryption, hospital

WIDTH = 4096
# What the system counts for a child of this process would include this process's own memory.
RUN = """
import re, sys
from pathlib import Path
from dkg.cli import app
app(sys.argv[1:], standalone_mode=False)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""

FORMS = {"DICOM": "dcm", "DICOM, RLE": "dcm", "PNG": "png"}


def write_files(folder, form, mebibytes):
    """Write the image and its key; return the image's path."""
    size = mebibytes * 2**20
    samples = np.frombuffer(secrets.token_bytes(size), np.uint16).reshape(-1, WIDTH)
    path = folder / f"in.{FORMS[form]}"
    if form == "PNG":
        encryption.write_samples(path, samples)
    else:
        image = hospital.new_image(samples, patient_name="A", patient_id="1")
        if form == "DICOM, RLE":
            image.compress(RLELossless, generate_instance_uid=False)
        image.save_as(path, enforce_file_format=True)
    n = -(-size // cipher.KEY_BYTES)
    keys = np.frombuffer(secrets.token_bytes(n * cipher.KEY_BYTES), np.uint8)
    encryption.write_key(
        folder / "key.png",
        keys.reshape(n, *cipher.KEY_SHAPE),
        weights_sha256="0" * 64,
        weights_public=False,
    )
    return path


def peak(folder, *arguments):
    """Return the peak of the memory of a command, in mebibytes."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return int(done.stdout.split()[-1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebibytes", type=int, nargs="+", default=[2, 48, 190])
    print("size of the image, peak of encryption and of decryption, in MiB")
    for mebibytes in parser.parse_args().mebibytes:
        for form, suffix in FORMS.items():
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                image = write_files(folder, form, mebibytes).name
                group = ["dicom"] if suffix == "dcm" else []
                out, back = f"out.{suffix}", f"back.{suffix}"
                there = peak(folder, *group, "encrypt", image, "--key", "key.png", "--out", out)
                again = peak(folder, *group, "decrypt", out, "--key", "key.png", "--out", back)
            print(f"{form:>10}  {mebibytes:4}  {there:6.0f}  {again:6.0f}")


if __name__ == "__main__":
    main()
