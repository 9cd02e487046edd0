"""Entropy of the keys of every shipped network, during its training and at its end.

    python benchmarks/key_entropy.py

For each network: its settings; the highest entropy that its log shows and at which step; the lowest
and highest from 15,000 steps on; the step of its file and the mean entropy of its keys of images
that it was not trained on; and that of the same keys after a JPEG file of quality 95, as the
group's later code writes them. The paper's mean is 7.9798 bits (Table III). Entropies are in bits.
"""

import io

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from dkg import paths, training
from dkg.keys import KeyGenerator, list_weights, weights_entry
from dkg.metrics import entropy
from dkg.paper import TABLES
from dkg.phantoms import chest_xray


def through_jpeg(key):
    file = io.BytesIO()
    Image.fromarray(key).save(file, format="JPEG", quality=95)
    return np.asarray(Image.open(file))


def row(name, seeds):
    entry = weights_entry(name)
    log = pd.DataFrame(training.read_log(paths.WEIGHTS / entry["log"]))
    measured = log.dropna(subset="key_entropy").set_index("step")["key_entropy"]
    late = measured.loc[15_000:]
    keys = KeyGenerator.load(name).generate_many(seeds)
    recipe = entry["recipe"]
    return {
        "images": entry["origin"],
        "domain": entry["domain"],
        "loss": recipe["loss"],
        "blocks": recipe["residual_blocks"],
        "filters": recipe["generator_width"],
        "highest": measured.max(),
        "at step": measured.idxmax(),
        "from 15,000 on": f"{late.min():.3f} to {late.max():.3f}" if len(late) else "",
        "steps": entry["steps"],
        "other images": np.mean([entropy(key) for key in keys]),
        "after JPEG": np.mean([entropy(through_jpeg(key)) for key in keys]),
    }


def main():
    # The networks were trained on the first 138 phantoms at most.
    seeds = chest_xray(14, start=138)
    print(f"14 chest X-ray phantoms; paper: {np.mean(TABLES['III']['entropy']):.4f}")
    names = tqdm(list_weights(), "networks", disable=None)
    table = pd.DataFrame({name: row(name, seeds) for name in names}).T
    print(table.to_string(float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
