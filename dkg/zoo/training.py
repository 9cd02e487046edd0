"""Training of the networks that are missing, several at once."""

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dkg import cores, paths
from dkg.acceleration.process import end_with_parent, keep_freed_memory, resolve_device
from dkg.keys import KeyGenerator
from dkg.storage.checkpoints import read_metadata
from dkg.training import TrainConfig, train
from dkg.zoo.manifest import entry, install, missing, run_folder
from dkg.zoo.recipe import Recipe


def train_briefly(
    seed_images: NDArray[np.uint8],
    targets: NDArray[np.uint8],
    steps: int,
    *,
    seed: int | None = None,
) -> tuple[KeyGenerator, int]:
    """Train for a few steps, on the CPU in one thread, and keep no file.

    Parameters
    ----------
    seed_images, targets : numpy.ndarray
        uint8 (n, 256, 256, 3), the training's images, and images of its domain.
    steps : int
        How many.
    seed : int, optional
        Random seed of the training. Default: drawn from the system's entropy.

    Returns
    -------
    KeyGenerator, int
        The network, and the random seed.
    """
    config = TrainConfig(steps=steps, seed=seed, threads=1, device="cpu", sample_steps=())
    with tempfile.TemporaryDirectory() as folder:
        run = train(config, seed_images, targets, folder, progress=False)
        return KeyGenerator.load(run.generator, device="cpu"), run.seed


def train_missing(
    names: Sequence[str] | None = None,
    jobs: int | None = None,
    device: str = "auto",
    report: Callable[[str], None] = print,
) -> list[str]:
    """Train the networks that are missing, several at once, and put them into the package.

    A run that was cut off goes on from its last checkpoint. A network that is trained to the end of
    its recipe is never trained again nor overwritten.

    Parameters
    ----------
    names : sequence of str, optional
        Networks of the manifest. Default: all that are `missing`.
    jobs : int, optional
        Trainings at once. Default: one for each core of the CPU, each with one thread, which trains
        more steps in a second than one training with all threads; four on a GPU.
    device : str, default 'auto'
        As in `dkg.training.TrainConfig`.
    report : callable, default print
        Called with a line of text for every thousandth step and every network that is done.

    Returns
    -------
    list of str
        Names of the networks that were trained now.

    Raises
    ------
    FileExistsError
        If a network that was requested by name is trained already.
    FileNotFoundError
        If the images of one are not there. Nothing is trained then.
    ValueError
        If a name is not in the manifest, `jobs` is below 1, or the device is not there.
    RuntimeError
        If a training failed; the others go on first, and the message has every failure.
    """
    to_train = missing()
    for name in names or ():
        if "file" in (known := entry(name)) and name not in to_train:
            raise FileExistsError(
                f"{paths.WEIGHTS / known['file']}: {name} is trained to the end of its recipe, and "
                "is not overwritten"
            )
    to_train = list(dict.fromkeys(names or to_train))
    on_gpu = resolve_device(device).type == "cuda"
    if jobs is None:
        jobs = 4 if on_gpu else cores.usable()
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    for name in to_train:
        if entry(name)["origin"] != "synthetic":
            Recipe.of_entry(entry(name)).load()

    runs = {name: (_recipe(name, device), run_folder(name)) for name in to_train}
    failures = {}
    for name, error in train_each(runs, jobs, report):
        if error:
            failures[name] = error
        else:
            install(run_folder(name), name)
            report(f"{name}: trained, and in {paths.WEIGHTS}")
    if failures:
        raise RuntimeError("; ".join(f"{name}: {error}" for name, error in failures.items()))
    return to_train


def train_each(
    runs: Mapping[str, tuple[Recipe, Path]], jobs: int, report: Callable[[str], None] = print
) -> Iterator[tuple[str, Exception | None]]:
    """Train networks, each in a process of its own that ends with this one.

    Parameters
    ----------
    runs : mapping of str to (Recipe, pathlib.Path)
        By name, what is trained and the folder of the run. A run in it goes on.
    jobs : int
        Trainings at once.
    report : callable, default print
        Called with a line of text for each training that failed or was stopped.

    Yields
    ------
    name : str
        Of a training that ended, in the order in which they end.
    error : Exception or None
        What went wrong.
    """
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_prepare)
    try:
        futures = {pool.submit(_train_one, name, *run): name for name, run in runs.items()}
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            if error:
                report(f"{futures[future]}: failed: {error}")
            yield futures[future], error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()
        for name, (recipe, out) in runs.items():
            report(f"{name}: {progress(out, recipe.config.steps)}")
        raise
    pool.shutdown()


def progress(out: Path, steps: int) -> str:
    """Say how far a run has come that is stopped."""
    checkpoint = out / "checkpoint.safetensors"
    if not checkpoint.exists():
        return "not begun"
    step = read_metadata(checkpoint)["step"]
    done = "trained to its end" if step >= steps else "it goes on from there"
    return f"checkpoint of step {step:,} of {steps:,} in {out}; {done}"


def _recipe(name: str, device: str) -> Recipe:
    """Return the recipe of a network, with as many threads as its run began with."""
    checkpoint = run_folder(name) / "checkpoint.safetensors"
    threads = 1
    # A damaged checkpoint stops its own training, with a message, and no other one.
    with contextlib.suppress(OSError, ValueError, KeyError):
        threads = read_metadata(checkpoint)["threads"]
    return Recipe.of_entry(entry(name), threads=threads, device=device)


def _prepare() -> None:
    """Prepare a process that trains. Ctrl-C is left to the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    keep_freed_memory()


def _train_one(name: str, recipe: Recipe, out: Path) -> None:
    steps = recipe.config.steps

    def print_line(record: dict[str, Any]) -> None:
        if record["event"] == "log" and record["step"] % 1000 == 0:
            left = record["seconds"] / record["step"] * (steps - record["step"]) / 60
            print(
                f"{name}: step {record['step']:,} of {steps:,}, key entropy "
                f"{record['key_entropy']:.4f} bits, about {left:.0f} min left",
                flush=True,
            )

    recipe.train(out, on_log=print_line, progress=False)
