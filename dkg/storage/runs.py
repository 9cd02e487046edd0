"""The folder of a training run: its files, its lock and its log.

::

    checkpoint.safetensors     networks, optimisers and key pool, with the state as JSON metadata
    log.jsonl                  one JSON object per line: losses, accuracy, key entropy, events
    samples/key-000000.png     the key of the first source image, at chosen steps
    generator.safetensors      written at the end; `dkg.keys.KeyGenerator.load` reads it
    discriminator.safetensors  written at the end
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock


class RunFolder:
    """Paths of a training run, whose folder is made if it is not there."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.log = self.path / "log.jsonl"
        (self.path / "samples").mkdir(parents=True, exist_ok=True)

    def sample(self, step: int) -> Path:
        """Return the file of the sample key of a step."""
        return self.path / "samples" / f"key-{step:06d}.png"

    def weights(self, network: str) -> Path:
        """Return the file of a trained network, ``'generator'`` or ``'discriminator'``."""
        return self.path / f"{network}.safetensors"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out, or raise BlockingIOError if one trains in this folder."""
        lock = filelock.FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BlockingIOError(
                f"{self.path}: another process is training in this folder"
            ) from None
        try:
            yield
        finally:
            lock.release()


def read_log(out: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read the log of a run from its folder or from the JSONL file itself.

    Returns
    -------
    list of dict
        One per line. Lines with ``"event": "log"`` hold ``step``, ``generator_loss``,
        ``discriminator_loss``, ``accuracy_real``, ``accuracy_fake`` (shares in [0, 1], means over
        the steps since the line before), ``key_entropy`` (bits, of the current key) and
        ``seconds``; ``"event": "sample"`` holds ``key_entropy``, the mean over the keys of the
        first eight source images. A last line that a kill cut short is left out.
    """
    path = Path(out)
    if path.is_dir():
        path = path / "log.jsonl"
    records = []
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
            float(record["seconds"]), int(record["step"]), record["event"]
        except (ValueError, TypeError, LookupError, RecursionError):
            break
        records.append(record)
    return records
