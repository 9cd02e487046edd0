"""Optimization of the small networks that attackers train: Adam with a one-cycle schedule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from dkg.acceleration.process import threads


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seed torch and compute on one thread; afterwards both are as before."""
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def minimize(
    network: torch.nn.Module,
    loss: Callable[[int], torch.Tensor],
    *,
    learning_rate: float,
    steps: int,
) -> None:
    """Train a network in place by Adam, with a learning rate that rises to its value and falls.

    `loss` gives the loss, a scalar, at each step from 0 on.
    """
    optimizer = torch.optim.Adam(network.parameters(), learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for step in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(loss(step))
        optimizer.step()
        schedule.step()
