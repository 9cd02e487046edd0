"""Candidates scored against images, and the rank of the right one."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import ideal_keys, smooth_images

M = 8  # Candidates.


def test_score_is_the_block_correlation_where_candidates_share_nothing(rng):
    """Images and their negatives share a constant, so that the mean takes nothing off."""
    a, b = smooth_images(rng, 2)
    candidates = np.stack([a, 255 - a, b, 255 - b])
    noisy = np.stack([candidates[0] ^ ideal_keys(rng, 1)[0] & 0x3F, ideal_keys(rng, 1)[0]])
    scores = attacks.score_candidates(noisy, candidates)
    expected = [[abs(metrics.block_correlation(x, c)) for c in candidates] for x in noisy]
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_score_finds_images_and_negatives_by_their_edges(images):
    shown = np.concatenate([images, 255 - images])
    for by in ("blocks", "edges"):
        scores = attacks.score_candidates(shown, images, by)
        assert scores.shape == (2 * M, M)
        assert scores.argmax(axis=1).tolist() == [*range(M), *range(M)]


def test_score_of_nothing_is_zero_and_bad_input_is_named(images):
    black = np.zeros_like(images[:1])
    for by in ("blocks", "edges"):
        assert (attacks.score_candidates(black, images, by) == 0).all()
    with pytest.raises(ValueError, match="'blocks' or 'edges', not 'eyes'"):
        attacks.score_candidates(images, images, "eyes")
    with pytest.raises(ValueError, match="differ in shape"):
        attacks.score_candidates(images[:, :128], images)
    with pytest.raises(ValueError, match="48 x 48"):
        attacks.score_candidates(images[:, :40], images[:, :40])


def test_the_rank_of_the_right_candidate(images):
    for by in ("blocks", "edges"):
        assert attacks.rank(images, images, np.arange(M), by).tolist() == [1] * M
        # Nothing fits all candidates equally badly, and a tie is no answer.
        assert attacks.rank(np.zeros_like(images[:2]), images, 0, by).tolist() == [M, M]


def test_leaks_are_block_correlations_without_their_sign(images):
    seen = np.stack([images[0], 255 - images[1]])
    assert attacks.leaks(images[:2], seen) == pytest.approx([1, 1])
    expected = abs(metrics.block_correlation(images[0], images[1]))
    assert attacks.leaks(images[:1], images[1:2]) == [expected]
    with pytest.raises(ValueError, match="shorter"):
        attacks.leaks(images[:2], seen[:1])
