"""The accelerated layers and networks against torch's own."""

import copy

import pytest
import torch

from dkg.acceleration import accelerate
from dkg.acceleration.layers import ChannelsLastInstanceNorm2d, FewOutputsConv2d
from dkg.models import CONVOLUTIONS, Discriminator, Generator, initialise


def networks():
    """Yield each kind of network with random weights, in double precision."""
    made = [Generator(1, 4, convolution=kind) for kind in CONVOLUTIONS]
    for network in (*made, Generator(1, 4, 2, padding="zero"), Discriminator(4)):
        initialise(network, torch.Generator().manual_seed(0))
        yield network.double()


@pytest.mark.slow
@pytest.mark.parametrize("network", list(networks()), ids=lambda network: type(network).__name__)
def test_an_accelerated_network_is_the_plain_one(network):
    """Values, and the gradients of the input and of every weight."""
    fast = accelerate(copy.deepcopy(network))
    assert list(fast.state_dict()) == list(network.state_dict())
    x = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    inputs = [(x * 2 - 1).requires_grad_() for _ in range(2)]
    outputs = [one(image) for one, image in zip((network, fast), inputs, strict=True)]
    torch.testing.assert_close(outputs[1], outputs[0])
    for output in outputs:
        output.pow(3).sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    for ours, plain in zip(fast.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, plain.grad)


def test_which_layers_are_swapped_and_that_twice_is_once():
    network = accelerate(Generator())
    kinds = [type(layer) for layer in network.modules()]
    assert torch.nn.InstanceNorm2d not in kinds
    assert kinds.count(ChannelsLastInstanceNorm2d) == 11
    assert kinds.count(FewOutputsConv2d) == 1
    assert len(accelerate(network)._forward_pre_hooks) == 1


@pytest.mark.parametrize(("height", "width"), [(32, 64), (33, 32)])
def test_the_last_convolution_is_an_ordinary_one(height, width):
    """Both layouts, values and gradients: 33 rows do not divide by 2."""
    random = torch.Generator().manual_seed(0)
    last = accelerate(Generator()).up3[1]
    initialise(last, random)
    x = torch.rand(2, 16, height + 6, width + 6, generator=random, dtype=torch.float64)
    last.double()
    ours, x_ours = last.weight, x.clone().requires_grad_()
    plain, x_plain = ours.detach().clone().requires_grad_(), x.clone().requires_grad_()
    output = last(x_ours)
    expected = torch.nn.functional.conv2d(x_plain, plain)
    torch.testing.assert_close(output, expected)
    output.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)
    torch.testing.assert_close(x_ours.grad, x_plain.grad)


@pytest.mark.parametrize("channels_last", [True, False])
def test_instance_normalisation_is_that_of_torch(channels_last):
    random = torch.Generator().manual_seed(0)
    ours = accelerate(Discriminator(width=4)).state2[1].double()
    initialise(ours, random)
    plain = torch.nn.InstanceNorm2d(8, eps=ours.eps, affine=True).double()
    plain.load_state_dict(ours.state_dict())
    x = torch.rand(2, 8, 6, 10, generator=random, dtype=torch.float64)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    x_ours, x_plain = x.clone().requires_grad_(), x.clone().requires_grad_()
    output, expected = ours(x_ours), plain(x_plain)
    torch.testing.assert_close(output, expected)
    output.pow(3).sum().backward()
    expected.pow(3).sum().backward()
    torch.testing.assert_close(x_ours.grad, x_plain.grad)
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)


def test_instance_normalisation_in_single_precision_is_as_near_to_double_as_torchs():
    """A mean far from zero costs digits; the paper's first layer has such channels."""
    random = torch.Generator().manual_seed(0)
    x = 10 + torch.randn(1, 16, 256, 256, generator=random)
    ours = accelerate(Generator()).down1[2]
    plain = torch.nn.InstanceNorm2d(16, affine=True)
    expected = copy.deepcopy(plain).double()(x.double())
    errors = [(norm(x) - expected).abs().max().item() for norm in (ours, plain)]
    assert errors[0] <= 2 * errors[1]
