"""The report: complete, self-contained, small, and the same for the same random seed."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from dkg.evaluation.bench import evaluate, evaluate_ciphertexts
from dkg.evaluation.report import interval, number, scale_of

MEASURES = ["histogram", "distance", "texture", "key-space", "speed"]
ATTACKS = ["averaging", "key reuse", "determinism", "bit-flipping"]


def result_of(images, cipher="logistic-xor", **options):
    return evaluate(
        cipher, images, measures=MEASURES, attacks=ATTACKS, seed=3, progress=False, **options
    )


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    return result_of([rng.integers(0, 99, (64, 64, 3), np.uint8) for _ in range(2)])


@pytest.mark.slow
def test_files(result, tmp_path):
    written = result.report(tmp_path / "out" / "report", latex=True)
    assert [path.name for path in written] == [
        "report.html",
        "table.tex",
        "times.json",
        "outcomes.json",
        "outcomes.csv",
    ]
    assert {path.name for path in written} == {p.name for p in (tmp_path / "out/report").iterdir()}
    table = pd.read_csv(written[-1])
    pd.testing.assert_series_equal(table["value"], result.table["value"])
    found = json.loads(written[3].read_text())
    assert found["seed"] == 3 and found["cipher"] == "logistic-xor"
    assert [row["name"] for row in found["measures"]] == [row.name for row in result.measured]
    assert [row["succeeded"] for row in found["attacks"]] == [a.succeeded for a in result.attacked]
    times = json.loads(written[2].read_text())
    assert {row["group"] for row in times} == {"speed"}


@pytest.mark.slow
def test_a_report_is_not_replaced_unless_asked(result, tmp_path):
    result.report(tmp_path)
    with pytest.raises(FileExistsError, match="holds a report already"):
        result.report(tmp_path)
    assert result.report(tmp_path, overwrite=True)[0].is_file()


@pytest.mark.slow
def test_two_runs_differ_in_their_times_only(images, tmp_path):
    first, second = (
        [path.read_text() for path in result_of(images).report(tmp_path / name, latex=True)]
        for name in "ab"
    )
    without = [
        re.sub(r'<h2 id="times">.*?</section>', "", p[0], flags=re.DOTALL) for p in (first, second)
    ]
    assert without[0] == without[1] and first[0] != without[0]
    for a, b, name in zip(first[1:], second[1:], ("tex", "times", "json", "csv"), strict=True):
        assert (a == b) == (name != "times"), name


@pytest.mark.slow
def test_the_page_is_well_formed_and_needs_no_other_file(result, tmp_path):
    page = result.report(tmp_path)[0].read_text()
    assert len(page) < 3e6
    root = ElementTree.fromstring(page.replace("<!DOCTYPE html>", ""))
    sources = [node.get("src") for node in root.iter("img")]
    assert len(sources) > 5
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    assert all(node.get("alt") for node in root.iter("img"))
    links = [node.get("href") for node in root.iter("a")]
    ids = {node.get("id") for node in root.iter()}
    assert links and all(link[0] == "#" and link[1:] in ids for link in links)
    text = "".join(root.itertext())
    for row in (*result.measured, *result.times):
        assert row.name in text and row.where in text
    for attack in result.attacked:
        assert attack.sentence in text
    assert result.verdict.together in text and "random seed" in text


@pytest.mark.slow
def test_a_page_of_large_noisy_images_is_below_3_mb(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (300, 400, 3), np.uint8) for _ in range(3)]
    result = evaluate("aes-256-ctr", images, measures=[], attacks=ATTACKS, seed=1, progress=False)
    assert result.report(tmp_path)[0].stat().st_size < 3e6


@pytest.mark.slow
def test_what_was_not_measured_is_listed(images, tmp_path):
    page = evaluate_ciphertexts(images, seed=1, progress=False).report(tmp_path)[0].read_text()
    assert "averaging: needs the plaintexts" in page
    assert "sensitivity to the plaintext: needs the cipher" in page


@pytest.mark.slow
def test_what_is_given_is_escaped(images, tmp_path):
    class Cipher:
        name = "a<b> & 50% of $x_1$"

        def encrypt(self, image, key):
            return image.copy()

        def decrypt(self, ciphertext, key):
            return ciphertext.copy()

        def random_key(self, rng):
            return None

    files = result_of(images, Cipher()).report(tmp_path, latex=True)
    assert "a&lt;b&gt; &amp; 50% of $x_1$" in files[0].read_text()
    table = files[1].read_text()
    assert r"a\textless{}b\textgreater{} \& 50\% of \$x\_1\$" in table
    assert not re.search(r"(?<!\\)[%#_]", re.sub(r"^%.*", "", table, count=1))


@pytest.mark.slow
def test_the_table_for_a_paper(result, tmp_path):
    table = result.report(tmp_path, latex=True)[1].read_text()
    assert "on 2 images of 64 x 64 x 3" in table
    for words in ("random seed 3", "Student's 95", "uniform bytes of the same size", "no proof"):
        assert words in table
    assert table.count(r"\begin{longtable}") == table.count(r"\end{longtable}") == 1
    rows = [line for line in table.splitlines() if line.endswith(r"\\") and "&" in line]
    judged = sum(a.succeeded is not None for a in result.attacked)
    assert len(rows) == 3 + sum(row.n > 0 for row in result.measured) + judged
    assert {line.count("&") - line.count(r"\&") for line in rows} == {3}


def test_figures(result):
    figures = result.figures
    assert list(figures) == ["histograms", "measures", "attacks"]
    names = [label.get_text() for label in figures["measures"].axes[0].get_yticklabels()]
    assert names == [row.name for row in result.measured if row.looks_random is not None]


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "inf"),
        (0.04517, "0.0452"),
        (143680.0, "143,680"),
        (5.4852e-06, "5.49e-06"),
        (0.0, "0"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text
    if value is not None and not np.isnan(value):
        assert number(value, "%") == f"{text} %"


def test_a_number_outside_of_its_interval_looks_so():
    scale = scale_of(7.9989, 7.99895, 7.9992)
    assert scale == pytest.approx(0.00005)
    assert number(7.9989, "bits", scale) == "7.9989 bits"
    assert scale_of(1, None, None) is None
    assert scale_of(2.0, 2.0, 2.0) is None


def test_intervals():
    assert interval(1, 2) == "1 to 2"
    assert interval(0.998, 0.9992, 0.0001) == "0.998 to 0.9992"
    assert interval(None, 2) == interval(float("nan"), 2) == "–"
