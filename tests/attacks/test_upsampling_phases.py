"""PCA over the upsampling phases."""

import numpy as np
import pytest

from dkg import attacks, metrics


def test_pca_shows_a_picture_that_a_mean_loses(rng):
    """Half of the places turn the top bit over and half do not, so their mean is gray."""
    picture = np.kron(rng.integers(0, 2, (16, 16)), np.ones((16, 16))).astype(np.uint8)
    plain = np.repeat(255 * picture[..., None], 3, axis=2)
    key = rng.integers(0, 128, plain.shape, dtype=np.uint8)
    key[::2] |= 128
    component = attacks.phase_pca(plain ^ key)
    expected = picture[::4, ::4]
    assert abs(np.corrcoef(component.ravel(), expected.ravel())[0, 1]) > 0.95
    assert abs(metrics.block_correlation(plain, plain ^ key)) < 0.3
    fair = rng.integers(0, 256, plain.shape, dtype=np.uint8)
    of_noise = attacks.phase_pca(plain ^ fair, side=16)
    assert abs(np.corrcoef(of_noise.ravel(), picture[::16, ::16].ravel())[0, 1]) < 6 / 16


@pytest.mark.parametrize(
    ("shape", "side", "words"),
    [((64, 64), 4, "3\\)"), ((64, 64, 3), 6, "multiple of 4"), ((64, 60, 3), 16, "divides")],
)
def test_pca_refuses_what_has_no_phases(shape, side, words):
    with pytest.raises(ValueError, match=words):
        attacks.phase_pca(np.zeros(shape, np.uint8), side)
