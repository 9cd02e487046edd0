"""What the tests of records share: a folder of their own, no real images, and image sets."""

import math

import numpy as np
import pytest

from dkg import data, reproduction
from dkg.reproduction import COMPARISONS, Measurements

TRAININGS = tuple(f"training {i}" for i in range(1, 9))


@pytest.fixture
def output(tmp_path, monkeypatch):
    """The output folder; there are no real images."""
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path / "figures"))
    (tmp_path / "no images").mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "no images"))
    return tmp_path / "figures"


@pytest.fixture(scope="session")
def synthetic():
    return data.ImageSet("montgomery", np.zeros((1, 256, 256, 3), np.uint8), "synthetic")


@pytest.fixture(scope="session")
def real():
    return data.ImageSet("montgomery", np.zeros((1, 256, 256, 3), np.uint8), "files")


def numbers(id, shift=0.0):
    """Return our numbers of a record as the paper's own ones, each shifted by as much."""
    return {c.name: [value + shift for value in c.paper] for c in COMPARISONS[id]}


def panel_of(id, shift=0.0, trainings=TRAININGS, nulls=()):
    """Return measurements of a record: the paper's numbers, scattered over trainings and keys.

    Numbers that are judged by an interval scatter by one unit of a thousandth of the number;
    others are the paper's. The null models are shifted by this number of tenths of it.
    """

    def values(step, moved=0.0):
        found = {}
        for c in COMPARISONS[id]:
            scatter = [
                (step + place % 3) * abs(value) / 1000 if c.rule == "interval" else 0.0
                for place, value in enumerate(c.paper)
            ]
            own = [
                value + s + shift + moved * abs(value)
                for value, s in zip(c.paper, scatter, strict=True)
            ]
            if c.over == "label":
                # Another key of each generator, for those that depend on no training.
                own = [[v, v + abs(v) / 1000] if c.rule == "interval" else v for v in own]
            found[c.name] = own
        return found

    steps = np.linspace(-3, 3, len(trainings)).tolist()
    return Measurements(
        values(0.0),
        {name: values(step) for name, step in zip(trainings, steps, strict=True)},
        {name: [values(0.0, moved)] for name, moved in dict(nulls).items()},
    )


def spread_of(id):
    """Return a sample for numbers that have one training each."""
    largest = max(abs(v) for c in COMPARISONS[id] for v in c.paper if math.isfinite(v))
    steps = np.linspace(-3, 3, len(TRAININGS)).tolist()
    return {name: [step * largest / 100] for name, step in zip(TRAININGS, steps, strict=True)}


@pytest.fixture(scope="session")
def printed():
    return numbers


@pytest.fixture(scope="session")
def panel():
    return panel_of


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A record of the paper's own numbers, written to a folder that no test reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(tmp_path_factory.mktemp("recorded")))
        return reproduction.record("table-III", panel_of("table-III"))
