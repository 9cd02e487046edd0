"""Print the time and memory of `dkg evaluate`, part by part.

    python benchmarks/evaluation.py [--cipher NAME] [--images 8] [--side 256] [--gray] [--jobs 1]

prints the wall and processor time of every family of measures and of the attacks, the time of the
whole evaluation and of its report, and the largest memory of the process, above what it had before.
"""

import argparse
import resource
import sys
import tempfile
import time

import numpy as np
from skimage.transform import resize

from dkg import data
from dkg.evaluation.attacks import ATTACKS, SLOW
from dkg.evaluation.bench import evaluate
from dkg.evaluation.measures import MEASURES


def images(n, side, gray):
    """Phantoms, enlarged, with the noise that a real image of this size has."""
    rng = np.random.default_rng(0)
    found = []
    for phantom in data.synthetic("ultrasound", n).images:
        image = phantom[..., 0] if gray else phantom
        if side != len(phantom):
            shape = (side, side, *image.shape[2:])
            image = resize(image, shape, order=1, preserve_range=True).astype(np.int16)
            image += rng.integers(-3, 4, shape, np.int16)
        found.append(np.clip(image, 0, 255).astype(np.uint8))
    return found


def megabytes():
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def timed(name, work):
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(
        f"{name:<24}{wall:>9.1f} s{processor:>9.1f} s{megabytes() - BEFORE:>9.0f} MiB", flush=True
    )
    return result


parser = argparse.ArgumentParser()
parser.add_argument("--cipher", default="aes-256-ctr")
parser.add_argument("--images", type=int, default=8)
parser.add_argument("--side", type=int, default=256)
parser.add_argument("--gray", action="store_true")
parser.add_argument("--jobs", type=int, default=1)
given = parser.parse_args()
plain = images(given.images, given.side, given.gray)
BEFORE = megabytes()
options = {"seed": 1, "progress": False, "jobs": given.jobs}
print(f"{'part':<24}{'wall':>11}{'processor':>11}{'memory':>13}")
for family in MEASURES:
    timed(
        family,
        lambda family=family: evaluate(
            given.cipher, plain, measures=[family], attacks=[], **options
        ),
    )
timed(
    f"{len(ATTACKS) - len(SLOW)} attacks",
    lambda: evaluate(given.cipher, plain, measures=[], **options),
)
result = timed("everything", lambda: evaluate(given.cipher, plain, **options))
with tempfile.TemporaryDirectory() as folder:
    page = timed("report", lambda: result.report(folder)[0])
    print(f"report.html has {page.stat().st_size / 1e6:.2f} MB")
