"""Ratios of the package's core, each pair measured in turns within one run.

    python benchmarks/core.py

- the logistic map against a plain Python loop, and the whole keystream against one (goal for the
  map: 50 times as fast);
- `dkg.cipher.xor` against `numpy.bitwise_xor` (goal: at most 1.1 times its time);
- `KeyGenerator.generate` in single precision against calling the eager module on a ready tensor
  (goal: 0.6 times its time), in exact arithmetic against that (goal: 3 times), and a matrix product
  of as many multiplications against it (goal: 0.7 of its time);
- one training step against a plain eager PyTorch loop of the same networks (goal: at most 1.0).

Wall time; a ratio is the median over pairs, with the least and the greatest.
"""

import argparse
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from dkg import cipher, domains
from dkg.data import load
from dkg.keys import KeyGenerator
from dkg.models import (
    Discriminator,
    Generator,
    images_to_tensor,
    initialise,
    multiplications,
)
from dkg.training import TrainConfig, _Trainer


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(name, ours, other, rounds, inner=1):
    """Time `ours` and `other` in turns; print times and the ratio ours / other."""
    ours()
    other()
    pairs = np.array(
        [
            (
                seconds(lambda: [ours() for _ in range(inner)]) / inner,
                seconds(lambda: [other() for _ in range(inner)]) / inner,
            )
            for _ in range(rounds)
        ]
    )
    ratios = pairs[:, 0] / pairs[:, 1]
    ours_ms, other_ms = 1e3 * np.median(pairs, axis=0)
    print(
        f"{name}: {ours_ms:.4g} ms against {other_ms:.4g} ms, ratio {np.median(ratios):.3f} "
        f"({ratios.min():.3f} to {ratios.max():.3f}, {rounds} pairs)",
        flush=True,
    )
    return float(np.median(ratios))


def plain_orbit(x, values):
    for i in range(len(values)):
        x = 4.0 * x * (1.0 - x)
        values[i] = x


def plain_keystream(x, keystream):
    for i in range(len(keystream)):
        x = 4.0 * x * (1.0 - x)
        keystream[i] = math.floor(math.asin(math.sqrt(x)) / math.pi * 1e15) % 256


def logistic_map(rounds):
    # Sixteen orbits at once, as `chaotic` does; the plain loop makes one, so its time counts 16.
    n_steps, lanes = 65_536, 16
    starts = np.linspace(0.11, 0.59, lanes)
    values, keystream = np.empty(n_steps), np.empty(n_steps, np.uint8)
    ratio = compare(
        f"logistic map, {lanes} orbits against 1 of a plain loop",
        lambda: domains.logistic_orbits(starts, n_steps),
        lambda: plain_orbit(float(starts[0]), values),
        rounds,
    )
    print(f"  per orbit {lanes / ratio:.0f} times as fast as the loop (goal: 50)")
    ratio = compare(
        f"keystream, {lanes} against 1 of a plain loop",
        lambda: domains.logistic_keystreams(starts, n_steps),
        lambda: plain_keystream(float(starts[0]), keystream),
        rounds,
    )
    print(f"  per keystream {lanes / ratio:.0f} times as fast as the loop")


def xor(rounds):
    rng = np.random.default_rng()
    image, key = rng.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    compare(
        "cipher.xor against numpy.bitwise_xor (goal: 1.1)",
        lambda: cipher.xor(image, key),
        lambda: np.bitwise_xor(image, key),
        rounds,
        inner=200,
    )


def plain_generator():
    """Return the generator with an ordinary last convolution, as anyone would write it."""
    generator = Generator()
    generator.up3[1] = torch.nn.Conv2d(16, 3, 7, bias=False)
    return generator


def key_generation(rounds):
    generator = KeyGenerator.load(device="cpu", exact=False)
    exact = KeyGenerator.load(device="cpu")
    seed = load("montgomery", n=1).images[0]
    module = plain_generator()
    weights = {name: torch.from_numpy(values) for name, values in generator.weights().items()}
    module.load_state_dict(weights)
    x = images_to_tensor(seed[None])

    def eager():
        with torch.no_grad():
            module(x)

    compare(
        "KeyGenerator.generate in single precision against the eager module (goal: 0.6)",
        lambda: generator.generate(seed),
        eager,
        rounds,
    )
    compare(
        "exact against single precision (goal: 3)",
        lambda: exact.generate(seed),
        lambda: generator.generate(seed),
        rounds,
    )
    # The most that the machine gives: a product of matrices of as many multiplications.
    rows = multiplications(module) // 1024**2
    left, right = torch.rand(rows, 1024), torch.rand(1024, 1024)
    compare(
        f"matrix product, {rows} x 1024 x 1024, as many multiplications, against generate "
        "(goal: 0.7)",
        lambda: left @ right,
        lambda: generator.generate(seed),
        rounds,
    )


def training_step(rounds):
    images = load("montgomery", n=4).images
    source, target = images_to_tensor(images), images_to_tensor(domains.chaotic(images))
    trainer = _Trainer(TrainConfig(seed=1, device="cpu"), 1, torch.device("cpu"))

    stream = torch.Generator().manual_seed(1)
    g, d = plain_generator(), Discriminator()
    initialise(g, stream)
    initialise(d, stream)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    pool, random = [], np.random.default_rng()

    def plain():
        i = int(random.integers(len(source)))
        key = g(source[i : i + 1])
        adam_g.zero_grad()
        F.softplus(-d(key)).mean().backward()
        adam_g.step()
        pool.append(key.detach())
        if len(pool) > 50:
            pool.pop(0)
        fake = pool[int(random.integers(len(pool)))]
        adam_d.zero_grad()
        loss = F.softplus(-d(target[i : i + 1])).mean() + F.softplus(d(fake)).mean()
        (loss / 2).backward()
        adam_d.step()

    compare(
        f"training step against a plain eager loop, {torch.get_num_threads()} threads (goal: 1.0)",
        lambda: trainer.train_step(source, target),
        plain,
        rounds,
        inner=5,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="pairs per comparison")
    rounds = parser.parse_args().rounds
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, NumPy {np.__version__}")
    for part in (logistic_map, xor, key_generation, training_step):
        part(rounds)
