"""Measure the mean plain-image entropy of every set by resizing filter, crop and origin.

    DKG_DATA=/folder/of/the/sets python benchmarks/resizing_filters.py

prints the tables of docs/data.md as Markdown. A set without files is measured on its phantoms,
which are made at 256 x 256, so that no filter applies to them.
"""

import tempfile

import numpy as np
from PIL import Image

from dkg import data, paths
from dkg.data import nifti
from dkg.data.readers import resize
from dkg.metrics import entropy
from dkg.paper import TABLES

# Shenzhen beside Montgomery's table.
TABLE = {"montgomery": "V", "shenzhen": "V", "ultrasound": "VI", "brats18": "VII"}
PAPER = {name: TABLES[number]["plain_entropy"] for name, number in TABLE.items()}


def entropies(images):
    return np.array([entropy(image) for image in images])


def row(*cells):
    print("| " + " | ".join(c if isinstance(c, str) else f"{c:.3f}" for c in cells) + " |")


def header(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))


def origins():
    print("\n## Plain-image entropy, in bits\n")
    header("set", "paper, 8 images", "files: n", "mean", "s.d.", "first 8",
           "phantoms: n", "mean", "s.d.", "first 8")  # fmt: skip
    for name in data.NAMES:
        cells = []
        with tempfile.TemporaryDirectory() as empty:
            sets = data.load(name), data.load(name, empty)
        for image_set, origin in zip(sets, ("files", "synthetic"), strict=True):
            if image_set.origin == origin:
                e = entropies(image_set.images)
                cells += [str(len(e)), e.mean(), e.std(), e[:8].mean()]
            else:
                cells += ["none", "-", "-", "-"]
        row(name, float(np.mean(PAPER[name])), *cells)


def filters(names):
    print("\n## Mean entropy by resizing filter, in bits\n")
    header("set", "n", *data.FILTERS, "paper", "nearest to the paper")
    for name in names:
        means = {f: entropies(data.load(name, resample=f).images).mean() for f in data.FILTERS}
        target = np.mean(PAPER[name])
        best = min(means, key=lambda f: abs(means[f] - target))
        n = len(data.load(name).images)
        row(name, str(n), *means.values(), target, f"{best} ({means[best] - target:+.3f})")


def crops(names):
    print("\n## Mean entropy by crop, with the filter of the set, in bits\n")
    header("set", "crop", "n", "mean")
    for name in names:
        files = sorted((paths.data() / name).iterdir())
        for crop, images in (brain_crops if name == "brats18" else border_crops)(files, name):
            e = entropies(images)
            row(name, crop, str(len(e)), e.mean())


def border_crops(files, name):
    """Keep the black rows and columns at the border of an X-ray, or cut them off."""
    for limit in (None, 0, 10, 20):
        images = []
        for path in files:
            pixels = np.asarray(Image.open(path).convert("L"))
            if limit is not None:
                rows = np.flatnonzero(pixels.mean(axis=1) > limit)
                columns = np.flatnonzero(pixels.mean(axis=0) > limit)
                pixels = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            size = (256, 256)
            images.append(np.asarray(Image.fromarray(pixels).resize(size, data.FILTERS["lanczos"])))
        yield "none" if limit is None else f"rows and columns of mean above {limit}", images


def brain_crops(files, name):
    """Take whole slices, cut to the box of the brain in the volume, or to that in the slice."""
    sets = {"none": [], "box in the volume": [], "box in the slice": []}
    for path in files:
        # The public reader has no box in the volume, so this takes its inner parts.
        volume = nifti.read_volume(path)
        _, numbers = data.read_slices(path)
        rows = np.flatnonzero(volume.brain.any(axis=(0, 2)))
        columns = np.flatnonzero(volume.brain.any(axis=(0, 1)))
        for number in numbers:
            whole = volume.axial_slice(number, crop=False)
            box = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            own = volume.axial_slice(number, crop=True)
            for images, pixels in zip(sets.values(), (whole, box, own), strict=True):
                images.append(resize(pixels, 256, "nearest"))
    return sets.items()


def main():
    origins()
    names = [n for n in data.NAMES if (paths.data() / n).is_dir()]
    print(f"\nSets with files: {', '.join(names) or 'none'}")
    filters(names)
    crops([n for n in ("montgomery", "shenzhen", "brats18") if n in names])


if __name__ == "__main__":
    main()
