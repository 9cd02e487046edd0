"""A plain training loop, to compare the package's with.

The networks of `dkg.models` as they are, without `dkg.acceleration`: torch's own layers with
channels first in memory. The optimiser is not fused, and each half of a step is scored alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from dkg.models import Discriminator, Generator, initialise


class PlainTrainer:
    """A plain loop with the paper's settings; the images and the pool's choices are given."""

    def __init__(self, seed: int, device: torch.device, dtype: torch.dtype):
        self.generator, self.discriminator = Generator(), Discriminator()
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
