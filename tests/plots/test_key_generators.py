"""Figures of section IV-E: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import metrics, plots

OURS = {
    "first": {"A": [0.5, 0.02], "B": [0.0, np.nan], "C": []},
    "second": {"A": [0.3, 0.4], "B": [0.9, 0.8], "C": [0.7]},
}
PAPER = {"first": {"A": 0.25, "B": 0.0}, "second": {"B": 1.0}}


def test_beside_paper_draws_every_number_in_its_row():
    figure = plots.beside_paper(OURS, PAPER, "P-value", lowest=1e-6, line=(0.01, "level"))
    for ax, title in zip(figure.axes, OURS, strict=True):
        assert ax.get_title() == title
        assert ax.get_xscale() == "log"
        dots = [line for line in ax.lines if line.get_marker() == "o" and line.get_xdata().size]
        rings = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata())]
        drawn = {(x, y) for line in dots for x, y in line.get_xydata() if x == x}
        assert drawn == {
            (max(value, 1e-6), row)
            for row, values in enumerate(OURS[title].values())
            for value in values
            if value == value
        }
        assert {tuple(line.get_xydata()[0]) for line in rings} == {
            (max(value, 1e-6), "ABC".index(method)) for method, value in PAPER[title].items()
        }
        assert [0.01, 0.01] in [list(line.get_xdata()) for line in ax.lines]
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["A", "B", "C"]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top, "the first method stands on top"


def test_pass_rates_says_the_share_of_each_cell():
    shares = pd.DataFrame({"A": [1.0, 0.25], "B": [np.nan, 0.0]}, index=["runs", "matrix_rank"])
    ax = plots.pass_rates(shares).axes[0]
    words = {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text()
        for text in ax.texts
    }
    assert words == {(0, 0): "100", (1, 0): "25", (1, 1): "0", (0, 1): "n/a"}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["runs", "matrix rank"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["A", "B"]
    np.testing.assert_allclose(
        ax.collections[0].get_array().reshape(2, 2).filled(np.nan), 100 * shares.to_numpy()
    )


def test_histogram_grid_draws_shares_and_states_chi_square():
    rng = np.random.default_rng()
    # The last has the highest bars.
    images = {
        f"image {i}": rng.integers(0, 200 - 30 * i, (16, 16, 3), dtype=np.uint8) for i in range(5)
    }
    axes = plots.histogram_grid(images, columns=3).axes
    assert len(axes) == 6
    for ax, (title, image) in zip(axes, images.items(), strict=False):
        assert ax.get_title().startswith(f"{title}: ")
        assert ax.get_title().endswith(f"{metrics.chi_square(image).statistic:,.0f}")
        heights = ax.collections[0].get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx(100 * metrics.histogram(image).max() / image.size)
        assert ax.get_ylim() == axes[0].get_ylim(), "one scale"
        assert ax.get_ylim()[0] == 0 and heights.max() < ax.get_ylim()[1], "nothing is cut off"
    with pytest.raises(ValueError, match="at least one"):
        plots.histogram_grid({})
