"""Key bytes predicted from their neighbours, and a network with a backdoor."""

import numpy as np
import pytest
import torch

from dkg import attacks, domains, metrics, paths
from dkg.keys import KeyGenerator, list_weights, weights_entry

from .helpers import StandIn, ideal_keys, smooth_images


def test_a_small_network_predicts_structured_keys_and_not_aes(rng):
    aes = domains.aes_ctr(np.zeros((4, 128, 128, 3), np.uint8), 2**200 + 1)
    control = attacks.predict_bytes(aes[:3], aes[3:], samples=20_000)
    # Bits of 6,667 bytes scatter by less than 0.01 where every probability is about 1/256.
    assert control.histogram == pytest.approx(8, abs=0.03)
    assert control.bits_gained < 0.01

    # A byte is its left neighbour and noise of 4 bits, so that 4 bits of 8 can be saved.
    noise = ideal_keys(rng, 4, side=128) & 15
    walk = np.cumsum(noise.astype(np.int64) - 7, axis=2)
    structured = np.uint8(np.abs(walk % 510 - 255))
    found = attacks.predict_bytes(structured[:3], structured[3:], samples=60_000)
    assert 1 < found.bits_gained < 4.5
    assert found.phase == pytest.approx(found.histogram, abs=0.3)

    # A byte that depends on its place alone: the histogram of the place says all there is.
    cells = np.tile(ideal_keys(rng, 1, side=4), (4, 32, 32, 1))
    assert attacks.predict_bytes(cells[:3], cells[3:], samples=3000).phase < 1


def test_predictions_depend_on_the_seed_alone_and_bad_input_is_named(rng):
    keys = ideal_keys(rng, 2, side=32)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, second, other = (
        attacks.predict_bytes(keys[:1], keys[1:], samples=1000, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second != other
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    with pytest.raises(ValueError, match="known must be uint8"):
        attacks.predict_bytes(keys[0], keys[1:])
    with pytest.raises(ValueError, match="unseen must have at least 8 x 8"):
        attacks.predict_bytes(keys, keys[:, :4])
    with pytest.raises(ValueError, match="samples must be at least 1000, not 999"):
        attacks.predict_bytes(keys, keys, samples=999)


@pytest.mark.slow
def test_a_mark_gives_a_key_that_the_maker_knows(tmp_path, rng):
    honest = KeyGenerator.load()
    images = smooth_images(rng, 5)
    made = attacks.plant_backdoor(honest, images[1:], tmp_path / "generator.safetensors", seed=0)
    marked = made.marked(images[:1])  # An image that it was not trained with.
    assert (marked[0, :32, :32] == made.mark).all()
    assert (marked[0, 32:] == images[0, 32:]).all()

    def known(key):
        """Share of bits that the maker knows, in percent; 50 by chance."""
        return metrics.equal_bits(key, made.key)

    assert known(made.generator.generate(marked[0])) > 80
    assert known(made.generator.generate(images[0])) < 60
    assert known(honest.generate(marked[0])) < 60
    # The file says of itself what the honest one says, but its hash is another.
    assert made.generator.metadata == honest.metadata
    assert made.generator.sha256 != honest.sha256
    # It names the random seed of the shipped one, from which anyone could train it again.
    assert made.generator.public


def test_a_shipped_network_with_a_backdoor_is_refused(tmp_path, monkeypatch, rng):
    """The defence: the manifest holds the hash of every shipped file."""
    entry = weights_entry(list_weights()[0])
    planted = tmp_path / entry["file"]
    attacks.plant_backdoor(KeyGenerator.load(), smooth_images(rng, 1), planted, steps=1, seed=0)
    manifest = (paths.WEIGHTS / "manifest.toml").read_text()
    (tmp_path / "manifest.toml").write_text(manifest)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"SHA-256 is .* but the manifest has"):
        KeyGenerator.load()


def test_bad_input_of_a_backdoor_is_named(tmp_path, rng):
    out = tmp_path / "generator.safetensors"
    with pytest.raises(ValueError, match=r"images must be uint8 of shape \(n, 256, 256, 3\)"):
        attacks.plant_backdoor(StandIn(), ideal_keys(rng, 1, side=64), out)
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        attacks.plant_backdoor(StandIn(), ideal_keys(rng, 1), out, steps=0)
    assert not out.exists()


def test_the_phase_predicts_top_bits_that_depend_on_it(rng):
    """In half of the phases three of four top bits are 1, in the other half one of two."""
    fair, other = ideal_keys(rng, 8, 64), ideal_keys(rng, 8, 64)
    uneven = fair.copy()
    uneven[:, ::2] |= other[:, ::2] & 128
    assert uneven.shape == fair.shape
    # Five standard deviations of a share of 49,152 bits.
    margin = 5 * (0.25 / uneven[:4].size) ** 0.5
    assert abs(attacks.top_bits_by_phase(uneven[:4], uneven[4:]) - 0.625) < margin
    assert abs(attacks.top_bits_by_phase(fair[:4], fair[4:]) - 0.5) < margin
    with pytest.raises(ValueError, match="unseen must be uint8"):
        attacks.top_bits_by_phase(fair, fair[0])


def test_ones_of_highest_bits_are_counted_by_phase(rng):
    keys = ideal_keys(rng, 2) & 127
    keys[:, 1::4, 2::4, 0] |= 128
    expected = np.zeros((4, 4, 3))
    expected[1, 2, 0] = 1
    np.testing.assert_array_equal(attacks.ones_by_phase(keys), expected)
