"""Changed files against every reader: only the package's own errors, quickly, in little memory.

    python tests/fuzz/fuzz.py --rounds 100000 --seed 1 [--reader png] [--keep FOLDER]

A round takes one whole file of each reader and changes it: some bytes, a length, a field of its
metadata, with the checksums made to fit again or not. The reader must then

- raise one of the package's own errors: a `ValueError` or `OSError` that names the file,
- or return a result of the right form, and where the file is protected by a checksum or a tag that
  was not made to fit again, the whole file's result;
- in at most 5 s of processor time and with 1 GiB of memory more than the idle process has.

Every hundredth round of a reader is a file of `bombs.py` instead, which would take more.

Rounds run in a process of their own, so that one that crashes, hangs or takes too much is named and
does not end the others. The same seed gives the same rounds.
"""

import argparse
import functools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from changes import (
    change_bytes,
    change_deflated,
    change_gzip,
    change_png,
    change_record,
    change_safetensors,
    change_toml,
)

SECONDS = 5
MEMORY = 2**30
BETWEEN_BOMBS = 100


@dataclass
class Reader:
    """What is read, and how the result is checked.

    Attributes
    ----------
    files : dict of str to bytes
        Whole files by name.
    read : callable
        Called with the path of a changed file, and returns something that can be compared.
    repairs : dict of str to callable
        By the ending of the name, mutations that keep checksums and lengths right.
    is_protected : callable
        Whether a file of this name is protected by a checksum, if its mutation did not repair it.
    is_authentic : bool
        Whether even a repaired file must give the whole file's result.
    bombs : dict of str to callable
        By the name of the file, makers of files that would take gigabytes or minutes.
    """

    files: dict[str, bytes]
    read: Callable[[Path], object]
    repairs: dict[str, Callable[[random.Random, bytes], bytes]] = field(default_factory=dict)
    is_protected: Callable[[str], bool] = lambda name: False
    is_authentic: bool = False
    bombs: dict[str, Callable[[random.Random], bytes]] = field(default_factory=dict)
    expected: dict[str, object] = field(default_factory=dict)


# --- Readers


def make_readers(folder: Path) -> dict[str, Reader]:
    """Make the whole files of every reader in a folder."""
    import bombs
    import inputs
    import numpy as np

    from dkg import data, dicom, encryption, keys, paths, training, zoo
    from dkg import reproduction as results

    def as_seed(path):
        """Read a seed image, and where there are several slices, these."""
        image = data.read_image(path, 16, "nearest")
        assert image.shape == (16, 16, 3) and image.dtype == np.uint8, image.shape
        return image.tobytes()

    def as_volume(path):
        images, numbers = data.read_slices(path, 2, 16)
        assert images.shape == (2, 16, 16, 3) and len(numbers) == 2
        return either(as_seed, path), images.tobytes()

    def as_image(path):
        """Read an image to encrypt."""
        image = encryption.read_samples(path)
        assert image.dtype in (np.uint8, np.uint16) and image.ndim in (2, 3) and image.size
        return image.shape, image.tobytes()

    def either(*readers_and_path):
        """Read in each way; what some refuse is None, what all refuse is an error."""
        *readers, path = readers_and_path
        read, refused = [], None
        for reader in readers:
            try:
                read.append(reader(path))
            except (ValueError, OSError) as error:
                names_the_file(error, path)
                read.append(None)
                refused = error
        if not any(read):
            raise refused
        return tuple(read)

    key_path = folder / "key-1.png"
    key_files = inputs.key(folder)

    def decrypted(path):
        out = folder / "decrypted.png"
        out.unlink(missing_ok=True)
        try:
            encryption.decrypt_file(path, key_path, out)
        except ValueError:
            assert not out.exists()
            raise
        return encryption.read_samples(out).tobytes()

    def decrypted_dicom(path):
        out = folder / "decrypted.dcm"
        out.unlink(missing_ok=True)
        try:
            dicom.decrypt_file(path, key_path, out)
        except ValueError:
            assert not out.exists()
            raise
        return out.read_bytes()

    def encrypted_dicom(path):
        """Encrypt, and decrypt to the same bytes."""
        out, back = folder / "encrypted.dcm", folder / "back.dcm"
        for made in (out, back):
            made.unlink(missing_ok=True)
        dicom.encrypt_file(path, key_path, out, allow_key_reuse=True)
        dicom.decrypt_file(out, key_path, back)
        assert back.read_bytes() == path.read_bytes(), "not the bytes that were encrypted"
        return True

    def network(path):
        if path.name.startswith("generator"):
            return keys.KeyGenerator.load(path, device="cpu").sha256
        for name in ("checkpoint.safetensors", "log.jsonl"):
            if name != path.name:
                (path.parent / name).write_bytes(networks[name])
        config, images = training.TrainConfig(**inputs.TRAINING), inputs.TRAINING_IMAGES
        return training.train(config, images, images, path.parent, progress=False).step

    networks = inputs.training(folder)
    weights = networks["generator.safetensors"]

    def manifest(path):
        package = path.parent
        (package / "generator.safetensors").write_bytes(weights)
        before, paths.WEIGHTS = paths.WEIGHTS, package
        try:
            names = keys.list_weights()
            zoo.missing()
            for name in names:
                assert keys.KeyGenerator.load(name, device="cpu").sha256 == whole_sha256
            return tuple(names)
        finally:
            paths.WEIGHTS = before

    whole_sha256 = __import__("hashlib").sha256(weights).hexdigest()

    def record(path):
        made = results.load_all(path.parent)[path.stem]
        assert made.verdict in results.VERDICTS
        assert results.dumps(results.loads(results.dumps(made))) == results.dumps(made)
        made.table(), made.numbers(), repr(made), made._repr_html_()
        return results.dumps(made)

    dicom_files = inputs.dicom_files()
    readers = {
        "png": Reader(
            inputs.png(),
            lambda path: either(as_seed, as_image, path),
            {".png": change_png},
            is_protected=lambda name: True,
        ),
        "jpeg": Reader(inputs.jpeg(), lambda path: either(as_seed, as_image, path)),
        "tiff": Reader(inputs.tiff(), lambda path: either(as_seed, as_image, path)),
        "nifti": Reader(
            inputs.nifti(),
            lambda path: either(as_seed, as_volume, path),
            {".gz": change_gzip},
            is_protected=lambda name: name.endswith(".gz"),
        ),
        "dicom": Reader(dicom_files, as_seed, {".dcm": change_deflated}),
        "dicom-encryption": Reader(dicom_files, encrypted_dicom, {".dcm": change_deflated}),
        "dicom-decryption": Reader(
            inputs.encrypted_dicom(folder), decrypted_dicom, is_authentic=True
        ),
        "key": Reader(
            key_files,
            lambda path: encryption.read_key(path).keys.tobytes(),
            {".png": change_png},
            is_authentic=True,
        ),
        "ciphertext": Reader(
            inputs.ciphertext(folder), decrypted, {".png": change_png}, is_authentic=True
        ),
        "network": Reader(networks, network, {".safetensors": change_safetensors}),
        "manifest": Reader(inputs.manifest(weights), manifest, {".toml": change_toml}),
        "record": Reader(inputs.record(), record, {".json": change_record}),
    }
    secret = encryption.read_key(key_path).secret
    for name, makers in bombs.BOMBS.items():
        for make in makers:
            with_key = make in bombs.BOMBS["dicom-decryption"]
            bomb = functools.partial(make, secret=secret) if with_key else make
            ending = bombs.ENDINGS.get(name, ".dcm")
            readers[name].bombs[f"{make.__name__}{ending}"] = bomb
    return readers


def names_the_file(error: Exception, path: Path) -> None:
    named = f"{error} {getattr(error, 'filename', '')}"
    # What the manifest says wrongly of another file shows at that one.
    where = path.parent if path.name == "manifest.toml" else path
    assert str(where) in named, f"the error does not name the file: {error!r}"
    assert " at 0x" not in named, f"the error shows an object's address: {error!r}"


# --- Rounds


def round_of(reader: Reader, name: str, number: int, seed: int) -> tuple[str, bytes, bool]:
    """Return the name of a round's file, the changed file, and whether checksums were repaired.

    Every hundredth round makes a bomb instead.
    """
    rng = random.Random(f"{seed} {name} {number}")
    if reader.bombs and number % BETWEEN_BOMBS == BETWEEN_BOMBS - 1:
        # One after another, so that few rounds make each of them.
        file = list(reader.bombs)[number // BETWEEN_BOMBS % len(reader.bombs)]
        return file, reader.bombs[file](rng), True
    file = rng.choice(list(reader.files))
    whole = reader.files[file]
    repair = reader.repairs.get(Path(file).suffix)
    if repair is not None and rng.random() < 0.6:
        return file, repair(rng, whole), True
    return file, change_bytes(rng, whole), False


def play(reader: Reader, folder: Path, file: str, changed: bytes, repaired: bool) -> str:
    """Read one changed file; return what became of it, or raise what should not have been."""
    path = folder / file
    path.write_bytes(changed)
    path.chmod(0o600)  # Or every key is refused.
    try:
        found = reader.read(path)
    except (ValueError, OSError) as error:
        names_the_file(error, path)
        return "refused"
    if file in reader.bombs:  # There is nothing to compare it with.
        return "read"
    if reader.is_authentic or (reader.is_protected(file) and not repaired):
        if file not in reader.expected:
            path.write_bytes(reader.files[file])
            path.chmod(0o600)
            reader.expected[file] = reader.read(path)
        # A reader that refuses the changed file gives None in place of the result.
        expected = reader.expected[file]
        if isinstance(found, tuple):
            expected = tuple(f and e for f, e in zip(found, expected, strict=True))
        assert found == expected, "a changed file was read as if it were whole, to another result"
    return "read"


def work(
    pipe,
    make: Callable[[Path], dict[str, Reader]],
    names: list[str],
    start: dict[str, int],
    rounds: int,
    seed: int,
    seconds: float,
    keep: Path | None,
) -> None:
    """Play rounds in this process, and say before each which one it is."""
    warnings.simplefilter("ignore")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as name:
        readers = make(Path(name))
        folder = Path(name) / "changed"
        folder.mkdir()
        # Libraries write warnings of their own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        for reader in names:
            for number in range(start.get(reader, 0), rounds):
                pipe.send(("start", reader, number))
                file, changed, repaired = round_of(readers[reader], reader, number, seed)
                kept = keep and keep / f"{reader}-{number}-{file}"
                if kept:
                    kept.write_bytes(changed)
                # The system ends the process when it has used so much of the processor.
                signal.setitimer(signal.ITIMER_PROF, seconds)
                try:
                    outcome = play(readers[reader], folder, file, changed, repaired)
                    if kept:
                        kept.unlink()
                except BaseException:
                    outcome = traceback.format_exc()
                signal.setitimer(signal.ITIMER_PROF, 0)
                shutil.rmtree(folder)
                folder.mkdir()
                pipe.send(("end", outcome))
    pipe.send(("done",))


def fuzz(
    names: list[str],
    rounds: int,
    seed: int,
    *,
    make: Callable[[Path], dict[str, Reader]] = make_readers,
    seconds: float = SECONDS,
    keep: Path | None = None,
) -> tuple[dict[str, Counter], list[str]]:
    """Play rounds of several readers.

    Parameters
    ----------
    names : list of str
        Of readers.
    rounds : int
        Rounds of each.
    seed : int
        The same rounds for the same seed.
    make : callable
        Makes the readers, given a folder.
    seconds : float
        Processor time of a round.
    keep : pathlib.Path, optional
        Where to put the files of failures.

    Returns
    -------
    outcomes : dict of str to Counter
        For each reader how many files were refused, read, or failed.
    failures : list of str
        What should not have been.
    """
    context = multiprocessing.get_context("spawn")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, Counter] = {name: Counter() for name in names}
    failures: list[str] = []
    start: dict[str, int] = {}
    slow: set[tuple[str, int]] = set()
    left = list(names)
    while left:
        ours, its = context.Pipe(duplex=False)
        process = context.Process(
            target=work, args=(its, make, left, start, rounds, seed, seconds, keep)
        )
        process.start()
        its.close()
        current: tuple[str, int] | None = None
        try:
            while True:
                # No round takes more than its limit of processor time, but it may have to wait.
                if not ours.poll(300):
                    process.kill()
                    raise EOFError
                message = ours.recv()
                if message[0] == "done":
                    left = []
                    break
                if message[0] == "start":
                    current = message[1:]
                    continue
                outcome = message[1]
                if outcome not in ("refused", "read"):
                    failures.append(f"{current[0]}, round {current[1]}: {outcome}")
                    outcome = "failed"
                outcomes[current[0]][outcome] += 1
        except EOFError:
            process.join()
            if current is None:
                raise RuntimeError("the process ended before its first round") from None
            reader, number = current
            left = left[left.index(reader) :]
            if process.exitcode == -signal.SIGPROF and current not in slow:
                # Without free memory a round may take five times as long. What is slow stays slow.
                slow.add(current)
                start = {reader: number}
                continue
            why = {-signal.SIGPROF: f"took more than {seconds} s"}
            ended = why.get(process.exitcode, f"ended the process: {process.exitcode}")
            failures.append(f"{reader}, round {number}: {ended}")
            outcomes[reader]["failed"] += 1
            start = {reader: number + 1}
        process.join()
    return outcomes, failures


NAMES = [
    "png",
    "jpeg",
    "tiff",
    "nifti",
    "dicom",
    "dicom-encryption",
    "dicom-decryption",
    "key",
    "ciphertext",
    "network",
    "manifest",
    "record",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=1000, help="of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", action="append", choices=NAMES, help="default: all of them")
    parser.add_argument("--keep", type=Path, help="folder for the files of failures")
    arguments = parser.parse_args()
    names = arguments.reader or NAMES
    outcomes, failures = fuzz(names, arguments.rounds, arguments.seed, keep=arguments.keep)
    for failure in failures:
        print(failure)
    for name, counted in outcomes.items():
        print(
            f"{name:18}", *(f"{counted[kind]:>8} {kind}" for kind in ("refused", "read", "failed"))
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
