"""Training of one network, and of the package's networks."""

import os
import signal
import subprocess
import sys
import time

import pytest

from dkg import encryption
from dkg.storage.checkpoints import read_metadata

from .conftest import error, random_bytes, run, save


@pytest.mark.slow
def test_train_and_make_a_key_with_the_result(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_DATA", "")
    run_folder = tmp_path / "run"
    command = ["train", "-o", run_folder, "--images", 2, "--domain", "row-shuffle"]
    small = ["--set", "steps=2", "--set", "generator_width=4", "--set", "residual_blocks=1"]
    first = run(*command, *small)
    assert "2 images of montgomery (synthetic), domain row-shuffle" in first.stderr
    assert "step 0 of 2: mean key entropy" in first.stderr
    assert "2 steps, seed " in first.stdout
    assert "2 steps, seed " in run(*command, *small).stdout
    assert "checkpoint.safetensors exists" in run(*command, *small, "--fresh", status=1).stderr
    assert "steps: 2 there" not in run(*command, *small, "--set", "steps=3").stderr
    other = run(*command, *small, "--set", "loss=lsgan", status=1).stderr
    assert "loss: 'gan' there, 'lsgan' asked for" in other

    seed = save(tmp_path / "seed.png", random_bytes(256, 256, 3))
    weights = run_folder / "generator.safetensors"
    out = tmp_path / "trained.png"
    made = run("keygen", "--weights", weights, "--seed", seed, "-o", out)
    assert "public" not in made.stderr
    assert encryption.read_key(out).keys.shape == (1, 256, 256, 3)


def test_train_refuses(tmp_path):
    assert "unknown training settings: stesp" in error("train", "-o", tmp_path, "--set", "stesp=1")
    assert "--set takes NAME=VALUE, not 'steps'" in error("train", "-o", tmp_path, "--set", "steps")
    assert "loss must be 'gan' or 'lsgan'" in error("train", "-o", tmp_path, "--set", "loss=wgan")
    assert "no domain 'noise'" in error("train", "-o", tmp_path, "--domain", "noise")


def test_train_zoo(monkeypatch):
    import pandas as pd

    from dkg import zoo

    def usage(*arguments):
        return " ".join(run("train", *arguments, status=2).stderr.split())

    assert "the folder of the run is needed" in usage()
    assert "go with --zoo" in usage("base-phantom-1")
    assert "the manifest has the settings" in usage("--zoo", "--set", "steps=3")
    assert "trains none" in usage("--zoo", "--check", "--jobs", "2")
    assert "is not overwritten" in run("train", "--zoo", "base-phantom-1", status=1).stderr

    asked = []
    monkeypatch.setattr(zoo, "train_missing", lambda *a, **_: asked.append(a) or [])
    assert "is trained to the end" in run("train", "--zoo", "--jobs", "3").stdout
    run("train", "--zoo", "network-a")
    assert asked == [(None, 3), (["network-a"], None)]

    rows = [("a", "SHA-256", "1f", "1f", True), ("a", "images", "x", "gone", None)]
    monkeypatch.setattr(zoo, "check", lambda: pd.DataFrame(rows, columns=columns))
    columns = ["network", "check", "manifest", "found", "good"]
    said = run("train", "--zoo", "--check").stdout
    assert "a: 1 of 2 checks good\n  open: images: x expected, gone found" in said
    rows.append(("b", "settings", "recipe", "loss is 'gan'", False))
    said = run("train", "--zoo", "--check", status=1).stdout
    assert "  BAD: settings: recipe expected, loss is 'gan' found" in said
    assert "3 checks: 1 bad, 1 open" in said


def test_train_lists_its_settings_without_an_output_folder():
    listed = run("train", "--settings").stdout
    assert "learning_rate" in listed and "section IV" in listed


def _heed_signals():
    # Tests that run in the background or under nohup ignore them, and so would their children.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the system has no such signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stopped_training_says_where_it_stopped_and_goes_on(tmp_path, request, number):
    small = ("generator_width=2", "discriminator_width=2", "residual_blocks=0", "threads=1")
    options = [a for s in (*small, "checkpoint_every=5") for a in ("--set", s)]
    command = [sys.executable, "-m", "dkg", "train", "-o", tmp_path / "run", "--images", "2"]
    environment = os.environ | {"DKG_DATA": str(tmp_path)}
    began = subprocess.Popen(
        [*command, *options],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=_heed_signals,
    )
    request.addfinalizer(began.kill)
    checkpoint, limit = tmp_path / "run" / "checkpoint.safetensors", time.monotonic() + 120
    while not checkpoint.exists() or read_metadata(checkpoint)["step"] < 5:
        assert began.poll() is None and time.monotonic() < limit
        time.sleep(0.05)
    began.send_signal(getattr(signal, number))
    _, said = began.communicate(timeout=60)
    assert began.returncode == 130 and "Traceback" not in said
    step = read_metadata(checkpoint)["step"]
    assert f"Stopped: checkpoint of step {step:,} of 20,000 in {tmp_path / 'run'}" in said
    assert "it goes on from there, with the same command" in said
    more = ["--set", f"steps={step + 1}"]
    done = subprocess.run([*command, *options, *more], env=environment, capture_output=True)
    assert done.returncode == 0 and f"{step + 1} steps".encode() in done.stdout
