"""Measure the mean plain-image entropy of every set by resizing filter, crop, choice and origin.

    DKG_DATA=/folder/of/the/sets python benchmarks/resizing_filters.py

prints Markdown tables; docs/data.md has the main ones. A set without files is measured on its
phantoms, which are made at 256 x 256, so that no filter and no crop applies to them.
"""

import tempfile

import numpy as np

from dkg import data, paths
from dkg.data import borders, nifti
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
    print("\n## Mean entropy by resizing filter and crop, in bits (the default of the set: *)\n")
    header("set", "crop", "n", *data.FILTERS, "paper")
    for name in names:
        own = data.load(name, n=1).reading
        for crop in (False, True):
            cells = []
            for resample in data.FILTERS:
                images = data.load(name, resample=resample, crop=crop).images
                mark = "*" if (resample, crop) == (own["resample"], own["crop"]) else ""
                cells.append(f"{entropies(images).mean():.3f}{mark}")
            words = "cropped" if crop else "whole"
            row(name, words, str(len(images)), *cells, np.mean(PAPER[name]))


def choices(names):
    print("\n## Mean entropy of eight images by choice, in bits\n")
    header("set", "n", "all", "first 8", "8 spread over the set", "s.d. of 8 drawn at random")
    for name in names:
        spread = entropies(data.load(name, choice="spread").images)
        first = entropies(data.load(name, n=min(8, len(spread))).images)
        found = data.spread_of_choices(spread)
        row(name, str(len(spread)), spread.mean(), first.mean(), found["mean of the chosen"],
            found["standard deviation over other choices"])  # fmt: skip


def limits(names):
    print("\n## Mean entropy by the limit of what counts as a constant border, in bits\n")
    spreads = (0, 4, 8, 16)
    header("set", "whole", *(f"within {s} gray levels" for s in spreads))
    for name in names:
        cells = [entropies(data.load(name, crop=False).images).mean()]
        for borders.SPREAD in spreads:
            cells.append(entropies(data.load(name, crop=True).images).mean())
        borders.SPREAD = 8
        row(name, *cells)


def brain():
    files = sorted((paths.data() / "brats18").glob("*.nii*"))
    if not files:
        return
    print("\n## Mean entropy by the crop of a volume's slices, in bits\n")
    header("set", "crop", "n", "mean")
    for crop, images in brain_crops(files).items():
        e = entropies(images)
        row("brats18", crop, str(len(e)), e.mean())


def brain_crops(files):
    """Take whole slices, cut to the box of the brain in the volume, or to that in the slice."""
    sets = {"none": [], "box in the volume": [], "box in the slice": []}
    for path in files:
        # The public reader has no box in the volume, so this takes its inner parts.
        volume = nifti.read_volume(path.read_bytes())
        _, numbers = data.read_slices(path)
        rows = np.flatnonzero(volume.brain.any(axis=(0, 2)))
        columns = np.flatnonzero(volume.brain.any(axis=(0, 1)))
        for number in numbers:
            whole = volume.axial_slice(number, crop=False)
            box = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            own = volume.axial_slice(number, crop=True)
            for images, pixels in zip(sets.values(), (whole, box, own), strict=True):
                images.append(resize(pixels, 256, "nearest"))
    return sets


def main():
    origins()
    names = [n for n in data.NAMES if (paths.data() / n).is_dir()]
    print(f"\nSets with files: {', '.join(names) or 'none'}")
    filters(names)
    choices(names)
    limits(names)
    brain()


if __name__ == "__main__":
    main()
