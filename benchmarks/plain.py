"""The networks and the training loop as one would write them at first, for comparisons.

The same layers as in `dkg.models`: torch's own normalisation and last convolution, channels one
after another in memory, an optimiser that is not fused, and each half of a step scored alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dkg.models import Discriminator, Generator, initialise


def _plain(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.__class__ = nn.InstanceNorm2d
        elif isinstance(module, nn.Conv2d):
            module.__class__ = nn.Conv2d


class PlainGenerator(Generator):
    """The generator of Table I."""

    def __init__(self):
        super().__init__()
        _plain(self)

    def forward(self, x: Tensor) -> Tensor:
        """Turn seed images into keys."""
        x = self.down3(self.down2(self.down1(x)))
        x = self.up2(self.up1(self.residual(x)))
        return torch.tanh(self.up3(x))


class PlainDiscriminator(Discriminator):
    """The discriminator of Table II."""

    def __init__(self):
        super().__init__()
        _plain(self)

    def forward(self, x: Tensor) -> Tensor:
        """Score images."""
        x = self.state4(self.state3(self.state2(self.state1(x))))
        return self.state5(x).mean(dim=1)


class PlainTrainer:
    """A plain loop with the paper's settings; the images and the pool's choices are given."""

    def __init__(self, seed: int, device: torch.device, dtype: torch.dtype):
        self.generator, self.discriminator = PlainGenerator(), PlainDiscriminator()
        random = torch.Generator().manual_seed(seed)
        initialise(self.generator, random)
        initialise(self.discriminator, random)
        options = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self.adam_g = torch.optim.Adam(self.generator.to(device, dtype).parameters(), **options)
        self.adam_d = torch.optim.Adam(self.discriminator.to(device, dtype).parameters(), **options)

    def train_step(self, x: Tensor, y: Tensor, pooled) -> tuple[float, float]:
        """Do one step on images x and y; `pooled` swaps keys with earlier ones. Return losses."""
        keys = self.generator(x)
        loss_g = F.softplus(-self.discriminator(keys)).mean()
        self.adam_g.zero_grad()
        loss_g.backward()
        self.adam_g.step()

        fakes = pooled(keys.detach())
        real, fake = self.discriminator(y), self.discriminator(fakes)
        loss_d = (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2
        self.adam_d.zero_grad()
        loss_d.backward()
        self.adam_d.step()
        return loss_g.item(), loss_d.item()  # As a loop that logs its losses reads them.
