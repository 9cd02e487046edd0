"""``dkg evaluate``: a cipher, or its ciphertexts, and the files of the report."""

import json

import pytest

from .conftest import error, random_bytes, run, save

QUICK = ("--measures", "histogram,texture", "--attacks", "averaging", "--random-seed", 1)

CIPHER = '''
import numpy as np


class MyCipher:
    """XOR with one byte."""

    def encrypt(self, image, key):
        return image ^ np.uint8(key)

    decrypt = encrypt

    def random_key(self, rng):
        return int(rng.integers(256))
'''


@pytest.fixture
def folder(tmp_path):
    for name in "ab":
        save(tmp_path / "in" / f"{name}.png", random_bytes(64, 64, 3) // 4)
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def make(tmp_path):
    for name in ("in", "out"):
        (tmp_path / name).mkdir(exist_ok=True)


def found(path):
    return json.loads((path / "outcomes.json").read_text())


@pytest.mark.slow
def test_a_cipher_in_a_file(tmp_path, folder):
    file = tmp_path / "my_cipher.py"
    file.write_text(CIPHER)
    shown = run("evaluate", f"{file}:MyCipher", "--images", folder, "-o", tmp_path / "r", *QUICK)
    assert shown.stdout.strip().endswith(str(tmp_path / "r" / "report.html"))
    assert "Measures: " in shown.stdout and "entropy" in shown.stdout
    result = found(tmp_path / "r")
    assert result["shapes"] == [[64, 64, 3]] * 2
    assert {row["group"] for row in result["measures"]} == {"histogram", "texture"}
    assert [attack["name"] for attack in result["attacks"]] == ["averaging"]
    assert not (tmp_path / "r" / "table.tex").exists()


@pytest.mark.slow
def test_a_built_in_cipher_on_phantoms(tmp_path):
    shown = run(
        "evaluate", "aes-256-ctr", "--n", 2, "--latex", "--jobs", 2, "-o", tmp_path / "r", *QUICK
    )
    assert "2 synthetic ultrasound images" in shown.stderr
    assert found(tmp_path / "r")["shapes"] == [[256, 256, 3]] * 2
    assert (tmp_path / "r" / "table.tex").is_file()


@pytest.mark.slow
def test_ciphertext_files(tmp_path, folder):
    for file in folder.iterdir():
        save(tmp_path / "out" / file.name, random_bytes(64, 64, 3))
    options = ("--ciphertexts", tmp_path / "out", "-o", tmp_path / "r")
    shown = run("evaluate", *options, "--plaintexts", folder, "--random-seed", 1)
    assert "Not measured: sensitivity to the plaintext, needs the cipher" in shown.stdout
    assert "averaging" in {attack["name"] for attack in found(tmp_path / "r")["attacks"]}
    shown = run("evaluate", *options, "--force", "--random-seed", 1)
    assert "Not measured: averaging, needs the plaintexts" in shown.stdout
    assert found(tmp_path / "r")["attacks"] == []
    run("evaluate", *options, "--plaintexts", folder, "--one-key", "--n", 1, "--force", *QUICK)
    assert len(found(tmp_path / "r")["shapes"]) == 1


def test_none(tmp_path, folder):
    options = ("--images", folder, "--measures", "none", "--attacks", "none")
    shown = run("evaluate", "identity", *options, "-o", tmp_path / "r")
    assert "No attack was tried." in shown.stdout
    assert found(tmp_path / "r")["measures"] == []


def test_a_report_is_not_replaced(tmp_path, folder):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "report.html").write_text("earlier")
    message = error("evaluate", "identity", "--images", folder, "-o", tmp_path / "r")
    assert "holds a report already; --force replaces it" in message
    (tmp_path / "file").write_text("")
    message = error("evaluate", "identity", "--images", folder, "-o", tmp_path / "file")
    assert "is a file, not a folder" in message


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "give either a cipher"),
        (("identity", "--ciphertexts", "x"), "give either a cipher"),
        (("--ciphertexts", "x", "--images", "y"), "--images is for a cipher"),
        (("identity", "--plaintexts", "x"), "are for --ciphertexts"),
        (("identity", "--images", "missing"), "missing: no such file or folder"),
        (("identity", "--measures", "entropy", "--n", "1"), "unknown measure 'entropy'"),
        (("nothing", "--n", "1"), "'nothing' is neither a class in a file"),
        (("missing.py:A", "--n", "1"), "missing.py: there is no such file"),
    ],
)
def test_errors(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    shown = run("evaluate", *arguments, status=1).stderr
    assert message in shown.splitlines()[-1]
    assert shown.splitlines()[-1].startswith("Error: ")
    assert not (tmp_path / "report").exists()


def test_a_cipher_that_is_not_one(tmp_path, folder):
    file = tmp_path / "wrong.py"
    file.write_text(CIPHER.replace("image ^ np.uint8(key)", "(image ^ np.uint8(key)) & 254"))
    message = error("evaluate", f"{file}:MyCipher", "--images", folder, "-o", tmp_path / "r")
    assert "not invertible" in message
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_the_same_random_seed(tmp_path, folder):
    for name in "ab":
        run("evaluate", "logistic-xor", "--images", folder, "-o", tmp_path / name, *QUICK)
    one, other = ((tmp_path / n / "outcomes.csv").read_bytes() for n in "ab")
    assert one == other


@pytest.mark.parametrize("compiled", [False, True])
def test_an_interrupted_evaluation_leaves_nothing(tmp_path, folder, monkeypatch, compiled):
    from dkg.evaluation import bench

    def interrupted(*_, **__):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            if compiled:
                raise SystemError("a function returned a result with an exception set") from error
            raise

    monkeypatch.setattr(bench, "_run", interrupted)
    shown = run("evaluate", "identity", "--images", folder, "-o", tmp_path / "r", status=130)
    assert shown.stderr.strip() == "Stopped: nothing is written"
    assert not (tmp_path / "r").exists()
