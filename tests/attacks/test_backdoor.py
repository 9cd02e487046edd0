"""A network with a backdoor, and the manifest that refuses it."""

import pytest

from dkg import attacks, metrics, paths
from dkg.keys import KeyGenerator, list_weights, weights_entry

from .helpers import StandIn, ideal_keys, smooth_images


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
    assert not made.generator.public


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
