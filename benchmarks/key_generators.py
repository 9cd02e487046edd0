"""Time of every key generator beside DeepKeyGen's, within one run (Table XIX).

    python benchmarks/key_generators.py

Each round makes one key of 196,608 bytes with every generator in turn, from one seed image. A
ratio is the generator's time divided by DeepKeyGen's in the same round; its median is printed with
the least and the greatest, beside the ratio of the paper's times. Wall time. The network is loaded
once; a second line for DeepKeyGen loads it for each key, as a command that makes one key does.
"""

import argparse
import time

import numpy as np
import torch

from dkg.baselines import GENERATORS
from dkg.data import load
from dkg.keys import KeyGenerator
from dkg.paper import TABLES


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="keys of each generator")
    parser.add_argument("--weights", help="a shipped network's name or a path")
    arguments = parser.parse_args()
    network = KeyGenerator.load(arguments.weights)
    seed = load("montgomery", n=1).images[0]
    print(f"{network.name}, torch {torch.__version__}, {torch.get_num_threads()} threads")

    methods = GENERATORS | {
        "DeepKeyGen": lambda image, n_bytes: network.generate(image),
        "DeepKeyGen, loaded anew": lambda image, n_bytes: KeyGenerator.load(
            arguments.weights
        ).generate(image),
    }
    for method in methods.values():
        method(seed, 1000)  # What is compiled or loaded once is not timed.
    times = {method: np.empty(arguments.rounds) for method in methods}
    for i in range(arguments.rounds):
        for method, generate in methods.items():
            times[method][i] = seconds(generate, seed, seed.size)

    paper = dict(zip(TABLES["XIX"]["method"], TABLES["XIX"]["seconds"], strict=True))
    for method, values in times.items():
        ratios = values / times["DeepKeyGen"]
        printed = paper.get(method, np.nan) / paper["DeepKeyGen"]
        beside = "" if np.isnan(printed) else f"; paper {printed:.3g}"
        print(
            f"{method:24} {1e3 * np.median(values):9.3f} ms, ratio {np.median(ratios):.3g} "
            f"({ratios.min():.3g} to {ratios.max():.3g}, {arguments.rounds} rounds){beside}"
        )


if __name__ == "__main__":
    main()
