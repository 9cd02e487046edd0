"""Ciphers by name, and an error for each way in which a file is no cipher."""

import sys

import numpy as np
import pytest

from dkg.evaluation import UnusableCipher, check
from dkg.evaluation.ciphers import CIPHERS
from dkg.evaluation.loading import load

GOOD = """
from dataclasses import dataclass
import helper_of_my_cipher

@dataclass
class Mine:
    amount: int = helper_of_my_cipher.AMOUNT
    def encrypt(self, image, key): return image + key
    def decrypt(self, ciphertext, key): return ciphertext - key
    def random_key(self, rng): return rng.integers(256, dtype="uint8")

class Argument:
    def __init__(self, key): pass

number = 3
if __name__ == "__main__":
    raise SystemExit("run as a script")
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "helper_of_my_cipher.py").write_text("AMOUNT = 5\n")
    path = tmp_path / "my_cipher.py"
    path.write_text(GOOD)
    return path


def test_built_in_ciphers():
    for name, cipher in CIPHERS.items():
        assert type(load(name)) is cipher and load(name).name == name


def test_a_class_in_a_file(file):
    before = list(sys.path)
    cipher = load(f"{file}:Mine")
    assert cipher.amount == 5 and sys.path == before
    assert check(cipher, [np.zeros((3, 4), np.uint8)]).deterministic


def test_a_name_that_is_neither():
    with pytest.raises(UnusableCipher, match=r"'aes' is neither a class .* aes-256-ctr, aes"):
        load("aes")
    for wrong in ("my_cipher.py", "my_cipher.py:", "my_cipher:Mine"):
        with pytest.raises(UnusableCipher, match="neither"):
            load(wrong)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.py: there is no such file"):
        load(f"{tmp_path / 'none.py'}:Mine")


@pytest.mark.parametrize(
    "name, message",
    [
        ("Other", r"has no class Other; its classes are: Mine, Argument"),
        ("number", r"number must be a class, not an object of type int"),
        ("Argument", r"Argument\(\) must work without arguments; it raised TypeError"),
    ],
)
def test_no_such_class(file, name, message):
    with pytest.raises(UnusableCipher, match=f"my_cipher.py: {message}"):
        load(f"{file}:{name}")


@pytest.mark.parametrize(
    "text, message",
    [
        ("import nothing_of_this_name", r", line 1: ModuleNotFoundError: No module named"),
        ("x = 1\n\n1 / 0", r", line 3: ZeroDivisionError: division by zero"),
        ("def f(:", r": SyntaxError: .*line 1"),
        ("raise SystemExit('stop')", r", line 1: SystemExit: stop"),
    ],
)
def test_a_file_that_cannot_be_run(tmp_path, text, message):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(UnusableCipher, match=f"broken.py{message}"):
        load(f"{path}:Mine")
    assert "dkg_cipher_broken" not in sys.modules
