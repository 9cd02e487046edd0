"""Networks that an attack trains first."""

import dataclasses

import pytest

from dkg import attacks, data
from dkg.attacks import NetworkToTrain
from dkg.training import TrainConfig

from .helpers import smooth_images


def training(source, **settings):
    config = TrainConfig(
        steps=2,
        residual_blocks=0,
        generator_width=2,
        discriminator_width=2,
        device="cpu",
        threads=1,
        sample_steps=(),
    )
    return NetworkToTrain(config=dataclasses.replace(config, **settings), source=source)


def test_training_with_the_victims_random_seed_gives_its_keys(images, seeds, tmp_path, rng):
    """What the "one-time pad" rests on: the same seed of the training is the same network."""
    source = data.ImageSet("montgomery", smooth_images(rng, 2, side=64), "synthetic")
    victim = dataclasses.replace(training(source, seed=7), out=tmp_path / "victim")
    result = attacks.domain_and_structure_leakage(
        victim,
        {"B": training(source, seed=7), "C": training(source)},
        seeds[:1],
        images[:1],
        candidates=images,
    )
    pairs = result.summary()
    assert pairs.loc[("A", "B"), "ssim"] == 1
    assert pairs.loc[("A", "C"), "ssim"] < 1
    assert (tmp_path / "victim" / "generator.safetensors").is_file()
    trained = result.networks["A"].metadata["training"]
    assert trained["step"] == 2
    assert trained["description"]["domain"] == "chaotic-rgb"
    with pytest.raises(ValueError, match="no domain 'rot13'"):
        dataclasses.replace(victim, domain="rot13").run()
