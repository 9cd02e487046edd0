"""A reused key: what a known plaintext reveals."""

import numpy as np
import pytest

from dkg import attacks, metrics

from .helpers import ideal_keys


@pytest.mark.parametrize(("share", "rows"), [(0, 0), (50, 128), (100, 256)])
def test_a_known_part_gives_the_other_image_and_no_more(share, rows, rng):
    first, second, key, another_key = ideal_keys(rng, 4)
    found = attacks.partial_known_plaintext(first, first ^ key, second ^ key, share)
    np.testing.assert_array_equal(found[:rows], second[:rows])
    np.testing.assert_array_equal(found[rows:], (second ^ key)[rows:])
    # The defence: a key for each image.
    found = attacks.partial_known_plaintext(first, first ^ key, second ^ another_key, share)
    assert abs(metrics.equal_bits(found, second) - 50) < 5 * 50 / (8 * second.size) ** 0.5
    with pytest.raises(ValueError, match="share must be 0 to 100 percent, not 101"):
        attacks.partial_known_plaintext(first, first, second, 101)
