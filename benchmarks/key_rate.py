"""Keys per second on a device by the number of seed images at once, and what bounds them.

    python benchmarks/key_rate.py --device cuda
    python benchmarks/key_rate.py

In single precision the network is run on 1 to 128 seed images at once, from bytes to bytes on the
device; in exact arithmetic, which takes one after another, `KeyGenerator.generate_many` is timed as
it is. The two bounds are measured in the same run: the multiplications of the network at the rate
of a product of two matrices in single precision, and the numbers that its layers read and write at
the rate of a copy within the device's memory.
"""

import argparse
import time

import numpy as np
import torch

from dkg.data import load
from dkg.keys import KeyGenerator
from dkg.models import images_to_tensor, multiplications


def seconds(function, device, rounds):
    """Return the median time of a call, after two calls to warm up."""

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()

    times = []
    for _ in range(rounds + 2):
        wait()
        began = time.perf_counter()
        function()
        wait()
        times.append(time.perf_counter() - began)
    return float(np.median(times[2:]))


def bytes_moved(network, x):
    """Count the bytes that the network's layers read and write for one key."""
    counted = []

    def count(module, inputs, output):
        counted.append(4 * (inputs[0].numel() + output.numel()))

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    with torch.inference_mode():
        network(x[:1])
    for hook in hooks:
        hook.remove()
    return sum(counted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    device, rounds = torch.device(options.device), options.rounds
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}")

    single = KeyGenerator.load(device=options.device, exact=False)
    network = single._generator
    seeds = load("montgomery", n=16).images
    size = 8192 if on_gpu else 2048
    left, right = torch.rand(2, size, size, device=device)
    arithmetic = size**3 / seconds(lambda: left @ right, device, rounds)
    block = torch.rand(2**28 if on_gpu else 2**26, device=device)
    memory = 2 * 4 * block.numel() / seconds(block.clone, device, rounds)
    work = multiplications(network)
    moved = bytes_moved(network, images_to_tensor(seeds, device))
    print(
        f"a key: {work / 1e9:.3f} billion multiplications, {moved / 1e6:.0f} MB read and written; "
        f"the device: {arithmetic / 1e12:.3f} trillion a second, {memory / 1e9:.0f} GB/s; bounds: "
        f"{arithmetic / work:.0f} and {memory / moved:.0f} keys a second"
    )
    for n in (1, 4, 16, 32, 128) if on_gpu else (1, 4, 16):
        images = torch.from_numpy(np.resize(seeds, (n, *seeds.shape[1:]))).to(device)

        def make(images=images):
            with torch.inference_mode():
                x = images.permute(0, 3, 1, 2).float() / 127.5 - 1
                y = network(x).add_(1).mul_(128).clamp_(0, 255).to(torch.uint8)
                return y.permute(0, 2, 3, 1).contiguous()

        rate = n / seconds(make, device, rounds)
        print(
            f"{n:4} at once: {rate:.1f} keys a second, {100 * rate * work / arithmetic:.0f} % of "
            f"the arithmetic, {100 * rate * moved / memory:.0f} % of the memory bound",
            flush=True,
        )
    exact = KeyGenerator.load(device=options.device)
    rate = len(seeds) / seconds(lambda: exact.generate_many(seeds), device, 3)
    print(f"exact, one after another: {rate:.1f} keys a second")


if __name__ == "__main__":
    main()
