"""Attacks on the ciphertext alone, for several networks: correlation and images named.

    python benchmarks/learned_inversion.py [--dataset shenzhen] [--seeds montgomery] [KEYS ...]

KEYS is a shipped network's name, the name and ``:low-order``, ``untrained:low-order``, ``AES``, or
``low-entropy`` for bytes whose bits are 1 in one of four cases. Default: AES, low-entropy keys,
the eight base networks and domain-gray. Each line: for each attack, the mean correlation with the
plaintext at a quarter of the size, its 95 % interval, what wrong pairs give, and the share of
images named among the 16. Keys and images of the test are not among those that are learned from.
"""

import argparse
import secrets

import numpy as np

from dkg import attacks, data, domains
from dkg.attacks import low_order
from dkg.keys import KeyGenerator

BASE = [f"base-{kind}-{i}" for kind in ("phantom", "shenzhen") for i in (1, 2, 3, 4)]


def make_keys(name, seeds, random):
    if name == "AES":
        return domains.aes_ctr(np.zeros_like(seeds), secrets.randbits(256))
    if name == "low-entropy":
        return attacks.low_entropy_keys(len(seeds), seeds.shape[1:3], seed=random)
    network, _, output = name.partition(":")
    if network == "untrained":
        return low_order.untrained(output=output or "paper").generate_many(seeds)
    exact = output == "low-order"
    generator = KeyGenerator.load(network, exact=exact, output=output or "paper")
    return generator.generate_many(seeds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", nargs="*", default=["AES", "low-entropy", *BASE, "domain-gray"])
    parser.add_argument("--dataset", default="shenzhen")
    parser.add_argument("--seeds", default="montgomery")
    parser.add_argument("--images", type=int, default=64, help="keys and images, 16 for the test")
    parser.add_argument("--seed", type=int, default=0, help="random seed of pairs and U-Net")
    options = parser.parse_args()
    images = data.load(options.dataset).images[-options.images :]
    seeds = data.load(options.seeds).images[: options.images]
    print(f"{len(seeds)} seed images of {options.seeds}, {len(images)} images of {options.dataset}")
    mean = attacks.mean_image(images[:-16], images[-16:], seed=options.seed)
    print(f"mean of the other images, no ciphertext: correlation {mean['correlation']:.3f}")
    for name in options.keys:
        keys = make_keys(name, seeds, options.seed)
        table = attacks.recover(keys, images, seed=options.seed, progress=False).table
        for attack, row in table.iterrows():
            print(
                f"{name:24}{attack:21}{row['correlation']:.3f} "
                f"[{row['low']:.3f}, {row['high']:.3f}], wrong pairs "
                f"[{row['chance_low']:.3f}, {row['chance_high']:.3f}], named {row['named']:.0%}, "
                f"SSIM {row['ssim']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
