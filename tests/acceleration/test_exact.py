"""Exact arithmetic: against NumPy's integers, and the same on every number of threads."""

import hashlib
import math
import os
import subprocess
import sys
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dkg.acceleration import fixed_point, fixed_point_compiled, process
from dkg.acceleration.exact import ExactGenerator
from dkg.models import Generator, images_to_tensor, initialise, tensor_to_images


def formula(n_bytes, label):
    """Bytes that are the same everywhere."""
    return np.frombuffer(hashlib.shake_256(label.encode()).digest(n_bytes), np.uint8)


def network(**architecture):
    """A generator with weights by a formula, so that it is the same everywhere."""
    generator = Generator(**architecture)
    for name, values in generator.state_dict().items():
        numbers = formula(values.numel(), name).astype(np.float32)
        numbers = (numbers - 127.5) / 2048 if values.ndim > 1 else (numbers + 64) / 256
        values.copy_(torch.from_numpy(numbers).view(values.shape))
    return generator.requires_grad_(False)


@pytest.fixture(scope="module")
def small():
    return network(residual_blocks=2, width=4, convs_per_block=2)


@pytest.fixture(scope="module")
def seed():
    return formula(256 * 256 * 3, "seed image").reshape(256, 256, 3).copy()


def whole(*shape, largest):
    return torch.from_numpy(np.random.default_rng().integers(-largest, largest, shape)).double()


FORMS = pytest.mark.parametrize("forms", [fixed_point, fixed_point_compiled])


@FORMS
@pytest.mark.parametrize(
    ("name", "kernel", "step"),
    [
        ("convolve", (6, 5, 7, 7), 1),
        ("convolve", (6, 5, 3, 3), 2),
        ("convolve", (6, 5, 3, 1), 1),
        ("convolve_few", (3, 5, 7, 7), 1),
        ("convolve_pairs", (6, 5, 3, 3), 1),
    ],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_convolutions_are_exact(forms, name, kernel, step, threads, monkeypatch):
    # Small bands, so that there are several, and the last one is not full.
    monkeypatch.setattr(fixed_point, "_BAND", 4000 // threads)
    side = 32 * step + kernel[3] - 1
    x, weights = whole(5, side, side, largest=2**20), whole(*kernel, largest=2**20)
    windows = np.lib.stride_tricks.sliding_window_view(x.long().numpy(), kernel[2:], (1, 2))
    windows = windows[:, ::step, ::step]
    expected = np.einsum("crsij,ocij->ors", windows, weights.long().numpy())
    arguments = (x, weights, step) if name == "convolve" else (x, weights)
    factor = 2 if name == "convolve_pairs" else 1
    assert np.abs(expected).max() < 2**52
    compiled = forms is fixed_point_compiled
    with process.threads(threads), forms.own_threads() if compiled else nullcontext():
        sums = getattr(forms, name)(*arguments)
    np.testing.assert_array_equal(sums.long().numpy(), factor * expected)


@FORMS
def test_upsampling_is_the_transposed_convolution(forms):
    x, weights = whole(5, 12, 12, largest=2**20), whole(6, 5, 3, 3, largest=2**20)
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    # All numbers are whole and small enough, so that torch's sum is also exact in any order.
    expected = F.conv_transpose2d(x[None], weights.transpose(0, 1), **options)[0]
    assert torch.equal(forms.upsample(x, weights), expected)


def by_numpy(x, scale, offset):
    """Normalise with another library, in the order that is part of the definition."""
    strips = x.numpy().reshape(len(x), 32, -1)

    def total(numbers):
        row = np.zeros_like(numbers[:, 0])
        for strip in range(32):
            row += numbers[:, strip]
        while row.shape[1] > 1:
            row = row[:, : row.shape[1] // 2] + row[:, row.shape[1] // 2 :]
        return row[:, :, None] / numbers[0].size

    from_mean = strips - total(strips)
    factor = scale.numpy()[:, :, None] / np.sqrt(total(from_mean * from_mean))
    return np.rint(from_mean * factor + offset.numpy()[:, :, None]).reshape(x.shape)


@FORMS
def test_normalisation_and_its_bound(forms):
    x = whole(3, 16, 16, largest=2**40)
    x[2] = 0
    x[2, 0, 0] = 2**40  # The number that is farthest from the mean that a number can be.
    scale, offset = torch.tensor([[1.0, -2.0], [3.0, 0.5], [1.0, 0.0]]).double().unbind(1)
    scale, offset = (values[:, None] * 2**16 for values in (scale, offset))
    mean, deviation = x.mean((1, 2), keepdim=True), x.std((1, 2), keepdim=True, correction=0)
    expected = (x - mean) / deviation * scale[..., None] + offset[..., None]
    got = forms.normalise(x.clone(), scale, offset, 0.0)
    assert torch.equal(got, got.round()) and (got - expected).abs().max() < 0.51
    np.testing.assert_array_equal(got.numpy(), by_numpy(x, scale, offset))
    assert got[2, 0, 0] == pytest.approx(2**16 * math.sqrt(255), abs=1)
    module = torch.nn.InstanceNorm2d(3, affine=True)
    module.weight.data, module.bias.data = (v[:, 0] / 2**16 for v in (scale, offset))
    largest = ExactGenerator._normalisation(_Device(), module, 256)[2]
    assert got.abs().max() <= largest < 2**16 * (math.sqrt(256) * 3 + 2) + 100


class _Device:
    _device = "cpu"


def test_weights_get_as_many_bits_as_the_largest_sum_allows():
    weights = torch.randn(6, 5, 3, 3, dtype=torch.float64)
    kernel, unit = ExactGenerator._round_weights(_Device(), weights, 2**20)
    sums = kernel.abs().sum((1, 2, 3)).max() * 2**20
    assert 2**47.9 < sums <= 2**49
    assert (kernel / unit - weights).abs().max() <= 0.5 / unit
    with pytest.raises(ValueError, match="not finite"):
        ExactGenerator._round_weights(_Device(), weights * math.nan, 2**20)


@pytest.mark.slow
def test_what_comes_out_is_what_the_generator_computes(small, seed):
    assert_computes_the_same(small, seed)


@pytest.mark.slow
@pytest.mark.parametrize("between", [[], [torch.nn.InstanceNorm2d(8, affine=True)]])
def test_convolutions_of_each_channel_alone(seed, between):
    generator = network(residual_blocks=1, width=4)

    def separated(layer, outputs):
        inputs, rest = layer[0].in_channels, list(layer)[1:]
        options = {"stride": 2, "padding": 1, "groups": inputs, "bias": False}
        if isinstance(layer[0], torch.nn.ConvTranspose2d):
            alone = torch.nn.ConvTranspose2d(inputs, inputs, 3, output_padding=1, **options)
        else:
            alone = torch.nn.Conv2d(inputs, inputs, 3, **options)
        mixing = torch.nn.Conv2d(inputs, outputs, 1, bias=False)
        return torch.nn.Sequential(alone, *between, mixing, *rest)

    generator.down3 = separated(generator.down3, 16)
    generator.up2 = separated(generator.up2, 4)
    assert_computes_the_same(generator.requires_grad_(False), seed)


@pytest.mark.slow
def test_zero_padding_is_exact_too(seed):
    generator = Generator(1, 4, padding="zero")
    initialise(generator, torch.Generator().manual_seed(0))
    assert_computes_the_same(generator.requires_grad_(False), seed)


def assert_computes_the_same(generator, seed):
    exactly = ExactGenerator(generator)
    sums = exactly(seed)
    assert torch.equal(exactly(seed), sums)  # From the second key on it is compiled.
    assert torch.equal(sums, sums.round()) and sums.abs().max() < 2**53
    with torch.no_grad():
        expected = generator.double()(images_to_tensor(seed[None]).double())[0]
    generator.float()
    assert (torch.tanh(sums / exactly.unit) - expected).abs().max() < 1e-3
    key, key_in_double = exactly.paper_bytes(sums), tensor_to_images(expected[None])[0]
    assert np.abs(key.astype(int) - key_in_double).max() <= 1
    assert (key != key_in_double).mean() < 0.02


def test_a_key_is_read_by_exact_comparison(small):
    generator = ExactGenerator(small)
    edges = generator._edges[1:-1]
    sums = torch.stack([edges, edges - 1, edges + 1])[:, None]
    key = generator.paper_bytes(sums)[0]
    expected = np.arange(1, 256)[:, None] + [0, -1, 0]
    np.testing.assert_array_equal(key, expected)
    for byte in (1, 100, 128, 200, 255):
        # tanh(y) = byte / 128 - 1 at the edge, and below it for the integer before.
        below, above = (
            math.tanh(edges[byte - 1].item() / generator.unit + d) for d in (-1e-9, 1e-9)
        )
        assert below < byte / 128 - 1 < above


def test_low_order_digits():
    sums = torch.tensor([0, 255, 256, 65536 + 513, -1, -256, -257]).double().expand(3, 1, 7)
    key = ExactGenerator.low_order_bytes(sums)
    assert key[0, :, 0].tolist() == [0, 0, 1, 2, 255, 255, 254]
    assert [math.floor(Fraction(int(s), 256)) % 256 for s in sums[0, 0]] == key[0, :, 0].tolist()


def hashes_by_a_formula():
    """Return the hashes of two keys whose network and seed image follow from SHAKE-256."""
    generator = ExactGenerator(network(residual_blocks=2, width=4, convs_per_block=2))
    seed = formula(256 * 256 * 3, "seed image").reshape(256, 256, 3)
    sums = generator(seed)
    assert torch.equal(generator(seed), sums)  # From the second key on it is compiled.
    return [
        hashlib.sha256(read(sums).tobytes()).hexdigest()
        for read in (generator.paper_bytes, generator.low_order_bytes)
    ]


@pytest.mark.slow
def test_keys_by_a_formula_are_the_same_on_every_machine():
    expected = [
        "a7e688371c4949a3e9456f2a0b1218ae998e9fd6fd3e917ae477f42126ca69c3",
        "082beeb00dabab83f46fbb8fd749795483b31f24c8f2053a9335ed6b55cf52d9",
    ]
    assert hashes_by_a_formula() == expected
    # In another process, with the instructions of an older processor.
    code = "from test_exact import hashes_by_a_formula; print(*hashes_by_a_formula())"
    older = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
    older["NUMBA_CPU_NAME"] = "generic"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=os.environ | older,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == expected


@pytest.mark.slow
def test_nothing_that_rounds_differently_matters(seed):
    generator = ExactGenerator(network(residual_blocks=1, width=16))
    sums = generator(seed)
    threads = torch.get_num_threads()
    try:
        for other in {1, 2, 3, threads}:
            torch.set_num_threads(other)
            assert torch.equal(generator(seed), sums)
    finally:
        torch.set_num_threads(threads)
    if torch.cuda.is_available():
        on_gpu = ExactGenerator(network(residual_blocks=1, width=16), "cuda")
        assert torch.equal(on_gpu(seed).cpu(), sums)


def test_an_unknown_layer_is_refused():
    generator = Generator(residual_blocks=0, width=4)
    generator.down1[3] = torch.nn.Sigmoid()
    with pytest.raises(TypeError, match="no exact form of the layer Sigmoid"):
        ExactGenerator(generator)
