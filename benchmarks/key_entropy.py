"""Entropy of the keys of every shipped network, during its training and at its end.

    python benchmarks/key_entropy.py
    python benchmarks/key_entropy.py runs/no-pool runs/zero-padding    # and of these finished runs

For each network: its settings; the highest entropy that its log shows and at which step; the lowest
and highest from 15,000 steps on; the step of its file and the mean entropy of its keys of images
that it was not trained on; and that of the same keys after a JPEG file of quality 95, as the
group's later code writes them. The paper's mean is 7.9798 bits (Table III). Entropies are in bits.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from dkg import paths, training
from dkg.data.phantoms import chest_xray
from dkg.keys import KeyGenerator, list_weights, weights_entry
from dkg.metrics import entropy
from dkg.paper import TABLES


def through_jpeg(key):
    file = io.BytesIO()
    Image.fromarray(key).save(file, format="JPEG", quality=95)
    return np.asarray(Image.open(file))


def row(weights, log, seeds):
    log = pd.DataFrame(training.read_log(log))
    measured = log.dropna(subset="key_entropy").set_index("step")["key_entropy"]
    late = measured.loc[15_000:]
    generator = KeyGenerator.load(weights)
    keys = generator.generate_many(seeds)
    trained = generator.metadata["training"]
    settings = {name: default for name, default, _ in training.TrainConfig.describe()}
    settings |= trained["config"]  # Settings that are newer than the run have their default there.
    return {
        "images": trained["description"]["origin"],
        "domain": trained["description"]["domain"],
        "loss": settings["loss"],
        "label": settings["real_label"] if settings["loss"] == "lsgan" else "",
        "pool": settings["pool_size"],
        "padding": settings["padding"],
        "blocks": settings["residual_blocks"],
        "of": settings["convs_per_block"],
        "filters": settings["generator_width"],
        "kind": settings["convolution"],
        "highest": measured.max(),
        "at step": measured.idxmax(),
        "from 15,000 on": f"{late.min():.3f} to {late.max():.3f}" if len(late) else "",
        "steps": trained["step"],
        "other images": np.mean([entropy(key) for key in keys]),
        "after JPEG": np.mean([entropy(through_jpeg(key)) for key in keys]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of dkg train")
    networks = {name: paths.WEIGHTS / weights_entry(name)["log"] for name in list_weights()}
    networks |= {run / "generator.safetensors": run for run in parser.parse_args().runs}
    # The networks were trained on the first 138 phantoms at most.
    seeds = chest_xray(14, start=138)
    print(f"14 chest X-ray phantoms; paper: {np.mean(TABLES['III']['entropy']):.4f}")
    shown = tqdm(networks.items(), "networks", disable=None)
    table = pd.DataFrame({str(name): row(name, log, seeds) for name, log in shown}).T
    print(table.to_string(float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
