"""What the tests of records share: a folder of their own, no real images, and image sets."""

import numpy as np
import pytest

from dkg import data, reproduction
from dkg.reproduction import COMPARISONS


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


@pytest.fixture(scope="session")
def printed():
    """Return our numbers of a record as the paper's own ones, each shifted by as much."""

    def numbers(id, shift=0.0):
        return {c.name: [value + shift for value in c.paper] for c in COMPARISONS[id]}

    return numbers


@pytest.fixture(scope="session")
def recorded(tmp_path_factory, printed):
    """A record of the paper's own numbers, written to a folder that no test reads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(tmp_path_factory.mktemp("recorded")))
        return reproduction.record("table-III", printed("table-III"), "Keys.")
