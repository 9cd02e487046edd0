"""What happens during a training besides the loop: log, progress bar, checkpoints, sample keys."""

import dataclasses
import json
import math
import os
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from dkg import __version__
from dkg.checkpoints import tensors
from dkg.metrics import entropy
from dkg.models import tensor_to_images
from dkg.storage.checkpoints import save_tensors
from dkg.storage.files import atomic
from dkg.storage.runs import RunFolder, read_log

if TYPE_CHECKING:
    from dkg.training import Trainer

_NUMBERS = ("generator_loss", "discriminator_loss", "accuracy_real", "accuracy_fake")


class TrainingFailed(RuntimeError):
    """Training cannot go on: a loss is no longer a finite number."""


class Callback:
    """Something that happens during a training; each method does nothing by default."""

    def on_start(self, trainer: "Trainer") -> None:
        """Do something before the first step."""

    def on_step(self, trainer: "Trainer") -> None:
        """Do something after a step."""

    def on_event(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Do something with a line of the log."""

    def close(self) -> None:
        """Do something at the end, also after an error."""


class Log(Callback):
    """Writes the log: means of the losses every few steps, and every other event.

    Parameters
    ----------
    folder : RunFolder
        Where ``log.jsonl`` is.
    resumed : bool
        Whether the lines of an earlier part of the run stay.
    on_log : callable, optional
        Called with each line.
    """

    def __init__(
        self,
        folder: RunFolder,
        resumed: bool,
        on_log: Callable[[dict[str, Any]], None] | None = None,
    ):
        self.folder, self.resumed, self.on_log = folder, resumed, on_log
        self.kept: list[dict[str, Any]] = []  # The lines of an earlier part.
        self.key_entropy = 0.0
        self.sums: Tensor | None = None
        self.counted = 0

    def on_start(self, trainer: "Trainer") -> None:
        """Keep the lines up to the checkpoint, and open the file."""
        if self.resumed:
            self.kept = [r for r in read_log(self.folder.log) if r["step"] <= trainer.step]
        with atomic(self.folder.log) as temporary:
            temporary.write_text("".join(json.dumps(record) + "\n" for record in self.kept))
        self.file = self.folder.log.open("a")
        for record in self.kept:
            trainer.seconds_before = record["seconds"]
            self.key_entropy = record.get("key_entropy", self.key_entropy)

    def on_step(self, trainer: "Trainer") -> None:
        """Add up the numbers, and log their means when it is time."""
        self.sums = trainer.numbers if self.sums is None else self.sums + trainer.numbers
        self.counted += 1
        if trainer.step % trainer.config.log_every and not trainer.is_checkpoint:
            return
        means = [float(value) for value in (self.sums / self.counted).tolist()]
        if not all(math.isfinite(value) for value in means):
            trainer.emit("failed", losses=[repr(value) for value in means[:2]])
            raise TrainingFailed(
                f"{self.folder.path}: a loss is not finite at step {trainer.step} "
                f"(generator {means[0]}, discriminator {means[1]}); "
                f"the checkpoint in {self.folder.checkpoint} is from before"
            )
        self.key_entropy = entropy(tensor_to_images(trainer.keys[:1]))
        numbers = dict(zip(_NUMBERS, means, strict=True))
        trainer.emit("log", **numbers, key_entropy=self.key_entropy)
        self.sums, self.counted = None, 0

    def on_event(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Write a line."""
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()
        if self.on_log is not None:
            self.on_log(record)

    def sync(self) -> None:
        """Wait until the log is on the disk."""
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class ProgressBar(Callback):
    """Shows a progress bar where standard error is a terminal."""

    def on_start(self, trainer: "Trainer") -> None:
        """Show the steps that are done already."""
        steps = trainer.config.steps
        self.bar = tqdm(total=steps, initial=min(trainer.step, steps), unit="step", disable=None)

    def on_step(self, trainer: "Trainer") -> None:
        """Count a step."""
        self.bar.update()

    def on_event(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Show the losses and the entropy of the key."""
        if record["event"] == "log":
            self.bar.set_postfix(
                G=f"{record['generator_loss']:.3f}",
                D=f"{record['discriminator_loss']:.3f}",
                key=f"{record['key_entropy']:.3f} bit",
            )

    def close(self) -> None:
        """Close the bar."""
        self.bar.close()


class CollapseWatch(Callback):
    """Warns once if the keys' entropy stays below a bound for too many steps."""

    def __init__(self, folder: RunFolder, low_entropy_steps: int = 0, collapsed: bool = False):
        self.folder = folder
        self.low_entropy_steps, self.collapsed = low_entropy_steps, collapsed
        self.last = 0

    def on_start(self, trainer: "Trainer") -> None:
        """Count from here."""
        self.last = trainer.step

    def on_event(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Count the steps with a low entropy."""
        if record["event"] != "log":
            return
        config, steps, self.last = trainer.config, trainer.step - self.last, trainer.step
        low = record["key_entropy"] < config.collapse_entropy
        self.low_entropy_steps = self.low_entropy_steps + steps if low else 0
        if self.low_entropy_steps >= config.collapse_steps and not self.collapsed:
            self.collapsed = True
            trainer.emit("collapsed", key_entropy=record["key_entropy"])
            warnings.warn(
                f"{self.folder.path}: the keys' entropy has been below {config.collapse_entropy} "
                f"bits for {self.low_entropy_steps} steps (now {record['key_entropy']:.3f} at step "
                f"{trainer.step}): the generator has collapsed",
                RuntimeWarning,
                stacklevel=6,  # The caller of dkg.training.train.
            )


class SampleKeys(Callback):
    """Saves the key of the first source image at chosen steps."""

    def __init__(self, folder: RunFolder, log: Log):
        self.folder, self.log = folder, log

    def on_start(self, trainer: "Trainer") -> None:
        """Save a key of the untrained network."""
        if trainer.step == 0 and not self.log.kept:
            self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        """Save a key if it is time, and log the mean entropy of eight."""
        if trainer.step not in trainer.config.sample_steps:
            return
        with torch.no_grad():
            keys = [
                tensor_to_images(trainer.generator(image[None].to(trainer.device)))[0]
                for image in trainer.source[:8]
            ]
        with atomic(self.folder.sample(trainer.step)) as temporary:
            # It is a key: with this network and the first source image as a seed it can be used.
            temporary.touch(mode=0o600, exist_ok=False)
            Image.fromarray(keys[0]).save(temporary, format="PNG")
        trainer.emit("sample", key_entropy=float(np.mean([entropy(key) for key in keys])))


class Checkpoints(Callback):
    """Saves everything that a run needs to go on, and the trained networks at its end.

    Parameters
    ----------
    folder : RunFolder
        Where the files are.
    log : Log
        Is on the disk before a checkpoint is.
    watch : CollapseWatch
        Its state is part of a checkpoint.
    about : mapping
        What the run's images are, from `describe_images`.
    """

    def __init__(self, folder: RunFolder, log: Log, watch: CollapseWatch, about: Mapping[str, Any]):
        self.folder, self.log, self.watch, self.about = folder, log, watch, about

    def on_start(self, trainer: "Trainer") -> None:
        """Save the untrained networks."""
        if trainer.step == 0 and not self.log.kept:
            self.save(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        """Save a checkpoint if it is time."""
        if trainer.is_checkpoint:
            self.log.sync()
            self.save(trainer)

    def save(self, trainer: "Trainer") -> None:
        """Replace the checkpoint."""
        save_tensors(self.folder.checkpoint, tensors(trainer), self.provenance(trainer))

    def save_weights(self, trainer: "Trainer") -> None:
        """Write the trained networks."""
        for name, network in trainer.networks.items():
            weights = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
            metadata = {
                "format": f"dkg {name} 1",
                "architecture": network.architecture,
                "training": self.provenance(trainer),
            }
            save_tensors(self.folder.weights(name), weights, metadata)

    def provenance(self, trainer: "Trainer") -> dict[str, Any]:
        """Return what the run is, and how far it has come."""
        return {
            "config": dataclasses.asdict(trainer.config),
            "seed": trainer.seed,
            "step": trainer.step,
            "low_entropy_steps": self.watch.low_entropy_steps,
            "collapsed": self.watch.collapsed,
            "threads": torch.get_num_threads(),
            "device": str(trainer.device),
            **self.about,
            "dkg": __version__,
            "torch": torch.__version__,
        }
