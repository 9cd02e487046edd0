"""Keys from trained networks, shipped or given as a file."""

import hashlib
import re

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from dkg import keys, paths, training
from dkg.data.phantoms import chest_xray
from dkg.keys import KeyGenerator
from dkg.models import Generator, images_to_tensor
from dkg.storage.checkpoints import read_metadata, save_tensors


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny run; its generator is small, so that a key takes little time."""
    rng = np.random.default_rng()
    source, target = rng.integers(0, 256, (2, 2, 32, 32, 3), dtype=np.uint8)
    config = training.TrainConfig(
        steps=2, residual_blocks=1, generator_width=4, discriminator_width=4, device="cpu"
    )
    return training.train(config, source, target, tmp_path_factory.mktemp("run")).generator


@pytest.fixture(scope="module")
def seeds():
    return np.random.default_rng().integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False])
def test_a_key_is_the_top_eight_bits_of_the_generators_output(trained, seeds, exact):
    generator = KeyGenerator.load(trained, device="cpu", exact=exact)
    network = Generator(residual_blocks=1, width=4)
    network.load_state_dict(safetensors.torch.load_file(trained))
    with torch.no_grad():
        output = network(images_to_tensor(seeds[:1]))[0].permute(1, 2, 0).numpy()
    expected = np.minimum(np.floor((output.astype(np.float64) + 1) * 128), 255)
    key = generator.generate(seeds[0])
    assert key.dtype == np.uint8 and key.shape == (256, 256, 3)
    # Rounding may move a value over a byte's edge, in single precision as in exact arithmetic.
    assert np.abs(key - expected).max() <= 1 and (key != expected).mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"exact": False}, {"output": "low-order"}], ids=["exact", "float", "low-order"]
)
def test_many_keys_are_the_single_ones(trained, seeds, options):
    generator = KeyGenerator.load(trained, device="cpu", **options)
    many = generator.generate_many(seeds)
    assert many.shape == (3, 256, 256, 3) and many.dtype == np.uint8
    for seed, key in zip(seeds, many, strict=True):
        np.testing.assert_array_equal(generator.generate(seed), key)
    assert generator.generate_many(seeds[:0]).shape == (0, 256, 256, 3)


@pytest.mark.slow
def test_keys_that_a_gpu_makes_at_once_are_the_single_ones_but_for_rounding(trained, seeds):
    generator = KeyGenerator.load(trained, device="cpu", exact=False)
    together, single = generator._generate(seeds), generator.generate_many(seeds)
    apart = np.abs(together.astype(int) - single)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.01


@pytest.mark.parametrize("shape", [(256, 256, 3), (1, 256, 256), (2, 128, 256, 3)])
def test_many_seed_images_of_another_shape_are_refused(trained, shape):
    generator = KeyGenerator.load(trained, device="cpu")
    with pytest.raises(ValueError, match="seed images must be uint8 of shape"):
        generator.generate_many(np.zeros(shape, np.uint8))


def test_weights_are_a_copy_of_those_of_the_file(trained, seeds):
    generator = KeyGenerator.load(trained, device="cpu")
    in_file = safetensors.numpy.load_file(trained)
    weights = generator.weights()
    assert weights.keys() == in_file.keys()
    key = generator.generate(seeds[0])
    for name, values in weights.items():
        np.testing.assert_array_equal(values, in_file[name])
        assert values.dtype == np.float32
        values[...] = 0
    np.testing.assert_array_equal(generator.generate(seeds[0]), key)


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False])
def test_contrast_is_a_factor_before_the_last_tanh(trained, seeds, exact):
    generator = KeyGenerator.load(trained, device="cpu", exact=exact)
    key = generator.generate(seeds[0])
    stronger = generator.with_contrast(3.0)
    # Each byte says its output but for half a step, which near the ends is wide before tanh.
    inner = (key > 32) & (key < 224)
    output = np.tanh(3 * np.arctanh((key[inner] + 0.5) / 128 - 1))
    expected = (128 * (output + 1)).clip(0, 255)
    assert np.abs(stronger.generate(seeds[0])[inner] + 0.5 - expected).max() < 3
    assert (stronger.exact, stronger.public, stronger.name) == (
        exact,
        generator.public,
        f"{generator.name}, contrast 3",
    )
    assert stronger.sha256 != generator.sha256
    assert stronger.sha256 == generator.with_contrast(3.0).sha256
    np.testing.assert_array_equal(generator.generate(seeds[0]), key)
    np.testing.assert_array_equal(generator.with_contrast(1.0).generate(seeds[0]), key)


@pytest.mark.parametrize("factor", [0, -1.0, np.inf, np.nan])
def test_a_contrast_that_is_none_is_refused(trained, factor):
    generator = KeyGenerator.load(trained, device="cpu", exact=False)
    with pytest.raises(ValueError, match=f"factor must be a positive finite number, not {factor}"):
        generator.with_contrast(factor)


def test_keys_are_exact_unless_asked_otherwise(trained):
    generator = KeyGenerator.load(trained)
    assert (generator.exact, generator.output) == (True, "paper")
    assert not KeyGenerator.load(trained, exact=False).exact
    with pytest.raises(ValueError, match="'paper' or 'low-order', not 'high-order'"):
        KeyGenerator.load(trained, output="high-order")
    with pytest.raises(ValueError, match="unless they are computed with exact=True"):
        KeyGenerator.load(trained, exact=False, output="low-order")


def test_the_noise_map_is_shake_256():
    noise = keys.noise_map()
    assert noise.shape == (256, 256, 3) and not noise.flags.writeable
    # The first bytes as OpenSSL prints them: openssl dgst -shake256 -xoflen 8
    assert noise.ravel()[:8].tobytes().hex() == "6777196cf3172f7a"


def cells(key):
    """The number of different cells of 8 x 8 pixels, of 1,024."""
    parts = key.reshape(32, 8, 32, 8, 3).swapaxes(1, 2).reshape(1024, -1)
    return len(np.unique(parts, axis=0))


@pytest.mark.slow
def test_flat_seed_images_give_low_order_keys_like_any_other():
    generator = KeyGenerator.load(device="cpu", output="low-order")
    flat = {value: np.full((256, 256, 3), value, np.uint8) for value in (0, 1, 255)}
    flat["border"] = chest_xray(1)[0].copy()
    flat["border"][:128] = 0
    made = {name: generator.generate(image) for name, image in flat.items()}
    # XOR with the noise twice is no noise: so the low-order digits look without it.
    plain = {name: generator.generate(image ^ keys.noise_map()) for name, image in flat.items()}
    assert all(cells(key) == 1024 for key in made.values())
    assert all(cells(key) < 1000 for key in plain.values())
    # Normalisation takes the mean away, so that without noise all flat images have one key.
    np.testing.assert_array_equal(plain[0], plain[255])
    # Two uniform random keys agree in 768 of 196,608 bytes, with a standard deviation of 28.
    for one, other in ((0, 1), (0, 255), (1, 255), (0, "border")):
        assert (made[one] == made[other]).sum() < 768 + 10 * 28


@pytest.mark.slow
@pytest.mark.parametrize("place", [(0, 0, 0), (255, 255, 2), (0, 128, 1), (100, 77, 2)])
@pytest.mark.parametrize("step", [1, -1])
def test_one_gray_level_at_one_pixel_changes_the_whole_low_order_key(place, step):
    generator = KeyGenerator.load(device="cpu", output="low-order")
    seed = np.full((256, 256, 3), 100, np.uint8)
    changed = seed.copy()
    changed[place] = 100 + step
    key, other = generator.generate(seed), generator.generate(changed)
    assert (key == other).sum() < 768 + 10 * 28
    # And everywhere, not only around the pixel: 192 bytes in each cell of 8 x 8 pixels.
    equal = (key == other).reshape(32, 8, 32, 8, 3).sum((1, 3, 4))
    assert equal.max() < 20


def test_a_file_says_what_it_is(trained):
    generator = KeyGenerator.load(trained)
    assert not generator.public
    assert generator.sha256 == hashlib.sha256(trained.read_bytes()).hexdigest()
    assert generator.metadata["training"]["step"] == 2


def test_a_shipped_network_is_public_under_any_name_and_in_any_file(tmp_path, monkeypatch, trained):
    shipped = paths.WEIGHTS / keys.weights_entry(keys.list_weights()[0])["file"]
    copy, saved, seed = (tmp_path / f"{name}.safetensors" for name in ("ours", "saved", "seed"))
    copy.write_bytes(shipped.read_bytes())
    monkeypatch.chdir(tmp_path)
    with safetensors.safe_open(shipped, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # Saved again, the file has another hash; with another seed only the weights tell.
    number = str(keys.weights_entry(keys.list_weights()[0])["seed"])
    changed = {name: text.replace(number, "7") for name, text in metadata.items()}
    safetensors.torch.save_file(tensors, saved, changed)
    # One weight in the last place: the random seed tells whose training it is.
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    first = next(iter(tensors))
    tensors[first].view(-1)[0] = torch.nextafter(tensors[first].view(-1)[0], torch.tensor(9.0))
    safetensors.torch.save_file(tensors, seed, metadata)
    for path in (copy, copy.name, shipped, saved, seed):
        assert KeyGenerator.load(path, device="cpu").public, path
    assert not KeyGenerator.load(trained, device="cpu").public


@pytest.mark.parametrize("name", keys.list_weights())
def test_every_shipped_network_is_the_one_of_the_manifest(name):
    generator = KeyGenerator.load(name, device="cpu")
    entry = keys.weights_entry(name)
    assert generator.public and generator.name == name
    recorded = generator.metadata["training"]
    assert recorded["step"] == entry["steps"] and recorded["seed"] == entry["seed"]
    assert recorded["images"]["source"] == entry["source_sha256"]
    log = training.read_log(paths.WEIGHTS / entry["log"])
    assert log[-1]["step"] == entry["steps"]
    assert entry["origin"] == "synthetic" or not entry["samples"], "these keys show real images"
    for sample in entry["samples"].values():
        assert (paths.WEIGHTS / sample["file"]).is_file()


def test_the_default_network_was_trained_on_phantoms_at_full_length():
    entry = keys.weights_entry(keys.list_weights()[0])
    assert entry["origin"] == "synthetic" and entry["steps"] == 20_000
    defaults = {name: default for name, default, _ in training.TrainConfig.describe()}
    assert entry["recipe"] == {name: defaults[name] for name in entry["recipe"]}
    assert {"learning_rate", "loss", "batch_size", "residual_blocks"} <= set(entry["recipe"])


def test_the_shipped_sample_keys_come_out_again():
    """The last sample is the finished network's key of the first phantom."""
    entry = keys.weights_entry(keys.list_weights()[0])
    from skimage import io

    sample = io.imread(paths.WEIGHTS / entry["samples"][str(entry["steps"])]["file"])
    key = KeyGenerator.load(device="cpu").generate(chest_xray(1)[0])
    # Another processor rounds otherwise; a tenth of the bytes would be another network.
    assert (sample != key).mean() < 0.1


def test_what_is_no_network_is_refused(tmp_path, trained, monkeypatch):
    with pytest.raises(FileNotFoundError, match="neither a file nor a shipped network"):
        KeyGenerator.load(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("hello world, this is no network")
    with pytest.raises(ValueError, match=r"text\.safetensors: not a safetensors file"):
        KeyGenerator.load(tmp_path / "text.safetensors")
    with pytest.raises(ValueError, match="'dkg discriminator 1', not 'dkg generator 1'"):
        KeyGenerator.load(trained.with_name("discriminator.safetensors"))
    with pytest.raises(ValueError, match="'no format name'"):
        safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
        KeyGenerator.load(tmp_path / "other.safetensors")
    with pytest.raises(KeyError, match="no network named 'nobody'"):
        keys.weights_entry("nobody")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": {"residual_blocks": 10**9}}, "it is {'residual_blocks': 1000000000}"),
        ({"architecture": {"width": 10**6}}, "names, types or shapes differ"),
        ({"architecture": {"width": 10**18}}, "weights do not fit the architecture"),
        ({"architecture": {"width": "16"}}, "weights do not fit the architecture"),
        ({"architecture": {"colour": 1}}, "unexpected keyword argument 'colour'"),
        ({"architecture": None}, "it is None"),
        ({"training": {"description": {}}}, "does not say how many steps"),
        ({"training": {"step": 2}}, "does not say what it was trained on"),
    ],
)
def test_a_file_that_claims_to_be_another_network_is_refused(tmp_path, trained, change, words):
    """One that claims to be larger than it is takes no memory."""
    path = tmp_path / "changed.safetensors"
    metadata = read_metadata(trained) | change
    save_tensors(path, safetensors.torch.load_file(trained), metadata)
    with pytest.raises(ValueError, match=rf"changed\.safetensors: .*{re.escape(words)}"):
        KeyGenerator.load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("exact", [True, False])
def test_weights_that_are_no_numbers_are_refused(tmp_path, trained, value, exact):
    path = tmp_path / "changed.safetensors"
    tensors = safetensors.torch.load_file(trained)
    next(iter(tensors.values())).view(-1)[0] = value
    save_tensors(path, tensors, read_metadata(trained))
    with pytest.raises(ValueError, match=r"changed\.safetensors: .*not finite"):
        KeyGenerator.load(path, exact=exact)
    tensors = {name: tensor.double() for name, tensor in tensors.items()}
    save_tensors(path, tensors, read_metadata(trained))
    with pytest.raises(ValueError, match=r"names, types or shapes differ"):
        KeyGenerator.load(path, exact=exact)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"networks = 3",
        b"[networks]\na = 1",
        b"[networks.a]\nfile = 'x'",
        b"[[networks]]\na = 1",
        b"[networks.a",
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, monkeypatch, text):
    (tmp_path / "manifest.toml").write_bytes(text)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"manifest\.toml: not a manifest of networks"):
        keys.list_weights()


def test_a_shipped_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    name = keys.list_weights()[0]
    entry = keys.weights_entry(name)
    (tmp_path / "manifest.toml").write_text((paths.WEIGHTS / "manifest.toml").read_text())
    content = bytearray((paths.WEIGHTS / entry["file"]).read_bytes())
    content[-1] ^= 1
    (tmp_path / entry["file"]).write_bytes(content)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match="but the manifest has"):
        KeyGenerator.load(name)


@pytest.mark.parametrize(
    "seed",
    [
        np.zeros((256, 256), np.uint8),
        np.zeros((128, 128, 3), np.uint8),
        np.zeros((256, 256, 3)),
    ],
)
def test_a_bad_seed_image_is_refused(trained, seed):
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(256, 256, 3\)"):
        KeyGenerator.load(trained, device="cpu").generate(seed)
