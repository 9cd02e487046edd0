"""Run a command inside the process, on random images and keys."""

import zlib

import imagecodecs
import numpy as np
import pytest
from typer.testing import CliRunner

from dkg import encryption
from dkg.cli import app

random = np.random.default_rng(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let a test draw the same alone and among others."""
    global random
    random = np.random.default_rng(zlib.crc32(item.name.encode()))


def run(*arguments, status=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def error(*arguments):
    """Run a command that must fail, and return its one line on stderr."""
    message = run(*arguments, status=1).stderr
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    return message


def random_bytes(*shape, dtype=np.uint8):
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def save(path, array):
    path.write_bytes(imagecodecs.png_encode(array))
    return path


def make_folder(path):
    path.mkdir(exist_ok=True)
    return path


def make_key(path, n=1):
    encryption.write_key(
        path, random_bytes(n, 256, 256, 3), weights_sha256="0" * 64, weights_public=False
    )
    return path


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key.png")


@pytest.fixture
def encrypted(tmp_path, key):
    image = save(tmp_path / "image.png", random_bytes(12, 10))
    run("encrypt", image, "--key", key, "-o", tmp_path / "out.png")
    return tmp_path / "out.png"


@pytest.fixture(scope="package")
def network(tmp_path_factory):
    """Train the smallest network for one step, to have a file of weights."""
    from dkg.training import TrainConfig, train

    folder = tmp_path_factory.mktemp("network")
    config = TrainConfig(
        steps=1,
        residual_blocks=0,
        generator_width=1,
        discriminator_width=1,
        sample_steps=(),
        device="cpu",
    )
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    train(config, images, images, folder, progress=False)
    return folder / "generator.safetensors"
