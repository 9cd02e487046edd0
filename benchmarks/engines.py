"""Which engine makes a key fastest on the CPU: eager PyTorch, compilers, ONNX Runtime, OpenVINO.

    python benchmarks/engines.py                     # those that are installed
    pip install onnx onnxscript onnxruntime openvino # the others; the package needs none of them

One key at batch 1 of the first shipped network in single precision, from a ready tensor to the
output after tanh. The first row is the module of `dkg.models` as it is, in a process without
any setting, as a user of torch would run it (goal of the package's module: at most 0.6 of its
time). Each engine has a process of its own, as some change settings of theirs; the
processes take turns, and all but one wait. Seconds to the first key are those after the import of
torch, with what the engine imports and compiles. Milliseconds are the median over rounds, and the
least; a ratio is the median over rounds to the first row of the same round, and what 10 % and 90 %
of the rounds are below. Key bytes are compared with those of the package's module.

The share of the machine: multiplications of the network in a second, beside those of a convolution
of 64 to 64 channels, 3 x 3, on 256 x 256 pixels with channels last in memory, and of a product
of two matrices of 2,048 x 2,048, both by torch in the same rounds.
"""

import argparse
import io
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from dkg import paths
from dkg.acceleration import accelerate
from dkg.acceleration.process import keep_freed_memory
from dkg.counts import multiplications
from dkg.data import load
from dkg.keys import list_weights, weights_entry
from dkg.models import Generator, images_to_tensor, tensor_to_images


def network():
    generator = Generator()
    entry = weights_entry(list_weights()[0])
    generator.load_state_dict(safetensors.torch.load_file(paths.WEIGHTS / entry["file"]))
    return generator.eval().requires_grad_(False)


# --- Engines: each takes the input, and returns a function that makes one key


def plain(x):
    module = network()
    return lambda: module(x)


def plain_keeping_memory(x):
    keep_freed_memory()
    return plain(x)


def plain_channels_last(x):
    keep_freed_memory()
    module = network().to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
    return lambda: module(x)


def package(x):
    keep_freed_memory()
    module = accelerate(network())
    return lambda: module(x)


def package_flushing(x):
    if not torch.set_flush_denormal(True):
        raise RuntimeError("this processor cannot")
    return package(x)


def package_in_bfloat16(x):
    torch.backends.mkldnn.conv.fp32_precision = "bf16"
    return package(x)


def package_traced(x):
    keep_freed_memory()
    module = torch.jit.freeze(torch.jit.trace(accelerate(network()), x))
    return lambda: module(x)


def plain_optimised(x):
    keep_freed_memory()
    module = torch.jit.freeze(torch.jit.trace(network(), x))
    module = torch.jit.optimize_for_inference(module)
    return lambda: module(x)


def plain_without_onednn(x):
    keep_freed_memory()
    torch.backends.mkldnn.set_flags(False)
    return plain(x)


def plain_compiled(x):
    keep_freed_memory()
    module = torch.compile(network())
    return lambda: module(x)


def plain_compiled_frozen(x):
    import torch._inductor.config

    torch._inductor.config.freezing = True
    return plain_compiled(x)


def package_compiled(x):
    keep_freed_memory()
    module = torch.compile(accelerate(network()))
    return lambda: module(x)


def package_compiled_frozen(x):
    import torch._inductor.config

    torch._inductor.config.freezing = True
    return package_compiled(x)


def onnx_runtime(x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    file = io.BytesIO()
    torch.onnx.export(network(), (x,), file, input_names=["seed"], verbose=False)
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    inputs = {"seed": x.numpy()}
    return lambda: session.run(None, inputs)[0]


def openvino_runtime(x):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",  # Where it can it takes 16 bits otherwise.
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # The other engines are not bound to cores either.
    }
    model = openvino.convert_model(network(), example_input=x)
    request = openvino.compile_model(model, "CPU", settings).create_infer_request()
    x = x.numpy()
    return lambda: request.infer(x, share_inputs=True)[0]


def convolution(_):
    keep_freed_memory()
    module = torch.nn.Conv2d(64, 64, 3, padding=1, bias=False).requires_grad_(False)
    module = module.to(memory_format=torch.channels_last)
    x = torch.rand(1, 64, 256, 256).contiguous(memory_format=torch.channels_last)
    return lambda: module(x)


def matrix_product(_):
    keep_freed_memory()
    left, right = torch.rand(2, 2048, 2048)
    return lambda: left @ right


ENGINES = {
    "plain eager module": plain,
    "plain, freed memory kept": plain_keeping_memory,
    "plain, channels last": plain_channels_last,
    "plain, oneDNN off": plain_without_onednn,
    "plain, torch.jit, optimize_for_inference": plain_optimised,
    "plain, torch.compile": plain_compiled,
    "plain, torch.compile, frozen weights": plain_compiled_frozen,
    "plain, ONNX Runtime": onnx_runtime,
    "plain, OpenVINO": openvino_runtime,
    "the package's module": package,
    "the package's, denormal numbers flushed": package_flushing,
    "the package's, oneDNN in bfloat16": package_in_bfloat16,
    "the package's, torch.jit, frozen": package_traced,
    "the package's, torch.compile": package_compiled,
    "the package's, torch.compile, frozen weights": package_compiled_frozen,
}
RULERS = {"convolution": convolution, "matrix product": matrix_product}
REFERENCE, OURS = "plain eager module", "the package's module"


# --- Measuring


def work(name, threads, seed, connection, folder):
    """Prepare an engine, and then make a key and send its time whenever asked."""
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    # An own folder, or torch.compile would find what it compiled earlier.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(dir=folder)
    try:
        with torch.inference_mode():
            x = images_to_tensor(seed[None])
            start = time.perf_counter()
            make = (ENGINES | RULERS)[name](x)
            output = make()
            prepared = time.perf_counter() - start
            for _ in range(2):
                output = make()
            if name in ENGINES:
                np.save(folder / f"{name}.npy", tensor_to_images(torch.as_tensor(output))[0])
            connection.send(prepared)
            while connection.recv():
                start = time.perf_counter()
                make()
                connection.send(time.perf_counter() - start)
    except Exception as error:  # Each engine has its own ways to fail.
        connection.send(f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")


def measure(threads, rounds, seed, only):
    """Return seconds by engine, those of the first key, why others did not run, and the keys."""
    context = multiprocessing.get_context("spawn")
    workers, prepared, reasons = {}, {}, {}
    names = [name for name in ENGINES if not only or name in {REFERENCE, OURS, *only}]
    with tempfile.TemporaryDirectory() as folder:
        for name in [*names, *RULERS]:
            ours, theirs = context.Pipe()
            process = context.Process(
                target=work, args=(name, threads, seed, theirs, Path(folder)), daemon=True
            )
            process.start()
            answer = ours.recv()
            if isinstance(answer, str):
                reasons[name] = answer
            else:
                workers[name], prepared[name] = ours, answer
        keys = {
            name: np.load(Path(folder) / f"{name}.npy", allow_pickle=False)
            for name in workers
            if name in ENGINES
        }
    print(f"{threads} threads: {len(workers)} processes are prepared", file=sys.stderr, flush=True)
    taken = {name: [] for name in workers}
    for _ in range(rounds):
        for name, connection in workers.items():
            # Threads of the engine before spin for a while, and the caches are as it left them.
            time.sleep(0.02)
            for _ in range(3):
                connection.send(True)
                seconds = connection.recv()
            taken[name].append(seconds)
    for connection in workers.values():
        connection.send(False)
    taken = {name: np.array(values) for name, values in taken.items()}
    return taken, prepared, reasons, keys


def report(threads, rounds, seed, only):
    taken, prepared, reasons, keys = measure(threads, rounds, seed, only)
    print(f"\n{threads} thread{'s'[: threads > 1]}, {rounds} rounds\n")
    print("| engine | s to the first key | ms | least | ratio | 10 to 90 % | bytes that differ |")
    print("|---|---|---|---|---|---|---|")
    for name, key in keys.items():
        ratios = taken[name] / taken[REFERENCE]
        apart = np.abs(key.astype(int) - keys[OURS])
        differ = f"{100 * (apart > 0).mean():.4f} %, at most by {apart.max()}"
        print(
            f"| {name} | {prepared[name]:.1f} | {1e3 * np.median(taken[name]):.1f} | "
            f"{1e3 * taken[name].min():.1f} | {np.median(ratios):.2f} | "
            "{:.2f} to {:.2f} | ".format(*np.quantile(ratios, [0.1, 0.9]))
            + f"{differ if name != OURS else '-'} |"
        )
    for name, reason in reasons.items():
        print(f"| {name} | not possible here: {reason} | | | | | |")
    counted = {
        "convolution": 256 * 256 * 64 * 64 * 9,
        "matrix product": 2048**3,
        OURS: multiplications(accelerate(network())),
    }
    rates = {name: 1e-9 * n / taken[name] for name, n in counted.items()}
    print(f"\nBillions of multiplications a second: {np.median(rates[OURS]):.0f} of a key")
    for name in RULERS:
        share = np.median(rates[OURS] / rates[name])
        print(f"- {np.median(rates[name]):.0f} of a {name}, of which a key reaches {share:.0%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--only", nargs="+", choices=ENGINES, help="beside plain and ours")
    options = parser.parse_args()
    processor = f"CPU with {torch.backends.cpu.get_cpu_capability()}"
    print(f"{list_weights()[0]}, torch {torch.__version__}, {processor}")
    seed = load("montgomery", n=1).images[0]
    for threads in options.threads:
        report(threads, options.rounds, seed, options.only)


if __name__ == "__main__":
    main()
