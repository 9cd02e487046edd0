"""What the tests of the report share: a folder of records, and the page made of it."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from dkg import data, plots
from dkg import reproduction as results
from dkg.plots.style import new_figure
from dkg.reproduction import COMPARISONS, report
from dkg.reproduction.judge import judge
from dkg.reproduction.recording import measured as compared
from dkg.reproduction.report import overview

from ..conftest import panel_of, spread_of

HOSTILE = "A <b>bold</b> & \"quoted\" 'it' | `code` *star* _under_ [link](x) {{ 7 * 7 }} $m$ \\ end"
MORE = {
    "one number": 7.25,
    "several": [1.5, 2.5],
    "many": [float(i) for i in range(101)],
    "by generator": {"first": {"key": 0.125, "AES": 0.375}, "second": {"key": 0.0, "AES": 0.875}},
    "uneven": {"first": {"key": 3.0}, "second": 4.0},
}


def agreeing(id):
    """Return a record's comparisons with the paper's numbers, beside keys of AES that have them."""
    panel = panel_of(id, nulls={"AES-256-CTR": 0.0})
    made = [compared(c, panel, spread=spread_of(id)) for c in COMPARISONS[id]]
    return judge(made).comparisons


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_DATA", str(tmp_path_factory.mktemp("no images")))
        return data.load("montgomery", n=1)


@pytest.fixture(scope="session")
def measured(tmp_path_factory, phantom):
    """Make a folder of results with a record for everything: the paper's numbers, one spoilt."""
    folder = tmp_path_factory.mktemp("measured")
    figure, _ = new_figure(1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(folder))
        patch.setenv("DKG_PROFILE", "default")
        patch.setenv("DKG_NOTEBOOK", "00_start_here")
        made = results.record(
            "table-III",
            {"entropy": 7.98},
            images=phantom,
            more=MORE,
            figure=figure,
            seeds={"pairs": 3},
            missing="",
        )
    content = json.loads(results.dumps(made)) | {"sentence": HOSTILE}
    picture = (folder / made.figure).read_bytes()
    for id in COMPARISONS:
        content |= {
            "id": id,
            "figure": f"{id}.png",
            "missing": None,
            "comparisons": agreeing(id),
        }
        first = content["comparisons"][0]
        first["ours"][0] = 1e6
        first["samples"][0] = {
            name: [1e6 + place for place in range(len(values))]
            for name, values in first["samples"][0].items()
        }
        record = results.loads(json.dumps(content), id)
        (folder / "results" / f"{id}.json").write_text(results.dumps(record), encoding="utf-8")
        (folder / record.figure).write_bytes(picture + id.encode())
    return folder


@pytest.fixture(scope="session")
def records(measured):
    return results.load_all(measured / "results")


@pytest.fixture
def output(tmp_path, monkeypatch, measured):
    """Return a copy of that folder, which a test may spoil."""
    folder = tmp_path / "figures"
    (folder / "results").mkdir(parents=True)
    for path in [*measured.glob("*.png"), *measured.glob("results/*.json")]:
        (folder / path.relative_to(measured)).write_bytes(path.read_bytes())
    monkeypatch.setenv("DKG_OUTPUT", str(folder))
    (tmp_path / "no images").mkdir()
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "no images"))
    return folder


@pytest.fixture(scope="session")
def page(measured, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(measured))
        patch.setenv("DKG_DATA", str(tmp_path_factory.mktemp("no images")))
        patch.setattr(overview, "published", lambda name: {})
        assert report.write(plots.paper_and_ours) == {}
    return parse(measured)


def parse(output):
    """Return the page; ElementTree refuses what is not well-formed."""
    return ElementTree.parse(output / "report" / "report.html").getroot()
