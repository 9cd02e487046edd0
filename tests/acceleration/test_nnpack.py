"""NNPACK's convolutions against direct ones in double precision, and where they are used."""

import numpy as np
import pytest
import torch

from dkg.acceleration import accelerate, nnpack
from dkg.models import Generator, images_to_tensor

WITH_NNPACK = pytest.mark.skipif(
    not torch.backends.nnpack.is_available(), reason="this torch or processor has no NNPACK"
)
# Winograd's transforms cost digits. Half of single precision's 24 bits must remain.
TOLERANCE = 2.0**-12


@pytest.fixture
def avx2(monkeypatch):
    """A processor without AVX-512."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


@WITH_NNPACK
@pytest.mark.parametrize("part", ["residual", "up3"])
@pytest.mark.parametrize("n", [1, 2])
def test_values_and_gradients_are_those_of_a_direct_convolution(part, n, avx2):
    layer = accelerate(Generator())
    layer = layer.residual[0].body[1] if part == "residual" else layer.up3[1]
    margin = layer.kernel_size[0] - 1
    random = torch.Generator().manual_seed(0)
    x = torch.randn(n, layer.in_channels, 24 + margin, 32 + margin, generator=random)
    weight = layer.weight.detach()
    ours, plain = x.clone().requires_grad_(), x.double().requires_grad_()
    kernel = weight.double().requires_grad_()
    assert nnpack.is_faster(ours)
    output, expected = layer(ours), torch.nn.functional.conv2d(plain, kernel)
    assert output.is_contiguous(memory_format=torch.channels_last)
    factor = torch.randn(output.shape, generator=random)
    output.backward(factor)
    expected.backward(factor.double())
    pairs = ((output, expected), (ours.grad, plain.grad), (layer.weight.grad, kernel.grad))
    for made, reference in pairs:
        error = (made.detach() - reference.detach()).abs().max()
        assert error <= TOLERANCE * reference.detach().abs().max()


@WITH_NNPACK
def test_a_key_is_the_same_with_and_without(monkeypatch):
    """Only networks in training compute with it."""
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 48, 3), dtype=np.uint8)
    network, x = accelerate(Generator()), images_to_tensor(image)
    keys = []
    for capability in ("AVX512", "AVX2"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda c=capability: c)
        with torch.inference_mode():
            keys.append(network(x))
    assert torch.equal(*keys)


@pytest.mark.parametrize(
    ("capability", "dtype"), [("AVX512", torch.float32), ("AVX2", torch.float64)]
)
def test_where_it_is_not_used(capability, dtype, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert not nnpack.is_faster(torch.zeros(1, 3, 8, 8, dtype=dtype))


def test_which_layers_may_use_it():
    kinds = [type(layer).__name__ for layer in accelerate(Generator(3)).modules()]
    assert kinds.count("ResidualConv2d") == 3
    assert kinds.count("FewOutputsConv2d") == 1
