"""How much memory large images take: what follows from the design, in processes of their own.

Each limit counts the arrays of the image's size that have to be there at once: the files that are
read and written, the keys and the result. What is worked on in between is bounded: blocks of
1,048,576 samples, a few at a time, and pieces of a mebibyte. Two sizes are compared, both above
that, so that neither these nor the program's own size matter.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from dkg import cipher, dicom, encryption

from .parts import make_image, random_bytes, write

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs Linux's /proc for the peak of the memory"
)

MEBIBYTE = 2**20
SMALL, LARGE = 8, 40  # Mebibytes of an image.

RUN = """
import re, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from dkg import dicom, encryption
from dkg.cipher import CipherError
{}
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""

# A buffer that grows has room for an eighth more, and two of them may grow at a time.
TOLERANCE = 0.25


def peak(code, *arguments):
    """Return the peak of the memory in mebibytes of a process that runs some code."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(code), *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


def write_files(folder, size, form="raw"):
    """Write an image of a size in mebibytes, as DICOM or PNG, and its key."""
    folder.mkdir()
    side = 1024
    if form == "png":
        pixels = np.frombuffer(random_bytes(size * MEBIBYTE), np.uint16).reshape(-1, side)
        encryption.write_samples(folder / "in.png", pixels)
    else:
        image = make_image(side, side, frames=size // 2, stored=16)
        if form == "compressed":
            image.compress(RLELossless, generate_instance_uid=False)
        if form == "big-endian":
            image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        (folder / "in.dcm").write_bytes(write(image))
    n = -(-size * MEBIBYTE // cipher.KEY_BYTES)
    keys = np.frombuffer(random_bytes(n * cipher.KEY_BYTES), np.uint8).reshape(n, 256, 256, 3)
    encryption.write_key(folder / "key.png", keys, weights_sha256="0" * 64, weights_public=False)
    return folder


def growth(tmp_path, form, *steps):
    """Return by how many images' sizes the peak of each step grows with the image."""
    peaks = [
        [peak(step, write_files(tmp_path / f"{size}", size, form)) for step in steps[:1]]
        + [peak(step, tmp_path / f"{size}") for step in steps[1:]]
        for size in (SMALL, LARGE)
    ]
    return (np.array(peaks[1]) - peaks[0]) / (LARGE - SMALL)


PATHS = "folder = Path(sys.argv[1])\n"
ENCRYPT = PATHS + "dicom.encrypt_file(folder / 'in.dcm', folder / 'key.png', folder / 'out.dcm')"
DECRYPT = PATHS + "dicom.decrypt_file(folder / 'out.dcm', folder / 'key.png', folder / 'back.dcm')"


@pytest.mark.slow
def test_a_dicom_file_takes_itself_its_keys_and_the_result(tmp_path):
    """File, keys and noise to encrypt; encrypted file, keys and file to decrypt: three each."""
    for grown in growth(tmp_path, "raw", ENCRYPT, DECRYPT):
        assert grown < 3 + TOLERANCE
    for size in (SMALL, LARGE):
        files = tmp_path / f"{size}"
        assert (files / "back.dcm").read_bytes() == (files / "in.dcm").read_bytes()


@pytest.mark.slow
def test_a_big_endian_file_also_takes_its_encrypted_copy(tmp_path):
    """As a compressed one: its samples are no zeros in the file that goes along."""
    for grown in growth(tmp_path, "big-endian", ENCRYPT, DECRYPT):
        assert grown < 4 + TOLERANCE


@pytest.mark.slow
def test_a_compressed_file_also_takes_its_encrypted_copy(tmp_path):
    """RLE of noise is as large as the noise. The encrypted file has it beside the noise.

    File, keys, noise and encrypted copy to encrypt; the last three and the result to decrypt.
    """
    for grown in growth(tmp_path, "compressed", ENCRYPT, DECRYPT):
        assert grown < 4 + TOLERANCE


@pytest.mark.slow
def test_a_png_file_takes_itself_its_keys_and_the_result(tmp_path):
    """The file is not there any more when the samples are encrypted, and they are not when encoded.

    So there are three of: keys, file, samples, ciphertext and its file.
    """
    encrypt = "encryption.encrypt_file(folder / 'in.png', folder / 'key.png', folder / 'out.png')"
    decrypt = "encryption.decrypt_file(folder / 'out.png', folder / 'key.png', folder / 'b.png')"
    for grown in growth(tmp_path, "png", PATHS + encrypt, PATHS + decrypt):
        assert grown < 3 + TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 10])
def test_noise_of_version_1_is_decoded_to_its_announced_size_only(tmp_path, frames):
    """A file of kilobytes says to be as large as its key. Its tag is over the noise.

    Its frames are decoded one after another into the place of the noise: beside that there are the
    key and one frame, which the decoder and pydicom have three times.
    """

    def bomb(folder, side):
        folder.mkdir()
        size = frames * side * side
        n = -(-size // cipher.KEY_BYTES)
        keys = np.frombuffer(random_bytes(n * cipher.KEY_BYTES), np.uint8).reshape(n, 256, 256, 3)
        image = dicom.encrypt_dataset(make_image(side, side, allocated=8, stored=8), keys)
        image.PixelData, image.NumberOfFrames = bytes(size), frames
        image.compress(RLELossless, generate_instance_uid=False)
        (folder / "in.dcm").write_bytes(write(image))
        assert (folder / "in.dcm").stat().st_size < size / 20
        # The sizes of keys are known, and what they are does not matter: the tag is never right.
        np.save(folder / "keys.npy", keys)
        return folder, size / MEBIBYTE

    code = PATHS + (
        "import numpy as np\n"
        "image, keys = dicom.read(folder / 'in.dcm'), np.load(folder / 'keys.npy')\n"
        "try:\n    dicom.decrypt_dataset(image, keys)\n"
        "except CipherError as error:\n    assert 'were changed' in str(error)\n"
        "else:\n    raise AssertionError\n"
    )
    sizes, peaks = [], []
    for name, side in (("small", 1024), ("large", 2048)):
        folder, size = bomb(tmp_path / name, side)
        sizes.append(size)
        peaks.append(peak(code, folder))
    grown = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    assert grown < 2 + 3 / frames + TOLERANCE
