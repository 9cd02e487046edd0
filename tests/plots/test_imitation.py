"""Pictures of imitation attacks: what is drawn is what was given."""

import numpy as np
import pandas as pd
import pytest

from dkg import plots


def test_decryption_matrix_puts_every_image_into_its_place():
    random = np.random.default_rng()
    images = {
        (i, j): random.integers(0, 256, (16, 16, 3), dtype=np.uint8) for i in "AB" for j in "ABC"
    }
    del images["B", "A"]
    axes = np.reshape(plots.decryption_matrix(images).axes, (2, 3))
    for row, i in enumerate("AB"):
        for column, j in enumerate("ABC"):
            shown = axes[row, column].images
            if (i, j) in images:
                np.testing.assert_array_equal(shown[0].get_array(), images[i, j])
            else:
                assert not shown
        assert axes[row, 0].get_ylabel() == f"encrypted with {i}"
    assert [ax.get_title() for ax in axes[0]] == [f"decrypted with {j}" for j in "ABC"]
    assert not any(ax.get_title() for ax in axes[1])
    with pytest.raises(ValueError, match="at least one image"):
        plots.decryption_matrix({})


def test_leak_of_keys_draws_every_image_and_the_mean():
    sizes = {"key B": pd.Series([0.1, 0.4, 0.25]), "no key": pd.Series([0.9])}
    figure = plots.leak_of_keys(sizes, 0.12, "a title", named={"key B": 33.3, "no key": 100.0})
    (ax,) = figure.axes
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.1, 0.4, 0.25], [0.9]]
    means = [collection.get_segments()[0][0, 0] for collection in ax.collections]
    assert means == pytest.approx([0.25, 0.9])
    band = ax.patches[0]
    assert (band.get_x(), band.get_width()) == (0, 0.12)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["key B", "no key"]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == ["33 %", "100 %"]
    assert ax.get_title() == "a title"
