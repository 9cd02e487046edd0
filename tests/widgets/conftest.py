"""Networks that are fast, and a random generator for each test."""

import numpy as np
import pytest
import torch

from dkg import attacks, models
from dkg.keys import OUTPUTS
from dkg.widgets import sources


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class FastNetwork:
    """Stands for a network: its keys are noise that depends on the network and the seed image."""

    public, sha256 = True, "0" * 64

    def __init__(self, name, output="paper"):
        self.name = name + output
        self.metadata = {
            "architecture": {"residual_blocks": 1, "width": 2, "convs_per_block": 1},
            "training": {"step": 0, "description": {}},
        }

    def generate(self, seed):
        entropy = [*self.name.encode(), *seed.ravel()[::997], int(seed.sum())]
        return np.random.default_rng(entropy).integers(0, 256, seed.shape, dtype=np.uint8)

    def weights(self):
        network = models.Generator(**self.metadata["architecture"])
        models.initialise(network, torch.Generator().manual_seed(sum(self.name.encode())))
        return {name: values.numpy() for name, values in network.state_dict().items()}


@pytest.fixture
def fast_networks(monkeypatch):
    kept = (sources._key, sources.predictions, sources.planted_backdoor)
    for function in kept:
        function.cache_clear()
    monkeypatch.setattr(sources, "network", FastNetwork)
    predict = attacks.predict_bytes

    def predict_from_less(*keys, samples, seed):
        return predict(*keys, samples=samples // 10, seed=seed)

    monkeypatch.setattr(attacks, "predict_bytes", predict_from_less)
    seed = sources.image_of("montgomery", 0)
    monkeypatch.setattr(
        sources,
        "retrained_keys",
        lambda n: {o: FastNetwork(f"{n}", o).generate(seed) for o in OUTPUTS},
    )
    yield
    for function in kept:
        function.cache_clear()
