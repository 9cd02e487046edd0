"""The training loop: its losses, its resume and its reports."""

import dataclasses
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import filelock
import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from dkg import training
from dkg.callbacks import Callback
from dkg.data.phantoms import chest_xray
from dkg.keys import KeyGenerator
from dkg.models import images_to_tensor
from dkg.storage.checkpoints import read_metadata, save_tensors
from dkg.training import TrainConfig, Trainer, TrainingFailed, train

TINY = {
    "steps": 24,
    "residual_blocks": 1,
    "generator_width": 4,
    "discriminator_width": 4,
    "pool_size": 5,
    "log_every": 3,
    "checkpoint_every": 6,
    "sample_steps": (0, 12),
    "seed": 11,
    "threads": 1,
    "device": "cpu",
}


def images(n=5, size=32):
    generator = np.random.default_rng(3)
    return (
        generator.integers(0, 256, (n, size, size, 3), dtype=np.uint8),
        generator.integers(0, 256, (n + 1, size, size, 3), dtype=np.uint8),
    )


def weights_sha256(out):
    digest = hashlib.sha256()
    for name in ("generator", "discriminator"):
        tensors = safetensors.torch.load_file(out / f"{name}.safetensors")
        for key in sorted(tensors):
            digest.update(key.encode() + tensors[key].numpy().tobytes())
    return digest.hexdigest()


def test_defaults_are_the_papers_settings():
    config = TrainConfig()
    assert (config.steps, config.batch_size, config.learning_rate) == (20_000, 1, 2e-4)
    assert (config.beta1, config.beta2, config.loss) == (0.5, 0.999, "gan")
    assert (config.residual_blocks, config.generator_width, config.convs_per_block) == (6, 16, 1)
    assert all(source for _, _, source in TrainConfig.describe())
    assert len(TrainConfig.describe()) == len(dataclasses.fields(TrainConfig))


@pytest.mark.parametrize(
    "setting",
    [
        {"steps": 0},
        {"batch_size": 1.5},
        {"learning_rate": 0},
        {"beta1": 1},
        {"loss": "hinge"},
        {"convs_per_block": 3},
        {"convolution": "dense"},
        {"padding": "mirror"},
        {"seed": -1},
        {"seed": 2**63},
        {"threads": 0},
        {"pool_size": True},
    ],
)
def test_bad_settings_are_named(setting):
    name, value = next(iter(setting.items()))
    with pytest.raises(ValueError, match=name) as error:
        TrainConfig(**setting)
    assert repr(value) in str(error.value)


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="leraning_rate"):
        TrainConfig.from_mapping({"leraning_rate": 1})
    assert TrainConfig.from_mapping({"sample_steps": [1, 2]}).sample_steps == (1, 2)


@pytest.mark.slow
def test_cross_entropy_losses_are_equations_2_and_3():
    scores = torch.linspace(-3, 3, 7)
    probability = torch.sigmoid(scores)
    literal = training.generator_loss(scores, TrainConfig(non_saturating=False))
    torch.testing.assert_close(literal, torch.log(1 - probability).mean())
    usual = training.generator_loss(scores, TrainConfig())
    torch.testing.assert_close(usual, -torch.log(probability).mean())
    real, fake = scores + 1, scores - 1
    torch.testing.assert_close(
        training.discriminator_loss(real, fake, TrainConfig()),
        -(torch.log(torch.sigmoid(real)).mean() + torch.log(1 - torch.sigmoid(fake)).mean()) / 2,
    )


def test_least_squares_losses_use_the_label():
    config = TrainConfig(loss="lsgan")
    scores = torch.tensor([0.9, 0.9])
    assert training.generator_loss(scores, config) == 0
    assert training.discriminator_loss(scores, torch.zeros(2), config) == 0
    assert training.generator_loss(torch.zeros(2), config).item() == pytest.approx(0.81)


@pytest.mark.slow
def test_one_step_equals_a_step_written_out(tmp_path):
    """Two Adam steps, D's on real and pooled fakes, against a plain loop of the same networks."""
    from dkg.models import Discriminator, Generator, images_to_tensor, initialise

    source, target = images(n=1)
    target = target[:1]
    config = TrainConfig(**{**TINY, "steps": 3, "pool_size": 0, "loss": "lsgan"})
    train(config, source, target, tmp_path)

    torch.set_num_threads(1)
    stream = torch.Generator().manual_seed(11)
    g, d = Generator(1, 4, 1), Discriminator(4)
    initialise(g, stream)
    initialise(d, stream)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    x, y = images_to_tensor(source), images_to_tensor(target)
    for _ in range(3):
        key = g(x)
        adam_g.zero_grad()
        ((d(key) - 0.9) ** 2).mean().backward()
        adam_g.step()
        adam_d.zero_grad()
        loss = (((d(y) - 0.9) ** 2).mean() + (d(key.detach()) ** 2).mean()) / 2
        loss.backward()
        adam_d.step()
    trained = safetensors.torch.load_file(tmp_path / "generator.safetensors")
    for name, value in g.state_dict().items():
        torch.testing.assert_close(trained[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "batch_size"), [("gan", 1), ("lsgan", 3)])
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path, loss, batch_size):
    source, target = images()
    config = TrainConfig(**{**TINY, "loss": loss, "batch_size": batch_size})
    whole = train(config, source, target, tmp_path / "whole")

    class Interrupted(BaseException):
        pass

    interruptions = 0

    def sometimes(record):
        if not interruptions or random.random() < 0.25:
            raise Interrupted

    while True:
        try:
            train(config, source, target, tmp_path / "parts", on_log=sometimes)
            break
        except Interrupted:
            interruptions += 1
            assert interruptions < 500
    assert weights_sha256(tmp_path / "parts") == weights_sha256(whole.out)


RUN = """
import sys, numpy as np
from dkg.training import TrainConfig, train
with np.load(sys.argv[1], allow_pickle=False) as arrays:
    source, target = arrays["source"], arrays["target"]
train(TrainConfig.from_mapping(__import__("json").loads(sys.argv[2])), source, target, sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL exists on POSIX systems only")
def test_sigkill_at_random_moments_changes_nothing(tmp_path):
    source, target = images()
    settings = {**TINY, "steps": 300, "checkpoint_every": 20, "log_every": 10}
    np.savez(tmp_path / "images.npz", source=source, target=target)
    whole = train(TrainConfig(**settings), source, target, tmp_path / "whole")
    out = tmp_path / "killed"
    command = [sys.executable, "-c", RUN, tmp_path / "images.npz", json.dumps(settings), out]
    killed = 0
    while True:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        if killed < 3:
            log = out / "log.jsonl"
            lines = log.read_text().count("\n") if log.exists() else 0
            while process.poll() is None and (
                not log.exists() or log.read_text().count("\n") <= lines
            ):
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        code = process.wait()
        if code == -signal.SIGKILL:
            killed += 1
            continue
        assert code == 0
        if killed:
            break
        shutil.rmtree(out)  # It ended before the first signal, as on a busy machine: once more.
    assert weights_sha256(out) == weights_sha256(whole.out)


def test_a_run_leaves_what_the_docstring_says(tmp_path):
    source, target = images()
    seen = []
    result = train(
        TrainConfig(**TINY), source, target, tmp_path, description={"a": 1}, on_log=seen.append
    )
    assert result.step == 24 and result.seed == 11 and not result.collapsed
    log = training.read_log(tmp_path)
    assert log == seen
    logged = [r for r in log if r["event"] == "log"]
    assert [r["step"] for r in logged] == list(range(3, 25, 3))
    assert all(0 <= r["accuracy_real"] <= 1 and 0 <= r["key_entropy"] <= 8 for r in logged)
    assert result.key_entropy == logged[-1]["key_entropy"]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        "key-000000.png",
        "key-000012.png",
    ]
    metadata = read_metadata(result.generator)
    assert metadata["architecture"] == {
        "residual_blocks": 1,
        "width": 4,
        "convs_per_block": 1,
        "convolution": "standard",
        "padding": "reflection",
    }
    assert metadata["training"]["description"] == {"a": 1}
    assert metadata["training"]["images"]["source"] == hashlib.sha256(source.tobytes()).hexdigest()


@pytest.mark.slow
def test_a_finished_run_is_not_run_again_and_can_be_made_longer(tmp_path):
    source, target = images()
    train(TrainConfig(**TINY), source, target, tmp_path / "a")
    before = (tmp_path / "a" / "log.jsonl").read_text()
    train(TrainConfig(**TINY), source, target, tmp_path / "a")
    assert (tmp_path / "a" / "log.jsonl").read_text() == before
    longer = {**TINY, "steps": 36}
    train(TrainConfig(**longer), source, target, tmp_path / "a")
    train(TrainConfig(**longer), source, target, tmp_path / "b")
    assert weights_sha256(tmp_path / "a") == weights_sha256(tmp_path / "b")


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    source, target = images()
    train(TrainConfig(**TINY), source, target, tmp_path)
    with pytest.raises(FileExistsError, match="checkpoint"):
        train(TrainConfig(**TINY), source, target, tmp_path, resume=False)
    with pytest.raises(ValueError, match=r"learning_rate: 0\.0002 there, 0\.1 asked"):
        train(TrainConfig(**{**TINY, "learning_rate": 0.1}), source, target, tmp_path)
    with pytest.raises(ValueError, match="seed: 11 there, 12 asked for"):
        train(TrainConfig(**{**TINY, "seed": 12}), source, target, tmp_path)
    with pytest.raises(ValueError, match="other source images"):
        train(TrainConfig(**TINY), source[::-1], target, tmp_path)
    with pytest.raises(ValueError, match="already at step 24"):
        train(TrainConfig(**{**TINY, "steps": 6}), source, target, tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a safetensors file"):
        train(TrainConfig(**TINY), source, target, tmp_path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "checkpoint.safetensors")
    with pytest.raises(ValueError, match="not a checkpoint of this package"):
        train(TrainConfig(**TINY), source, target, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threads": "1"}, "not a checkpoint"),
        ({"threads": 10**6}, "not a checkpoint"),
        ({"seed": -1}, "not a checkpoint"),
        ({"step": None}, "not a checkpoint"),
        ({"images": {}}, "other source images"),
        ("generator.down1.1.weight", "damaged: its tensors are not those of its settings"),
        ("pool", "damaged: its tensors"),
        ("discriminator.adam.0.step", "damaged: its tensors"),
    ],
)
def test_a_damaged_checkpoint_is_refused(tmp_path, change, words):
    source, target = images()
    train(TrainConfig(**{**TINY, "steps": 6}), source, target, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    metadata, tensors = read_metadata(path), safetensors.torch.load_file(path)
    if isinstance(change, dict):
        metadata |= change
    else:
        tensors[change] = tensors[change].double()
    save_tensors(path, tensors, metadata)
    with pytest.raises(ValueError, match=rf"checkpoint\.safetensors.* {words}"):
        train(TrainConfig(**TINY), source, target, tmp_path)


def test_a_checkpoint_of_another_version_says_so(tmp_path):
    """Of a version with another setting, with another state, and with other tensors."""
    source, target = images()
    train(TrainConfig(**TINY | {"steps": 1}), source, target, tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    metadata, tensors = read_metadata(checkpoint), safetensors.torch.load_file(checkpoint)
    said = r"\(written by dkg 9\.1, this is "
    newer = metadata | {"dkg": "9.1"}

    def refused(words, tensors=tensors, **changes):
        save_tensors(checkpoint, tensors, newer | changes)
        with pytest.raises(ValueError, match=words):
            train(TrainConfig(**TINY | {"steps": 2}), source, target, tmp_path)

    settings = metadata["config"] | {"warm_up": 5}
    refused(f"settings that are not known here {said}.*: warm_up; go on with", config=settings)
    refused(f"not a checkpoint of this package {said}", step=None)
    refused(f"damaged {said}.*tensors are not those", tensors=tensors | {"more": torch.zeros(1)})
    save_tensors(checkpoint, tensors, newer)
    train(TrainConfig(**TINY | {"steps": 2}), source, target, tmp_path)


def test_a_checkpoint_older_than_a_setting_goes_on_with_its_default(tmp_path):
    source, target = images()
    train(TrainConfig(**{**TINY, "steps": 1}), source, target, tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    metadata = read_metadata(checkpoint)
    del metadata["config"]["convolution"]
    save_tensors(checkpoint, safetensors.torch.load_file(checkpoint), metadata)
    lightweight = {**TINY, "steps": 2, "convolution": "xception"}
    with pytest.raises(ValueError, match="convolution: 'standard' there, 'xception' asked for"):
        train(TrainConfig(**lightweight), source, target, tmp_path)
    assert train(TrainConfig(**{**TINY, "steps": 2}), source, target, tmp_path).step == 2


@pytest.mark.parametrize(
    "setting", [{"convolution": "mobilenet"}, {"convolution": "xception"}, {"padding": "zero"}]
)
def test_another_generator_is_trained_and_loaded(tmp_path, setting):
    source, target = images()
    result = train(TrainConfig(**TINY | {"steps": 2} | setting), source, target, tmp_path)
    network = KeyGenerator.load(result.generator, device="cpu")
    assert setting.items() <= network.metadata["architecture"].items()
    assert network.generate(chest_xray(1)[0]).shape == (256, 256, 3)


class Numbers(Callback):
    """Keeps the losses and accuracies of every step."""

    def __init__(self):
        self.numbers = []

    def on_step(self, trainer):
        """Keep them."""
        self.numbers.append(trainer.numbers)


def steps_of(run, device, steps):
    """Train from seed 0 with another way to run a step's halves; the last keys and all numbers."""
    source, target = (images_to_tensor(set_).to(device) for set_ in images())
    settings = TINY | {"batch_size": 2, "pool_size": 3, "device": device}
    made = Numbers()
    trainer = Trainer(TrainConfig(**settings), source, target, 0, torch.device(device), [made])
    if run is not None:
        trainer._run = run
    trainer.fit(steps)
    return trainer.keys.cpu(), torch.stack(made.numbers).cpu()


def test_inputs_and_outputs_may_stay_in_one_place():
    """As in a recorded graph of a GPU, whose tensors are overwritten by the next step."""
    places = {}

    def run(function, *inputs):
        if function not in places:
            places[function] = [x.clone() for x in inputs], function(*inputs)
            return places[function][1]
        own_inputs, own_outputs = places[function]
        for own, given in zip(own_inputs, inputs, strict=True):
            own.copy_(given)
        for own, made in zip(own_outputs, function(*own_inputs), strict=True):
            own.copy_(made)
        return own_outputs

    expected, got = steps_of(None, "cpu", 7), steps_of(run, "cpu", 7)
    assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="kernels are recorded on a GPU only")
def test_recorded_steps_are_the_steps_one_by_one(monkeypatch):
    """With kernels that add up in one order: training makes any difference larger and larger."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setitem(TINY, "padding", "zero")  # The gradient of reflection has no fixed order.

    def run(function, *inputs):
        return function(*inputs)

    (_, expected), (_, got) = steps_of(run, "cuda", 100), steps_of(None, "cuda", 100)
    torch.testing.assert_close(got[:, :2], expected[:, :2])


def test_two_runs_in_one_folder_are_refused(tmp_path):
    source, target = images()
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(BlockingIOError, match="another"):
        train(TrainConfig(**TINY), source, target, tmp_path)


def test_no_seed_draws_a_new_one_and_records_it(tmp_path):
    source, target = images()
    config = TrainConfig(**{**TINY, "seed": None, "steps": 2, "sample_steps": ()})
    seeds = {train(config, source, target, tmp_path / name).seed for name in "ab"}
    assert len(seeds) == 2
    again = train(config, source, target, tmp_path / "a")
    assert read_metadata(again.generator)["training"]["seed"] == again.seed
    assert again.seed in seeds


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    source, target = images()
    config = TrainConfig(**TINY)
    real_loss = training.generator_loss
    calls = []

    def poisoned(scores, config):
        calls.append(1)
        return real_loss(scores, config) * (float("nan") if len(calls) > 8 else 1.0)

    monkeypatch.setattr(training, "generator_loss", poisoned)
    with pytest.raises(TrainingFailed, match="not finite at step 9"):
        train(config, source, target, tmp_path)
    assert training.read_log(tmp_path)[-1]["event"] == "failed"
    tensors = safetensors.torch.load_file(tmp_path / "checkpoint.safetensors")
    assert all(torch.isfinite(t).all() for t in tensors.values())
    assert not (tmp_path / "generator.safetensors").exists()
    monkeypatch.undo()
    train(config, source, target, tmp_path)
    whole = train(config, source, target, tmp_path / "whole")
    assert weights_sha256(tmp_path) == weights_sha256(whole.out)


def test_a_collapsed_generator_is_reported(tmp_path):
    source, target = images()
    config = TrainConfig(**{**TINY, "collapse_entropy": 8.1, "collapse_steps": 10})
    with pytest.warns(RuntimeWarning, match="below 8.1 bits for 12 steps"):
        result = train(config, source, target, tmp_path)
    assert result.collapsed
    assert [r["step"] for r in training.read_log(tmp_path) if r["event"] == "collapsed"] == [12]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((2, 32, 32), np.uint8), "shape"),
        (np.zeros((2, 32, 32, 3)), "float64"),
        (np.zeros((0, 32, 32, 3), np.uint8), "n >= 1"),
        (np.zeros((2, 40, 32, 3), np.uint8), "divisible by 16"),
        (np.zeros((2, 16, 16, 3), np.uint8), "at least 32"),
        (np.zeros((2, 64, 64, 3), np.uint8), "differ in shape"),
    ],
)
def test_bad_images_are_refused(tmp_path, source, words):
    with pytest.raises(ValueError, match=words):
        train(TrainConfig(**TINY), source, images()[1], tmp_path)


def test_a_log_cut_in_the_middle_of_a_line_is_read_up_to_there(tmp_path):
    first = '{"event": "log", "step": 1, "seconds": 0.5}\n'
    for cut in ('{"event": "lo', "5", "[]", '{"event": "log", "step": null, "seconds": 1}', "\xff"):
        (tmp_path / "log.jsonl").write_text(first + cut, encoding="latin-1")
        assert [r["step"] for r in training.read_log(tmp_path)] == [1]
