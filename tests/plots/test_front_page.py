"""The picture of the first page: what it shows, and that only phantoms are in it."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from dkg import metrics, plots
from dkg.attacks import denoise
from dkg.plots.front_page import write_front_page


def test_front_page_shows_every_ciphertext_beside_its_average():
    random = np.random.default_rng()
    plain, other = random.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    figure = plots.front_page(plain, {"none": plain, "other": other})
    shown = [ax.images[0].get_array() for ax in figure.axes]
    expected = [plain, plain, denoise(plain), other, denoise(other)]
    for found, image in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(found, image)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[:2] == ["plaintext\n(phantom)", "none\nciphertext"]
    assert titles[2] == "averaged\n|r| = 1.00"
    size = abs(metrics.block_correlation(plain, other))
    assert titles[4] == f"averaged\n|r| = {size:.2f}"


def test_front_page_shows_an_image_dot_by_dot():
    plain = np.random.default_rng().integers(0, 256, (256, 256, 3), dtype=np.uint8)
    figure = plots.front_page(plain, {"DeepKeyGen": plain, "AES": plain})
    figure.draw_without_rendering()
    assert figure.axes[0].get_window_extent().size == pytest.approx((256, 256))
    boxes = [ax.title.get_window_extent() for ax in figure.axes]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert boxes[0].y1 < figure.bbox.y1


def test_front_page_needs_a_ciphertext():
    with pytest.raises(ValueError, match="at least one ciphertext"):
        plots.front_page(np.zeros((256, 256, 3), np.uint8), {})


@pytest.mark.slow
def test_written_front_page_does_not_depend_on_the_images_at_hand(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "montgomery"
    folder.mkdir(parents=True)
    Image.new("L", (256, 256), 128).save(folder / "flat.png")
    for name, data in (("with", tmp_path / "data"), ("without", tmp_path)):
        monkeypatch.setenv("DKG_DATA", str(data))
        write_front_page(tmp_path / name / "front.png")
    pictures = [(tmp_path / name / "front.png").read_bytes() for name in ("with", "without")]
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) < 250_000
