"""Trainings in processes of their own: they end with the process that started them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from dkg.storage.checkpoints import read_metadata
from dkg.training import TrainConfig
from dkg.zoo import Recipe, progress, train_briefly, train_each

SMALL = {
    "generator_width": 2,
    "discriminator_width": 2,
    "residual_blocks": 0,
    "threads": 1,
    "checkpoint_every": 5,
    "sample_steps": (),
}

START = f"""
import sys
from pathlib import Path
from dkg.training import TrainConfig
from dkg.zoo import Recipe, train_each

if __name__ == "__main__":
    config = TrainConfig(steps=10**9, **{SMALL})
    recipe = Recipe(config=config, n_images=2, origin="synthetic", domain="row-shuffle")
    for _ in train_each({{"one": (recipe, Path(sys.argv[1]))}}, 1):
        pass
"""


def recipe(steps, **options):
    options = {"n_images": 2, "origin": "synthetic", "domain": "row-shuffle"} | options
    return Recipe(config=TrainConfig(steps=steps, **SMALL), **options)


def wait_for(condition):
    limit = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < limit, "nothing came of it within two minutes"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the system has no such signals")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_training_ends_with_its_parent_and_can_go_on(tmp_path, number):
    script, out = tmp_path / "start.py", tmp_path / "run"
    script.write_text(START)
    began = subprocess.Popen(
        [sys.executable, script, out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background ignore it, and so would the child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = out / "checkpoint.safetensors"
    try:
        wait_for(lambda: checkpoint.exists() and read_metadata(checkpoint)["step"] >= 5)
        began.send_signal(getattr(signal, number))
        said, _ = began.communicate(timeout=60)
    finally:
        began.kill()
        began.wait()
    with filelock.FileLock(out / ".lock", timeout=30):
        step = read_metadata(checkpoint)["step"]
    if number == "SIGINT":
        assert re.search(r"one: checkpoint of step [\d,]+ of 1,000,000,000 in .*run; it goes", said)
    [(name, error)] = train_each({"one": (recipe(step + 1), out)}, 1, report=print)
    assert (name, error) == ("one", None)
    assert read_metadata(out / "generator.safetensors")["training"]["step"] == step + 1


@pytest.mark.slow
def test_trainings_at_once_and_one_that_fails(tmp_path):
    runs = {f"good-{i}": (recipe(2), tmp_path / str(i)) for i in range(2)}
    runs["bad"] = (recipe(2), tmp_path / "bad")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "checkpoint.safetensors").write_text("no checkpoint")
    lines = []
    ended = dict(train_each(runs, 2, lines.append))
    assert ended["good-0"] is ended["good-1"] is None
    assert "not a safetensors file" in str(ended["bad"])
    assert len(lines) == 1 and lines[0].startswith("bad: failed: ")


def test_how_far_a_run_has_come(tmp_path):
    assert progress(tmp_path / "none", 9) == "not begun"
    out = Path(recipe(3).train(tmp_path / "run", progress=False).out)
    assert progress(out, 9) == f"checkpoint of step 3 of 9 in {out}; it goes on from there"
    assert progress(out, 3) == f"checkpoint of step 3 of 3 in {out}; trained to its end"


@pytest.mark.slow
def test_a_brief_training_is_repeated_by_its_random_seed():
    images = np.random.default_rng().integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    first, seed = train_briefly(images, images[::-1], 1)
    again, same = train_briefly(images, images[::-1], 1, seed=seed)
    other, another = train_briefly(images, images[::-1], 1)
    assert (same, another != seed) == (seed, True)
    np.testing.assert_array_equal(again.generate(images[0]), first.generate(images[0]))
    assert (other.generate(images[0]) != first.generate(images[0])).any()
