"""A larger trial of low-order keys than the notebook's: every network, thousands of pairs.

    python benchmarks/low_order_keys.py
    python benchmarks/low_order_keys.py --untrained

It prints, for seed images of each of three kinds and as many flat ones, the mean entropy, which
tests of SP 800-22 the keys pass as its section 4.2 asks, the shares of pairs of keys whose
NPCR and UACI lie inside the acceptance intervals at 5 % (one gray level changed at one pixel; two
seed images), eight bytes that come twice, and what a small network predicts. With ``DKG_DATA`` the
seed images are real ones.
"""

import argparse

import numpy as np
import pandas as pd
from tqdm import tqdm

from dkg import attacks, data, metrics
from dkg.attacks import low_order
from dkg.cipher import KEY_BYTES
from dkg.keys import KeyGenerator, list_weights
from dkg.randomness import run_battery


def seed_images(n):
    """Return n seed images of each kind in turn, flat ones last in each turn."""
    kinds = [data.load(name, n=n) for name in ("montgomery", "ultrasound", "brats18")]
    flat = list(low_order.flat_seeds(kinds[0].images[0]).values())
    stacks = [*(images.images for images in kinds), np.stack(flat[:n])]
    n = min(map(len, stacks))
    origins = ", ".join(f"{images.name} ({images.origin})" for images in kinds)
    print(f"{n} seed images each of {origins}, and flat ones")
    return np.stack([stack[:n] for stack in stacks], axis=1).reshape(-1, *stacks[0].shape[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=list_weights())
    parser.add_argument("--images", type=int, default=13, help="of each kind, 13 at most")
    parser.add_argument("--pairs", type=int, default=2080, help="one gray level at one pixel")
    parser.add_argument("--seed", type=int, default=0, help="of the pixels and the predictor")
    parser.add_argument("--untrained", action="store_true", help="as many untrained networks")
    options = parser.parse_args()
    seeds = seed_images(options.images)
    generators = [
        low_order.untrained(number)
        if options.untrained
        else KeyGenerator.load(name, output="low-order")
        for number, name in enumerate(options.networks)
    ]
    keys, pairs, between, repeated, gained = [], [], [], 0, []
    shown = tqdm(generators, "networks", disable=None)
    for number, generator in enumerate(shown, start=options.seed):
        made = generator.generate_many(seeds)
        n = options.pairs // len(generators)
        pairs.append(low_order.sensitivity(generator.generate, seeds, made, n, seed=number))
        between.append(low_order.between_keys(made))
        repeated += low_order.repeated_windows(made)
        gained.append(attacks.predict_bytes(made[::2], made[1::2], seed=number).bits_gained)
        keys += list(made)
    print(f"{len(keys)} keys: {', '.join(generator.name for generator in generators)}")
    ideal = metrics.ideal_entropy(KEY_BYTES)
    entropies = [metrics.entropy(key) for key in keys]
    print(
        f"entropy: mean {np.mean(entropies):.6f} bits, standard deviation {np.std(entropies):.6f}; "
        f"ideal {ideal.mean:.6f} and {ideal.standard_deviation:.6f}"
    )
    for name, tables in (("one gray level at one pixel", pairs), ("two seed images", between)):
        table = pd.concat(tables)
        shares = ", ".join(f"{k} {v:.2f} %" for k, v in low_order.acceptance_rates(table).items())
        print(f"{name}, {len(table)} pairs, inside: {shares}; least NPCR {table['npcr'].min():.3f}")
    print(f"eight bytes that come twice: {repeated}")
    print(f"bits per byte gained by a predictor: at most {max(gained):.4f}")
    verdict = low_order.failures_by_test(run_battery(keys))
    proportion = verdict["outside"] <= verdict["outside_allowed"]
    uniform = verdict["not_uniform"] <= verdict["not_uniform_allowed"]
    print(
        f"SP 800-22: {proportion.sum()} of 15 tests pass by their proportion, {uniform.sum()} by "
        f"uniformity; of {verdict['lines'].sum()} lines {verdict['outside'].sum()} are outside and "
        f"{verdict['not_uniform'].sum()} not uniform"
    )
    print(verdict[(verdict["outside"] > 0) | (verdict["not_uniform"] > 0)].to_string())


if __name__ == "__main__":
    main()
