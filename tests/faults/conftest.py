"""What the tests of faults share."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from warm import Warm

from dkg import encryption
from dkg.training import TrainConfig, train


@pytest.fixture(scope="session")
def warm():
    process = Warm()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """The smallest network, after one step."""
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    config = TrainConfig(
        steps=1,
        residual_blocks=0,
        generator_width=1,
        discriminator_width=1,
        sample_steps=(),
        threads=1,
        device="cpu",
    )
    folder = tmp_path_factory.mktemp("network")
    return train(config, images, images, folder, progress=False).generator


@pytest.fixture
def work(tmp_path):
    """A folder with a seed image, two images to encrypt, and a key for each of them."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).save(tmp_path / "seed.png")
    for number in (1, 2):
        image = rng.integers(0, 256, (30, 20), np.uint8)
        encryption.write_samples(tmp_path / f"image-{number}.png", image)
        key = rng.integers(0, 256, (1, 256, 256, 3), np.uint8)
        about = {"weights_sha256": hashlib.sha256(b"none").hexdigest(), "weights_public": False}
        encryption.write_key(tmp_path / f"key-{number}.png", key, **about)
    return tmp_path
