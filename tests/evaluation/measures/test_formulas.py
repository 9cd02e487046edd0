"""Each measure beside an outside reference, or its definition written as loops."""

import numpy as np
import pytest
import scipy
from skimage.feature import graycomatrix, graycoprops

from dkg import metrics
from dkg.evaluation.measures import bit_planes, comparison, histogram, robustness, sensitivity
from dkg.evaluation.measures import texture as glcm


def noise(rng, *shape):
    return rng.integers(0, 256, shape, np.uint8)


@pytest.fixture
def pair(rng, images):
    return images[1], noise(rng, *images[1].shape)


def test_deviations_are_sums_over_the_values(pair):
    plain, cipher = pair
    h, p = (np.zeros(256, int) for _ in "hp")
    differences = np.zeros(256, int)
    for a, b in zip(cipher.ravel().tolist(), plain.ravel().tolist(), strict=True):
        h[a] += 1
        p[b] += 1
        differences[abs(a - b)] += 1
    gaps = [abs(int(x) - int(y)) for x, y in zip(h, p, strict=True)]
    assert histogram.maximum_deviation(plain, cipher) == (gaps[0] + gaps[255]) / 2 + sum(
        gaps[1:255]
    )
    expected = sum(abs(d - plain.size / 256) for d in differences)
    assert histogram.irregular_deviation(plain, cipher) == pytest.approx(expected)
    expected = sum(abs(count - plain.size / 256) for count in h) / plain.size
    assert histogram.deviation_from_ideality(cipher) == pytest.approx(expected)


def test_deviation_from_ideality_of_known_images():
    assert histogram.deviation_from_ideality(np.arange(256, dtype=np.uint8)) == 0
    assert histogram.deviation_from_ideality(np.zeros(256, np.uint8)) == 2 * 255 / 256
    # The number that is printed for a key of 196,608 bytes.
    assert round(histogram.ideal_deviation(196_608).mean, 4) == 0.0287


def test_texture_agrees_with_skimage(pair):
    for image in pair:
        shares = glcm.co_occurrence(image)
        counts = sum(
            graycomatrix(image[..., i] // 32, [1], [0], levels=8) for i in range(3)
        ).astype(float)
        found = glcm.texture(shares)
        whole = counts / counts.sum()
        assert found["contrast"] == pytest.approx(graycoprops(whole, "contrast").item())
        assert found["energy"] == pytest.approx(graycoprops(whole, "ASM").item())
        left, right = image[:, :-1] // 32, image[:, 1:] // 32
        distance = np.abs(left.astype(int) - right)
        assert found["homogeneity"] == pytest.approx((1 / (1 + distance)).mean())


def test_texture_of_uniform_bytes_is_what_the_literature_prints():
    ideals = {name: glcm.ideal_texture(name, 256, 256).mean for name in ("contrast", "homogeneity")}
    assert ideals["contrast"] == 10.5
    assert round(ideals["homogeneity"], 3) == 0.389
    assert round(glcm.ideal_texture("energy", 256, 256).mean, 4) == 0.0156


def test_baci_is_a_mean_over_blocks(pair):
    a, b = (image[:6, :5, 0] for image in pair)
    d = np.abs(a.astype(int) - b)
    total = []
    for i in range(5):
        for j in range(4):
            block = d[i : i + 2, j : j + 2].ravel().tolist()
            total += [abs(x - y) for k, x in enumerate(block) for y in block[:k]]
    assert sensitivity.baci(a, b) == pytest.approx(100 * np.mean(total) / 255)


def test_baci_of_uniform_bytes_is_the_published_number():
    assert round(sensitivity.ideal_baci(65_536).mean, 4) == 26.7712


def test_baci_needs_a_block():
    with pytest.raises(ValueError, match="2 x 2 pixels"):
        sensitivity.baci(np.zeros((1, 9), np.uint8), np.ones((1, 9), np.uint8))


def test_bit_planes_make_up_the_image(pair):
    image = pair[0]
    planes = [bit_planes.plane(image, number) for number in range(1, 9)]
    assert np.array_equal(sum(p << i for i, p in enumerate(planes)), image)
    ones = planes[7].mean()
    expected = scipy.stats.entropy([ones, 1 - ones], base=2)
    assert metrics.entropy(planes[7]) == pytest.approx(expected)


def test_mae_is_the_mean_absolute_difference(pair):
    a, b = pair
    assert comparison.mae(a, b) == pytest.approx(np.abs(a.astype(float) - b).mean())


def test_damage_hits_the_given_share(rng):
    image = np.full((100, 200, 3), 7, np.uint8)
    cropped = robustness.crop(image, 0.25, rng)
    assert (cropped[:50, :100] == 0).all()
    assert np.count_nonzero(cropped != 7) == image.size / 4
    salted = robustness.salt_and_pepper(image, 0.1, rng)
    hit = salted != 7
    low, high = scipy.stats.binom.interval(0.9999, image.size, 0.1)
    assert low <= hit.sum() <= high
    assert set(np.unique(salted[hit])) == {0, 255}
    assert (image == 7).all()


def test_a_changed_byte_is_one_byte_by_one_level(rng):
    for image in (np.full((4, 4, 3), 255, np.uint8), np.zeros((4, 4), np.uint8)):
        changed = sensitivity.change_byte(image, rng).astype(int)
        assert np.abs(changed - image).sum() == 1
        assert changed.min() >= 0 and changed.max() <= 255
