"""Pictures of the hospital: what is drawn is what was given."""

import numpy as np

from dkg import plots
from dkg.plots.diagrams import hospital_workflow


def test_step_times_draws_medians_and_every_time():
    seconds = {
        "sending": {"key": [0.1, 0.3, 0.2], "stored": [0.05, 0.05, 0.02]},
        "opening": {"fetched": [0.04]},
    }
    (ax,) = plots.step_times(seconds).axes
    steps = {step: times for some in seconds.values() for step, times in some.items()}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(steps)
    bars = [bar.get_width() for container in ax.containers for bar in container]
    np.testing.assert_allclose(bars, [1000 * np.median(times) for times in steps.values()])
    for line, (place, times) in zip(ax.lines, enumerate(steps.values()), strict=True):
        np.testing.assert_allclose(line.get_xdata(), 1000 * np.array(times))
        assert set(line.get_ydata()) == {place}
    assert [text.get_text() for text in ax.texts] == ["200 ms", "50 ms", "40 ms"]
    assert ax.get_legend_handles_labels()[1] == ["sending", "opening"]
    assert len({bar[0].get_hatch() for bar in ax.containers}) == 2, "they part in grayscale, too"
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first step is on top"


def test_the_workflow_shows_each_image_in_its_place_and_no_key_in_the_archive():
    random = np.random.default_rng()
    images = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(5)]
    plain, seed_image, key, ciphertext, decrypted = images
    figure = hospital_workflow(plain, seed_image, key, ciphertext, decrypted)
    (ax,) = figure.axes
    corners = {
        "upper left": [seed_image, key],
        "upper right": [plain],
        "lower left": [ciphertext],
        "lower right": [decrypted],
    }
    across, down = (np.mean(limits) for limits in (ax.get_xlim(), ax.get_ylim()))
    for corner, expected in corners.items():
        shown = [
            picture.get_array()
            for picture in ax.images
            if ("upper" in corner) == (picture.get_extent()[2] > down)
            and ("left" in corner) == (picture.get_extent()[0] < across)
        ]
        np.testing.assert_array_equal(shown, expected)
    words = {text.get_text() for text in ax.texts}
    assert {"Key generation server", "Modality", "PACS (archive)", "Workstation"} <= words
    assert {"1  TLS", "2  C-STORE", "3  C-FIND, C-GET", "4  TLS"} <= words
