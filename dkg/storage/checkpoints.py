"""Tensors in safetensors files, with JSON values as metadata: checkpoints and trained weights."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from dkg.storage.files import atomic


def save_tensors(
    path: str | os.PathLike[str], tensors: dict[str, Tensor], metadata: Mapping[str, Any]
) -> None:
    """Write tensors by name, and metadata that JSON can hold; an existing file is replaced."""
    text = {key: json.dumps(value, sort_keys=True) for key, value in metadata.items()}
    with atomic(path) as temporary:
        try:
            safetensors.torch.save_file(tensors, temporary, metadata=text)
        except safetensors.SafetensorError as error:  # Raised when the disk is full.
            raise OSError(f"{path}: cannot be written: {error}") from error


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the metadata, decoded from JSON, of a file that `save_tensors` wrote.

    Raises
    ------
    ValueError
        If it is not a safetensors file with such metadata.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a safetensors file of this package ({error})") from error
