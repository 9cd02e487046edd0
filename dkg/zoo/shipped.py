"""What comes with the package beside each network: its log, and keys of its training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import io

from dkg import paths
from dkg.keys import list_weights, weights_entry
from dkg.training import TrainConfig, read_log


def log_of(name: str) -> list[dict[str, Any]]:
    """Return the log of a shipped network's training, as `dkg.training.read_log` does."""
    return read_log(paths.WEIGHTS / weights_entry(name)["log"])


def sample_keys(name: str) -> dict[int, NDArray[np.uint8]]:
    """Return the keys that a shipped network made during its training, by step.

    They are uint8 (256, 256, 3), all of one seed image. There are none of a network that was
    trained on real images, since they would show them.
    """
    files = {int(step): key["file"] for step, key in weights_entry(name)["samples"].items()}
    return {step: io.imread(paths.WEIGHTS / file) for step, file in files.items()}


def with_papers_settings(steps: int = 20_000) -> dict[str, dict[str, Any]]:
    """Return the entries of the shipped networks of the paper's settings, domain and length."""
    defaults = vars(TrainConfig())
    entries = {name: weights_entry(name) for name in list_weights()}
    return {
        name: entry
        for name, entry in entries.items()
        if (entry["steps"], entry["domain"]) == (steps, "chaotic-rgb")
        and all(defaults[key] == v for key, v in entry["recipe"].items() if key != "steps")
    }
