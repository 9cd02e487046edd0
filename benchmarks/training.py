"""Steps of training per second, beside a plain eager loop; losses of both; several runs at once.

    python benchmarks/training.py
    python benchmarks/training.py --device cuda

Each side works in a process of its own, in turns, as freed memory is kept for the whole process.
Goals of the project: on the CPU at least 1.3 times the plain loop's steps per second, on a GPU
5 times; losses that agree to rounding over the first 100 steps; on a GPU 20,000 steps in 40 s, and
2.5 times the steps per second of one training with four at once. The losses are compared in double
precision: two networks that play against each other make any rounding some ten times as large
within three steps, so that two ways to add up numbers part, in any precision, within 100.
"""

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from plain import PlainTrainer

from dkg import domains
from dkg.acceleration.process import keep_freed_memory
from dkg.data import load
from dkg.models import images_to_tensor
from dkg.training import TrainConfig, Trainer

SEED = 0  # Of the weights and of the order of the images, on both sides.
state = {}


def prepare(kind, device, threads, dtype=torch.float32):
    """Make a trainer in this process."""
    if threads:
        torch.set_num_threads(threads)
    images = load("montgomery", n=16).images
    source, target = images_to_tensor(images), images_to_tensor(domains.chaotic(images))
    source, target = source.to(device, dtype), target.to(device, dtype)
    config = TrainConfig(seed=SEED, device=device)
    ours = Trainer(config, source, target, SEED, torch.device(device))
    ours.generator.to(dtype)
    ours.discriminator.to(dtype)
    if kind == "plain":
        # The other trainer is there to choose the same images and the same earlier keys.
        plain = PlainTrainer(SEED, torch.device(device), dtype)

        def step():
            x, y = ours.batch(source, 0), ours.batch(target, 1)
            losses = plain.train_step(x, y, pooled)
            ours.step += 1
            return losses

        def pooled(keys):
            return ours.pool.swap(keys, ours.random(2, ours.step))
    else:
        keep_freed_memory()

        def step():
            ours.fit(ours.step + 1)
            return ours.numbers[:2]

    state.update(step=step, device=device)
    return torch.get_num_threads()


def steps(n):
    """Train a number of steps; return seconds and losses."""
    began = time.perf_counter()
    losses = [state["step"]() for _ in range(n)]
    if state["device"] != "cpu":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    return seconds, [[float(value) for value in pair] for pair in losses]


def process():
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def beside_plain(device, threads, rounds, per_round):
    with process() as ours, process() as plain:
        used = ours.submit(prepare, "ours", device, threads).result()
        plain.submit(prepare, "plain", device, threads).result()
        for side in (ours, plain):
            side.submit(steps, 10).result()
        pairs = np.array(
            [
                [side.submit(steps, per_round).result()[0] / per_round for side in (ours, plain)]
                for _ in range(rounds)
            ]
        )
    where = f"{used} threads" if device == "cpu" else torch.cuda.get_device_name()
    ratios = pairs[:, 1] / pairs[:, 0]
    ours_ms, plain_ms = 1e3 * np.median(pairs, axis=0)
    print(
        f"{where}: a step takes {ours_ms:.4g} ms, of a plain loop {plain_ms:.4g} ms: "
        f"{np.median(ratios):.2f} times its steps per second "
        f"({ratios.min():.2f} to {ratios.max():.2f}, {rounds} pairs); "
        f"20,000 steps in {20 * ours_ms:.0f} s",
        flush=True,
    )


def losses(device, n=100):
    with process() as ours, process() as plain:
        for side, kind in ((ours, "ours"), (plain, "plain")):
            side.submit(prepare, kind, device, 1, torch.float64).result()
        futures = [side.submit(steps, n) for side in (ours, plain)]
        made, expected = (np.array(future.result()[1]) for future in futures)
    apart = np.abs(made - expected)
    growth = ", ".join(f"{apart[:k].max():.0e} in the first {k}" for k in (1, 10, 20, 30, 40, n))
    print(
        f"losses in double precision, {expected.min():.3f} to {expected.max():.3f}, differ by at "
        f"most {growth} steps",
        flush=True,
    )


def at_once(device, threads, n, per_round, rounds=5):
    """Compare n trainings at once with one, in steps per second of all together."""
    pools = [process() for _ in range(n)]
    try:
        for pool in pools:
            pool.submit(prepare, "ours", device, threads).result()
            pool.submit(steps, 10).result()
        ratios = []
        for _ in range(rounds):
            one = pools[0].submit(steps, per_round).result()[0]
            together = [pool.submit(steps, per_round) for pool in pools]
            ratios.append(n * one / max(future.result()[0] for future in together))
    finally:
        for pool in pools:
            pool.shutdown()
    print(
        f"{n} trainings at once: {np.median(ratios):.2f} times the steps per second of one "
        f"({min(ratios):.2f} to {max(ratios):.2f}, {rounds} pairs)",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rounds", type=int, default=11, help="pairs")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    if options.device == "cpu":
        for threads in (1, None):
            beside_plain("cpu", threads, options.rounds, 20)
        at_once("cpu", 1, torch.get_num_threads(), 10)
        losses("cpu")
    else:
        beside_plain(options.device, None, options.rounds, 200)
        for n in (2, 4):
            at_once(options.device, 1, n, 1000)
        losses(options.device)


if __name__ == "__main__":
    main()
