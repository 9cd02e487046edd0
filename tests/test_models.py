"""The networks against Tables I, II and XVI of the paper, row by row."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dkg.counts import convolution_table, multiplications
from dkg.models import (
    CONVOLUTIONS,
    RESIDUAL_BLOCKS,
    Discriminator,
    Generator,
    images_to_tensor,
    initialise,
    tensor_to_images,
)
from dkg.paper import TABLES


def printed(number):
    """Rows of a table, with the kernel "4*4+1" spelled out."""
    rows = list(zip(*TABLES[number].values(), strict=True))
    return [tuple("4*4+1*1" if cell == "4*4+1" else cell for cell in row) for row in rows]


def test_generator_is_table_i_but_for_its_misprinted_last_total():
    *rows, last = (tuple(row) for row in convolution_table(Generator()))
    *expected, misprinted = printed("I")
    assert rows == expected
    assert last[:-1] == misprinted[:-1]
    assert (last[-1], misprinted[-1]) == (271_968, 198_240)


def test_discriminator_is_table_ii():
    assert [tuple(row) for row in convolution_table(Discriminator())] == printed("II")
    assert convolution_table(Discriminator())[-1].total_parameters == 451_328


@pytest.mark.parametrize(("name", "blocks"), [("A", 3), ("B", 6), ("C", 9), ("D", 12)])
def test_networks_of_table_xvi(name, blocks):
    rows = convolution_table(Generator(residual_blocks=RESIDUAL_BLOCKS[name]))
    assert rows[3].number == blocks
    assert rows[3].parameters == blocks * 36864
    assert rows[-1].total_parameters == 271968 + (blocks - 6) * 36864


def test_two_convolutions_per_block_double_the_residual_rows():
    rows = convolution_table(Generator(convs_per_block=2))
    assert rows[3].parameters == 2 * 221184


def test_no_convolution_has_a_bias():
    for network in (Generator(), Discriminator()):
        for name, _ in network.named_parameters():
            if name.endswith("bias"):  # Only a normalisation's offset may be called so.
                module = network.get_submodule(name.rsplit(".", 1)[0])
                assert isinstance(module, torch.nn.InstanceNorm2d)


def test_shapes():
    x = torch.zeros(2, 3, 64, 32)
    assert Generator(residual_blocks=1)(x).shape == x.shape
    assert Discriminator()(x).shape == (2, 4, 2)


def test_normalisation_is_where_the_text_puts_it():
    """Not in the discriminator's first and last layers (III-B2), nor in the generator's last."""

    def normalised(network):
        return {
            name.split(".")[0]
            for name, module in network.named_modules()
            if isinstance(module, torch.nn.InstanceNorm2d)
        }

    assert normalised(Discriminator()) == {"state2", "state3", "state4"}
    assert normalised(Generator()) == {"down1", "down2", "down3", "residual", "up1", "up2"}


def test_every_leaky_relu_of_the_discriminator_has_slope_0_2():
    """Each state of a small one, from its own convolutions, computed by hand."""
    torch.manual_seed(0)
    discriminator = Discriminator(width=2).double()
    convolve = torch.nn.functional.conv2d

    def leaky(z):
        assert (z < 0).any() and (z > 0).any()
        return torch.where(z < 0, 0.2 * z, z)

    x = torch.rand(2, 3, 64, 64, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        for name in ("state1", "state2", "state3", "state4"):
            state = getattr(discriminator, name)
            z = convolve(x, state[0].weight, stride=2, padding=1)
            if name != "state1":
                mean = z.mean(dim=(2, 3), keepdim=True)
                z = (z - mean) / ((z - mean).square().mean(dim=(2, 3), keepdim=True) + 1e-5).sqrt()
            torch.testing.assert_close(state(x), leaky(z))
            x = state(x)
        first, last = (m for m in discriminator.state5 if isinstance(m, torch.nn.Conv2d))
        z = convolve(torch.nn.functional.pad(x, (1, 2, 1, 2)), first.weight)
        torch.testing.assert_close(discriminator.state5(x), convolve(leaky(z), last.weight))


def test_the_discriminator_does_not_see_the_contrast_of_an_image():
    """No layer before the first normalisation has an offset, and that one divides by the contrast.

    But for its epsilon, which is left out here; an image and its negative differ.
    """
    discriminator = Discriminator(width=4).double()
    initialise(discriminator, torch.Generator().manual_seed(0))
    for module in discriminator.modules():
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.eps = 0.0
    x = torch.rand(2, 3, 64, 64, dtype=torch.float64) * 2 - 1
    scores = discriminator(x)
    torch.testing.assert_close(discriminator(0.1 * x), scores)
    assert not torch.allclose(discriminator(-x), scores, rtol=1e-3)


def test_initial_weights_follow_their_distributions_and_the_seed():
    networks = []
    for seed in (3, 3, 4):
        network = Generator()
        initialise(network, torch.Generator().manual_seed(seed))
        networks.append(network)
    first, same, other = (torch.cat([p.flatten() for p in n.parameters()]) for n in networks)
    assert torch.equal(first, same) and not torch.equal(first, other)
    weights = torch.cat(
        [m.weight.flatten() for m in networks[0].modules() if isinstance(m, torch.nn.Conv2d)]
    )
    # Five standard errors of the mean and of the standard deviation of normal samples.
    n = weights.numel()
    assert abs(weights.mean()) < 5 * 0.02 / n**0.5
    assert abs(weights.std() - 0.02) < 5 * 0.02 / (2 * n) ** 0.5


def test_a_change_of_one_image_does_not_touch_the_others_of_its_batch():
    network = Discriminator()
    initialise(network, torch.Generator().manual_seed(0))
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    other = torch.stack([x[0], x[1].flip(0)])
    torch.testing.assert_close(network(x)[0], network(other)[0])


def test_bytes_go_through_a_tensor_and_back():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    tensor = images_to_tensor(images)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.min() == -1 and tensor.max() == 1
    back = tensor_to_images(tensor)
    np.testing.assert_array_equal(back, np.minimum(np.floor(images / 127.5 * 128), 255))


def test_top_eight_bits():
    values = torch.tensor([-1.0, -1 + 2 / 256, 0.0, 1 - 2 / 256, 1.0]).reshape(1, 1, 1, 5)
    expected = [0, 1, 128, 255, 255]
    assert tensor_to_images(values.expand(1, 3, 1, 5))[0, 0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    "settings", [{"residual_blocks": -1}, {"width": 0}, {"convs_per_block": 3}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=str(next(iter(settings.values())))):
        Generator(**settings)
    with pytest.raises(ValueError, match="width"):
        Discriminator(width=0)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("settings", [{}, {"residual_blocks": 2, "width": 4, "convs_per_block": 2}])
def test_multiplications_are_those_that_torch_counts(kind, settings):
    generator = Generator(**settings, convolution=kind)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(torch.zeros(1, 3, 32, 64))
    assert 2 * multiplications(generator, 32) * 2 == counter.get_total_flops()
    assert next(generator.parameters()).device.type == "cpu"


@pytest.mark.parametrize("kind", ["mobilenet", "xception"])
def test_lightweight_generators_separate_every_convolution_but_the_first(kind):
    generator = Generator(convolution=kind)
    rows = {row.layer: row.parameters for row in convolution_table(generator)}
    assert rows["Down Convolution1"] == 7 * 7 * 3 * 16
    assert rows["Residual block"] == 6 * (3 * 3 * 64 + 64 * 64)
    assert rows["Up Convolution1"] == 3 * 3 * 64 + 64 * 32
    assert rows["Up Convolution3"] == 7 * 7 * 16 + 16 * 3
    for module in generator.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            alone = module.groups == module.in_channels
            assert alone or module.kernel_size == (1, 1) or module is generator.down1[1]
    body = [type(layer).__name__ for layer in generator.residual[0].body]
    between = ["InstanceNorm2d", "ReLU"] if kind == "mobilenet" else []
    after = ["InstanceNorm2d", "ReLU"]
    assert body == ["ReflectionPad2d", "Conv2d", *between, "Conv2d", *after]


def test_padding_with_zeros():
    """The middle of an image is far from its border, which alone makes a difference there."""
    networks = [Generator(1, 4, padding=padding) for padding in ("reflection", "zero")]
    networks[1].load_state_dict(networks[0].state_dict())
    x = torch.rand(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    reflected, zero = (network.up3(x) for network in networks)
    torch.testing.assert_close(reflected[..., 3:5, 3:5], zero[..., 3:5, 3:5])
    assert (reflected - zero).abs().max() > 0.01
    with pytest.raises(ValueError, match="one of reflection, zero, not 'mirror'"):
        Generator(padding="mirror")


def test_an_unknown_kind_of_convolution_is_refused():
    with pytest.raises(ValueError, match="one of standard, mobilenet, xception, not 'dense'"):
        Generator(convolution="dense")
