"""A bounded part of the fuzzing, and that the fuzzing finds what it looks for.

For more: ``python tests/fuzz/fuzz.py --rounds 100000 --seed 1``.
"""

import functools
import os
import signal
import zlib
from pathlib import Path
from unittest import mock

import bombs
import fuzz
import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the limits of memory and time are those of Linux"
)

ROUNDS = 900


def test_changed_files_are_read_rightly_or_refused():
    outcomes, failures = fuzz.fuzz(fuzz.NAMES, ROUNDS, seed=0)
    assert not failures, "\n".join(failures)
    assert sum(sum(counted.values()) for counted in outcomes.values()) >= 10_000
    for name, counted in outcomes.items():
        # Both have to happen, or only one half of the property was tried.
        assert counted["refused"] > ROUNDS / 10 and counted["read"] > ROUNDS / 10, (name, counted)


def make_bad_readers(folder):
    """Readers with one fault each."""

    def of(fault):
        return fuzz.Reader({"a.txt": b"0123456789"}, fault, is_authentic=True)

    def endless(path):
        while True:
            pass

    def unnamed(path):
        raise ValueError("something is wrong")

    def foreign(path):
        raise KeyError(str(path))

    return {
        "crash": of(lambda path: os.kill(os.getpid(), signal.SIGSEGV)),
        "endless": of(endless),
        "memory": of(lambda path: len(bytearray(2 * fuzz.MEMORY))),
        "wrong": of(lambda path: os.urandom(8)),
        "unnamed": of(unnamed),
        "foreign": of(foreign),
        "good": of(lambda path: "whole"),
    }


def test_every_fault_is_found_and_the_rest_goes_on(tmp_path):
    words = {
        "crash": f"ended the process: -{signal.SIGSEGV.value}",
        "endless": "took more than 0.5 s",
        "memory": "MemoryError",
        "wrong": "a changed file was read as if it were whole",
        "unnamed": "the error does not name the file",
        "foreign": "KeyError",
    }
    outcomes, failures = fuzz.fuzz(
        [*words, "good"], 1, seed=0, make=make_bad_readers, seconds=0.5, keep=tmp_path
    )
    for failure, (name, word) in zip(failures, words.items(), strict=True):
        assert failure.startswith(f"{name}, round 0: ") and word in failure
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}-0-a.txt" for name in words}
    assert [dict(outcomes[name]) for name in words] == [{"failed": 1}] * len(words)
    assert outcomes["good"] == {"read": 1}


def test_rounds_are_the_same_for_the_same_seed(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    readers = [fuzz.make_readers(folder) for folder in folders]
    assert list(readers[0]) == fuzz.NAMES
    for name in fuzz.NAMES:
        for number in range(5):
            first, second, other = (
                fuzz.round_of(made, name, number, seed)
                for made, seed in (
                    (readers[0][name], 0),
                    (readers[1][name], 0),
                    (readers[0][name], 1),
                )
            )
            assert first == second
            assert first != other, (name, number)


def make_unbounded_readers(folder):
    """Readers that take what a file says, each of one kind of bomb."""
    import inputs
    import pydicom

    from dkg import dicom
    from dkg.dicom import envelope

    key = folder / "key-1.png"
    inputs.key(folder)
    secret = dicom.files.read_key(key).secret

    def chunks(path):
        return len(bombs.png_chunks(path.read_bytes()))

    def decrypted(path):
        def unbounded(pieces, wbits, what):
            yield zlib.decompressobj(wbits).decompress(b"".join(pieces))

        with mock.patch.object(envelope.limits, "inflated", unbounded):
            dicom.decrypt_file(path, key, path.with_name("out.dcm"))

    def of(read, make):
        bomb = {f"bomb.{'png' if read is chunks else 'dcm'}": make}
        return fuzz.Reader(
            {"a.txt": b"0123456789"}, lambda path: path.suffix != ".txt" and read(path), bombs=bomb
        )

    def decoded(path):
        return pydicom.dcmread(path).pixel_array.size

    return {
        "jpeg-2000": of(decoded, bombs.jpeg_2000),
        "deflated": of(pydicom.dcmread, bombs.deflated),
        "rle": of(decoded, bombs.rle),
        "authentic": of(decrypted, functools.partial(bombs.authentic, secret=secret)),
        "chunks": of(chunks, bombs.png_of_empty_chunks),
    }


@pytest.mark.slow
def test_every_kind_of_bomb_is_found_within_the_usual_rounds():
    names = ["jpeg-2000", "deflated", "rle", "authentic", "chunks"]
    rounds = 2 * fuzz.BETWEEN_BOMBS
    assert rounds < ROUNDS
    outcomes, failures = fuzz.fuzz(names, rounds, seed=0, make=make_unbounded_readers)
    assert {failure.partition(",")[0] for failure in failures} == set(names), failures
    for name in names:  # Every round but those of bombs is read.
        assert outcomes[name]["read"] >= rounds - 2
