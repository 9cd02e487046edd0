"""No key is printed, logged, put into a record or shown by chance: everything is searched for it.

The search is for any 16 bytes of a key in a row: as they are, inside a decoded picture, and written
as hexadecimal, base64 or decimal numbers. That 16 bytes of 200 MB agree by chance with one of the
200,000 places of a key has a probability of 1e-25.
"""

import base64
import json
import logging
import re
import subprocess
import sys
import zlib

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from typer.testing import CliRunner

from dkg import cipher, encryption, hospital, paths
from dkg.attacks import Backdoor, Imitation
from dkg.cli import app
from dkg.dicom.envelope import derive_keys
from dkg.storage import registry
from dkg.training import TrainConfig, train

RNG = np.random.default_rng(0)
WINDOW = 16


def setup_function(function):
    """Let a test draw the same alone and among others."""
    global RNG
    RNG = np.random.default_rng(zlib.crc32(function.__name__.encode()))


def random_bytes(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


# --- The search


class Search:
    """Looks for pieces of keys in bytes, whatever form they are written in."""

    def __init__(self, *keys):
        self.keys = [np.ascontiguousarray(key).tobytes() for key in keys]
        starts = [np.lib.stride_tricks.sliding_window_view(np.frombuffer(k, np.uint8), 8)
                  for k in self.keys]  # fmt: skip
        self.starts = np.unique(np.concatenate([self._as_numbers(s) for s in starts]))

    @staticmethod
    def _as_numbers(windows):
        return np.ascontiguousarray(windows).view(np.uint64).ravel()

    def in_bytes(self, data):
        """Whether any 16 bytes are a piece of a key."""
        if len(data) < WINDOW:
            return False
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), 8)
        numbers = self._as_numbers(windows)
        places = np.searchsorted(self.starts, numbers).clip(max=len(self.starts) - 1)
        for at in np.flatnonzero(self.starts[places] == numbers):
            piece = data[at : at + WINDOW]
            # Flat pieces of a key, such as one of an untrained network, are no secret.
            is_flat = len(piece) < WINDOW or len(set(piece)) < 4
            if not is_flat and any(piece in key for key in self.keys):
                return True
        return False

    def finds(self, data):
        """Whether there is a piece of a key in bytes, or in what they are when decoded."""
        return any(self.in_bytes(form) for form in forms(data))


def forms(data):
    """Yield bytes as they are, and everything that is written in them."""
    yield data
    yield from pictures(data)
    for run in re.findall(rb"[0-9A-Fa-f]{%d,}" % (2 * WINDOW), data):
        for start in (0, 1):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2].decode())
    for run in re.findall(rb"[A-Za-z0-9+/]{%d,}" % (WINDOW * 4 // 3 + 4), data):
        for start in range(4):
            whole = run[start : start + (len(run) - start) // 4 * 4]
            decoded = base64.b64decode(whole)
            yield decoded
            yield from pictures(decoded)
    # Decimal numbers with anything but words between them, as lists and arrays are printed.
    for run in re.findall(rb"(?:\d{1,3}[\s,;()\[\].]+){%d,}\d{1,3}" % (WINDOW - 1), data):
        numbers = [int(number) for number in re.findall(rb"\d+", run)]
        yield bytes(number if number < 256 else 0 for number in numbers)


def pictures(data):
    for decode, start in ((imagecodecs.png_decode, b"\x89PNG"), (imagecodecs.tiff_decode, b"II*")):
        if data.startswith(start):
            pixels = decode(data)
            yield pixels.tobytes()
            yield pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
            if pixels.ndim == 3:
                yield pixels[..., :3].tobytes()
    if data[128:132] == b"DICM":
        yield zlib.decompress(data[132:]) if data[132:134] == b"\x78\x9c" else data[132:]


def test_the_search_finds_a_key_in_every_form(tmp_path):
    key = random_bytes(1, 256, 256, 3)
    search, piece = Search(key), key.tobytes()[1000:1100]
    other = random_bytes(256, 256, 3)
    found = {
        "raw": b"in " + piece,
        "hexadecimal": b"x" + piece.hex().encode(),
        "upper case": b"key 1" + piece.hex().upper().encode() + b".",
        "base64": b"AB" + base64.b64encode(piece),
        "list": str(list(piece)).encode(),
        "array": str(key[0, 4:8, :12]).encode(),
        "JSON": json.dumps({"key": [int(b) for b in piece]}, indent=1).encode(),
        "picture": imagecodecs.png_encode(key[0]),
        "picture of a page": base64.b64encode(imagecodecs.png_encode(key[0])),
        "16 bits": imagecodecs.png_encode(key.reshape(256, 768).view(">u2").astype("u2")),
    }
    assert {name: search.finds(data) for name, data in found.items()} == dict.fromkeys(found, True)
    assert not search.finds(imagecodecs.png_encode(other))
    assert not search.finds(cipher.key_identifier(key).encode() + str(other[:9, :9]).encode())


def written(folder, *keys):
    """Return every file of a folder by name, without those that are to hold keys."""
    kept = {path.resolve() for path in keys}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.resolve() not in kept
    }


@pytest.fixture
def said(caplog, capfd, recwarn):
    """Return everything that was printed, logged and warned of up to now."""
    caplog.set_level(logging.DEBUG)

    def everything():
        out, err = capfd.readouterr()
        caught = "".join(str(warning.message) for warning in recwarn)
        return "\n".join([out, err, caplog.text, caught])

    return everything


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    config = TrainConfig(
        steps=1,
        residual_blocks=0,
        generator_width=1,
        discriminator_width=1,
        sample_steps=(),
        device="cpu",
        seed=0,
        threads=1,
    )
    folder = tmp_path_factory.mktemp("network")
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    return train(config, images, images, folder, progress=False).generator


# --- Objects


def test_objects_that_hold_a_key_do_not_show_it(tmp_path):
    key = random_bytes(1, 256, 256, 3)
    path = tmp_path / "key.png"
    encryption.write_key(path, key, weights_sha256="0" * 64, weights_public=False)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    store.add("0" * 64, key)
    derived = derive_keys(key)
    holders = {
        "key file": encryption.read_key(path),
        "key store": store,
        "imitation": Imitation({}, random_bytes(1, 256, 256, 3), {"A": key}, None, 0),
        "backdoor": Backdoor(None, None, key[0]),
    }
    # As short as NumPy prints a long array, and shorter: any six numbers in a row.
    values = ",".join(map(str, key.ravel()))
    for name, holder in holders.items():
        for shown in (repr(holder), str(holder), f"{holder}"):
            runs = re.findall(r"(?:\d+[\s,\[\]]+){5}\d+", shown)
            numbers = [",".join(re.findall(r"\d+", run)) for run in runs]
            if name == "imitation":  # It shows the plaintexts.
                numbers = [run for run in numbers if f",{run}," in values]
            assert numbers == [], name
    for secret in (derived.wrapping, derived.content, derived.tag, derived.uid):
        assert repr(secret) not in repr(derived) and secret.hex() not in repr(derived)
    search = Search(key)
    assert not any(search.finds(repr(holder).encode()) for holder in holders.values())


def test_a_refused_key_is_not_in_the_message(tmp_path):
    key = random_bytes(2, 256, 256, 3)
    store = hospital.KeyStore(tmp_path / "keys.sqlite")
    store.add("0" * 64, key)
    refused = []
    for call in (
        lambda: store.add("1" * 64, key[:1]),
        lambda: store.add("1" * 64, np.repeat(key[:1], 2, axis=0)),
        lambda: store.add("1" * 64, key[0]),
        lambda: cipher.xor(key[0], key),
        lambda: cipher.key_identifier(key.astype(np.uint16)),
        lambda: encryption.encrypt(random_bytes(999, 999), key),
        lambda: encryption.write_key(
            tmp_path / "key.png", key[:, 1:], weights_sha256="", weights_public=True
        ),
    ):
        with pytest.raises((cipher.CipherError, hospital.HospitalError)) as caught:
            call()
        refused.append(str(caught.value))
    text = "\n".join(refused)
    assert not Search(key).finds(text.encode())
    assert not re.search(r"\d+[ ,]+\d+[ ,]+\d+[ ,]+\d+[ ,]+\d+", text), text


# --- The command, whole and broken


def command(*arguments, status=0):
    """Run a command, and return what it says and the traceback that Python would print."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.slow
def test_commands_show_no_key(tmp_path, network, said, monkeypatch):
    """Keygen, encrypt, decrypt and analyze, with wrong keys, changed files and used keys."""
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        Image.fromarray(random_bytes(256, 256, 3)).save(f"seed-{number}.png")
    command("keygen", "-s", "seed-0.png", "-w", network, "-o", "made.png")
    command("keygen", "-s", "seed-0.png", "-w", network, "-o", "made.png", status=1)
    keys = {"made.png": encryption.read_key("made.png").keys}
    for name in ("key.png", "other.png"):
        keys[name] = random_bytes(1, 256, 256, 3)
        encryption.write_key(name, keys[name], weights_sha256="0" * 64, weights_public=True)
    for number, (shape, dtype) in enumerate([((40, 30, 3), np.uint8), ((30, 40), np.uint16)]):
        encryption.write_samples(f"image-{number}.tif", random_bytes(*shape, dtype=dtype))
    for name in ("made", "key"):
        out = f"{name}-out.png"
        command("encrypt", "image-0.tif", "-k", f"{name}.png", "-o", out)
        command("decrypt", out, "-k", f"{name}.png", "-o", f"{name}-back.tif")
        command("decrypt", out, "-k", "other.png", "-o", "no.tif", status=1)  # Wrong.
        command("encrypt", "image-1.tif", "-k", f"{name}.png", "-o", "no.png", status=1)  # Used.
        command("encrypt", f"{name}.png", "-k", f"{name}.png", "-o", "no.png", status=1)
    command("analyze", "key.png")
    command("analyze", "image-0.tif", "key-out.png")
    changed = bytearray((tmp_path / "key.png").read_bytes())
    changed[5000] ^= 1
    (tmp_path / "key-changed.png").write_bytes(changed)
    command("decrypt", "key-out.png", "-k", "key-changed.png", "-o", "no.tif", status=1)
    image = hospital.new_image(random_bytes(20, 30), patient_name="A", patient_id="1")
    pydicom.dcmwrite("image.dcm", image, enforce_file_format=True)
    command("dicom", "encrypt", "image.dcm", "-k", "other.png", "-o", "noise.dcm")
    command("dicom", "encrypt", "image.dcm", "-k", "key.png", "-o", "no.dcm", status=1)
    command("dicom", "decrypt", "noise.dcm", "-k", "other.png", "-o", "back.dcm")
    command("dicom", "decrypt", "noise.dcm", "-k", "key.png", "-o", "no.dcm", status=1)
    seeded = ("dicom", "encrypt", "image.dcm", "-s", "seed-1.png", "-w", network)
    command(*seeded, "-o", "seeded.dcm")
    keys["seeded-key.png"] = encryption.read_key("seeded-key.png").keys
    search = Search(*keys.values())
    files = written(tmp_path, *map(tmp_path.joinpath, [*keys, "key-changed.png"]))
    assert {registry.BESIDE_KEY, "key-out.png", "noise.dcm", "back.dcm"} <= set(files)
    assert [name for name, data in files.items() if search.finds(data)] == []
    assert not search.finds(said().encode())
    for name in keys:
        assert search.finds((tmp_path / name).read_bytes())  # Where it is, it is found.
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


BROKEN = """
import sys
from dkg.cli import app
from dkg.dicom import encryption
from dkg.encryption import ciphertext_files, key_files

def fail(*arguments, **options):
    raise AssertionError("forced")

ciphertext_files.encode_noise = ciphertext_files.write_samples = key_files.encode_noise = fail
encryption.encode_content = fail
app(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["encrypt", "decrypt", "keygen", "dicom encrypt"])
def test_a_traceback_shows_no_key(tmp_path, network, name):
    """An error that nobody has foreseen is shown without the values of variables."""
    key = random_bytes(1, 256, 256, 3)
    encryption.write_key(tmp_path / "key.png", key, weights_sha256="0" * 64, weights_public=True)
    Image.fromarray(random_bytes(256, 256, 3)).save(tmp_path / "image.png")
    image = hospital.new_image(random_bytes(20, 30), patient_name="A", patient_id="1")
    pydicom.dcmwrite(tmp_path / "image.dcm", image, enforce_file_format=True)
    encryption.encrypt_file(*(tmp_path / f"{name}.png" for name in ("image", "key", "encrypted")))
    arguments = {
        "encrypt": ("encrypt", "image.png", "-k", "key.png", "-o", "out.png"),
        "decrypt": ("decrypt", "encrypted.png", "-k", "key.png", "-o", "out.png"),
        "keygen": ("keygen", "-s", "image.png", "-w", network, "-o", "out.png"),
        "dicom encrypt": ("dicom", "encrypt", "image.dcm", "-k", "key.png", "-o", "out.dcm"),
    }[name]
    ended = subprocess.run(
        [sys.executable, "-c", BROKEN, *map(str, arguments)],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    text = ended.stderr.decode()
    assert ended.returncode == 1 and "AssertionError: forced" in text
    assert "Traceback (most recent call last)" in text and "locals" not in text
    keys = [key]
    if name == "keygen":
        command("keygen", "-s", tmp_path / "image.png", "-w", network, "-o", tmp_path / "made.png")
        keys = [encryption.read_key(tmp_path / "made.png").keys]
    search = Search(*keys)
    assert not search.finds(ended.stderr) and not search.finds(ended.stdout)
    # Nor in the way in which NumPy shortens an array.
    assert not re.search(r"\d+[ ,]+\d+[ ,]+\d+\]", text), text


# --- Training, records and notebooks


def test_a_training_shows_no_key_but_in_its_sample_pictures(tmp_path, said):
    config = TrainConfig(
        steps=2,
        residual_blocks=0,
        generator_width=1,
        discriminator_width=1,
        sample_steps=(0, 2),
        log_every=1,
        device="cpu",
        seed=0,
        threads=1,
    )
    images = random_bytes(2, 64, 64, 3)
    train(config, images, images, tmp_path / "run", progress=True)
    samples = sorted((tmp_path / "run" / "samples").glob("*.png"))
    assert len(samples) == 2
    assert [path.stat().st_mode & 0o777 for path in samples] == [0o600] * 2
    keys = [np.asarray(Image.open(path)) for path in samples]
    search = Search(*keys)
    assert all(search.finds(path.read_bytes()) for path in samples)
    files = written(tmp_path, *samples)
    assert len(files) >= 3
    assert [name for name, data in files.items() if search.finds(data)] == []
    assert not search.finds(said().encode())


LONGEST = 4096
"""Numbers in a list of a record; a key has 196,608."""


def lists(value):
    if isinstance(value, dict):
        value = list(value.values())
    elif isinstance(value, list):
        yield value
    else:
        return
    for inner in value:
        yield from lists(inner)


def all_records():
    yield from json.loads((paths.root() / "docs" / "results.json").read_text()).items()
    # Those of the notebooks' last run, which `make test` makes before the tests.
    for path in sorted((paths.root() / "build" / "figures" / "results").glob("*.json")):
        yield path.name, json.loads(path.read_text())


def test_no_record_holds_as_many_numbers_as_a_key():
    records = dict(all_records())
    assert len(records) >= 20
    for name, content in records.items():
        for values in lists(content):
            assert len(values) <= LONGEST, name
        # Hashes are the longest text without a space.
        assert not re.search(r"[0-9a-fA-F]{65,}|[A-Za-z0-9+/]{200,}", json.dumps(content)), name


def test_a_hidden_key_cannot_be_read_off_a_picture(monkeypatch):
    """With `keys: hidden`, as in profile full; without it pictures are exact, and it can."""
    from dkg import plots

    key = random_bytes(256, 256, 3)
    shares = {}
    for hidden in ("", "1"):
        monkeypatch.setenv("DKG_HIDE_KEYS", hidden)
        [image] = plots.image_grid({"key": key}).axes[0].images
        shown = np.asarray(image.get_array())
        assert shown.shape == key.shape and shown.dtype == np.uint8
        shares[hidden] = Search(key).in_bytes(shown.tobytes())
        if hidden:
            blocks = key.reshape(64, 4, 64, 4, 3).mean((1, 3)).repeat(4, 0).repeat(4, 1)
            assert np.abs(shown - blocks).max() <= 0.5  # Rounded.
    assert shares == {"": True, "1": False}


@pytest.mark.slow
def test_a_hidden_key_cannot_be_read_off_a_panel(monkeypatch):
    """The attack lab's pictures are PNG files inside the page."""
    from dkg.widgets import KeysPanel

    found = {}
    for hidden in ("", "1"):
        monkeypatch.setenv("DKG_HIDE_KEYS", hidden)
        panel = KeysPanel()
        search = Search(panel.view.pictures["its key"])
        pages = [image.value.encode() for image in panel._images.values()]
        found[hidden] = any(search.finds(_picture(page)) for page in pages)
    assert found == {"": True, "1": False}


def _picture(page):
    return base64.b64decode(re.search(rb"base64,([A-Za-z0-9+/=]+)", page)[1])
