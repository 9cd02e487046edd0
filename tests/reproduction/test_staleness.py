"""What is stale: records and runs whose comparisons, code, notebook, weights or images changed."""

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dkg import data, paths
from dkg import reproduction as results
from dkg.keys import KeyGenerator
from dkg.reproduction import COMPARISONS, provenance, staleness
from dkg.reproduction.plan import Run


@pytest.fixture
def current(output):
    images = data.load("brats18", n=1)
    made = results.record(
        "figure-6", {"chi_square": 1.0}, images=images, networks=KeyGenerator.load()
    )
    assert results.stale(made) == []
    return made


def test_other_code_makes_a_record_stale(current, monkeypatch):
    monkeypatch.setattr(provenance, "code_sha256", lambda: "0" * 64)
    assert results.stale(current) == ["made by other code"]


def test_other_weights_make_a_record_stale(current):
    other = dataclasses.replace(current, networks=[current.networks[0] | {"sha256": "0" * 64}])
    assert results.stale(other) == ["the network base-phantom-1 is another one now, or gone"]


def test_other_images_make_a_record_stale(current):
    other = dataclasses.replace(current, images=[current.images[0] | {"fingerprint": "0" * 64}])
    assert results.stale(other) == ["the brats18 images have changed"]


def test_images_are_read_again_as_they_were_read(output, tmp_path, monkeypatch):
    """Also with another filter, another crop and another choice than the set's defaults."""
    folder = tmp_path / "files" / "ultrasound"
    folder.mkdir(parents=True)
    random = np.random.default_rng()
    for number in range(4):
        pixels = random.integers(0, 256, (40, 50), dtype=np.uint8)
        Image.fromarray(np.pad(pixels, 5)).save(folder / f"{number}.png")
    monkeypatch.setenv("DKG_DATA", str(folder.parent))
    images = data.load("ultrasound", n=2, resample="box", crop=True, choice="spread")
    made = results.record("figure-6", {"chi_square": 1.0}, images=images)
    reading = {"resample": "box", "crop": True, "choice": "spread", "tuned": []}
    assert made.images[0]["reading"] == reading
    assert results.stale(results.loads(results.dumps(made))) == []
    for name, value in (("resample", "lanczos"), ("crop", False), ("choice", "first")):
        other = dataclasses.replace(
            made, images=[made.images[0] | {"reading": reading | {name: value}}]
        )
        assert results.stale(other) == ["the ultrasound images have changed"], name


def test_another_tolerance_makes_a_record_stale(current, monkeypatch):
    [comparison] = COMPARISONS["figure-6"]
    changed = dataclasses.replace(comparison, tolerance=(1.0,))
    monkeypatch.setitem(COMPARISONS, "figure-6", (changed,))
    assert results.stale(current) == ["its comparisons are not those of dkg.paper now"]


def test_another_notebook_makes_a_record_stale(output, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "notebooks", lambda: tmp_path)
    monkeypatch.setenv("DKG_NOTEBOOK", "a_notebook")
    (tmp_path / "a_notebook.ipynb").write_text("first")
    made = results.record("figure-6", {"chi_square": 1.0})
    assert results.stale(made) == []
    (tmp_path / "a_notebook.ipynb").write_text("second")
    assert results.stale(made) == ["made by another version of a_notebook"]


@pytest.fixture
def run(output, tmp_path):
    """A run of a notebook that leaves one record."""
    path = tmp_path / "a_notebook.ipynb"
    path.write_text("{}")
    return Run("a_notebook", path.stem, path, "default", {}, output, records=("table-III",))


@pytest.mark.parametrize("what", ["notebook", "parameters", "profile", "images", "network"])
def test_what_has_other_inputs_is_not_finished(run, monkeypatch, tmp_path, what):
    network = tmp_path / "network.safetensors"
    network.write_bytes(b"1")
    run = replace(run, networks=(network,))
    monkeypatch.setenv("DKG_DATA", str(tmp_path / "images"))
    for path in (run.executed, run.record_path("table-III")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    run.stamp.write_text(json.dumps({"inputs": staleness.inputs(run)}))
    assert staleness.finished(run)
    if what == "notebook":
        run.path.write_text(run.path.read_text() + " ")
    elif what == "images":
        (tmp_path / "images" / "brats18").mkdir(parents=True)
        (tmp_path / "images" / "brats18" / "new.nii").write_bytes(b"1")
    elif what == "network":
        network.write_bytes(b"2")
    elif what == "parameters":
        run = replace(run, parameters={"written": False})
    else:
        run = replace(run, profile="smoke")
    assert not staleness.finished(run)


def test_what_has_lost_an_output_is_not_finished(run):
    outputs = [run.executed, run.record_path("table-III")]
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    run.stamp.write_text(json.dumps({"inputs": staleness.inputs(run)}))
    assert staleness.finished(run)
    for path in outputs:
        path.rename(path.with_suffix(".away"))
        assert not staleness.finished(run)
        path.with_suffix(".away").rename(path)
    assert not staleness.finished(replace(run, networks=(run.output / "gone",)))
    for text in ("{ half", "[]", "{}", "\xff"):
        run.stamp.write_text(text, encoding="latin-1")
        assert not staleness.finished(run)


def test_the_package_is_an_input(run, monkeypatch, tmp_path):
    before = staleness.inputs(run)["package"]
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    (tmp_path / "metrics.py").write_text("changed")
    assert staleness.inputs(run)["package"] != before
