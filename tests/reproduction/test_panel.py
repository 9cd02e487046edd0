"""The same measurement of the network, the trainings and the null models."""

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dkg import data, metrics
from dkg.keys import KeyGenerator
from dkg.reproduction import Float64Keys, Panel
from dkg.reproduction.panel import AES, SHUFFLED, TRAININGS, UNTRAINED, untrained
from dkg.storage.weights import list_weights


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_DATA", str(tmp_path_factory.mktemp("no images")))
        return data.load("montgomery", n=2)


@pytest.fixture(scope="module")
def panel(images):
    trainings = ["base-phantom-1", "base-phantom-2"]
    return Panel(images, network="base-phantom-1", trainings=trainings, seed=11, n_untrained=1)


@pytest.mark.slow
def test_every_source_is_measured_once(panel, images):
    measured_of = []

    def measure(keys):
        measured_of.append(keys)
        return {"entropy": [metrics.entropy(key) for key in keys]}

    measured = panel.measure(measure)
    assert len(measured_of) == 4, "the network is one of the trainings"
    assert list(measured.trainings) == ["base-phantom-1", "base-phantom-2"]
    assert measured.network == measured.trainings["base-phantom-1"]
    assert set(measured.nulls) == {AES, UNTRAINED}
    assert measured.images == [images] and measured.seeds == {"untrained networks": 11}
    assert [n.name for n in measured.networks] == ["base-phantom-1", "base-phantom-2"]
    means = measured.means()
    assert list(means.index) == ["network", "base-phantom-1", "base-phantom-2", AES, UNTRAINED]
    assert means.loc["network", "entropy"] == pytest.approx(np.mean(measured["entropy"]))


@pytest.mark.slow
def test_keys_are_those_of_the_networks_and_made_once(panel, images, monkeypatch):
    expected = KeyGenerator.load("base-phantom-2").generate(images.images[1])
    np.testing.assert_array_equal(panel.trainings[1].keys[1], expected)
    made = panel.network.keys
    monkeypatch.setattr(panel.network.maker, "generate", lambda image: pytest.fail("again"))
    np.testing.assert_array_equal(panel.network.keys, made)
    np.testing.assert_array_equal(panel.network.generate(images.images[1]), made[1])


def test_aes_is_keyed_by_a_hash_of_the_seed_image(panel, images):
    """Against the library, called apart: SHAKE-256 of the image's bytes is the key."""
    key = hashlib.shake_256(images.images[0].tobytes()).digest(32)
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(bytes(16))).encryptor()
    expected = encryptor.update(bytes(images.images[0].size))
    assert panel.nulls[AES][0].keys[0].tobytes() == expected


def test_an_untrained_network_has_fresh_weights_of_its_random_seed():
    first, again, other = (untrained(seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    assert first.metadata["architecture"] == KeyGenerator.load().metadata["architecture"]
    weights = first.weights()["down2.0.weight"]
    assert weights.std() == pytest.approx(0.02, rel=0.1) and abs(weights.mean()) < 0.002


def test_ciphertexts_are_measured_beside_shuffled_pairs(panel, images):
    def measure(plain, ciphers):
        return {
            "same": [(p == images.images).all(axis=(1, 2, 3)).tolist().index(True) for p in plain],
            "key": [p ^ c for p, c in zip(plain, ciphers, strict=True)],
        }

    measured = panel.measure(measure, images)
    np.testing.assert_array_equal(measured["key"], panel.keys)
    assert len(measured.nulls[SHUFFLED]) == 2
    plain, keys = images.images, panel.network.keys
    np.testing.assert_array_equal(
        measured.nulls[SHUFFLED][0]["key"][0], plain[0] ^ plain[1] ^ keys[1]
    )
    assert measured.images == [images]


def test_more_plaintexts_than_keys_are_refused(panel, images):
    more = data.ImageSet("brats18", np.zeros((3, 256, 256, 3), np.uint8), "synthetic")
    with pytest.raises(ValueError, match="3 plaintexts, but 2 keys"):
        panel.measure(lambda plain, ciphers: {}, more)


@pytest.mark.slow
def test_keys_in_double_precision_hardly_differ_and_have_no_null_models(panel, images):
    double = panel.in_float64()
    assert double.nulls == {} and isinstance(double.network.maker, Float64Keys)
    made = double.network.generate(images.images[0])
    share = float((made != panel.network.keys[0]).mean())
    assert 0 < share < 0.02
    distance = np.abs(made.astype(int) - panel.network.keys[0])
    assert np.median(distance[distance > 0]) == 1


def test_measurements_are_joined_and_picked(panel):
    first = panel.measure(lambda keys: {"a": 1.0, "b": {"x": [2.0, 4.0]}})
    second = panel.measure_sources(lambda source: {"c": len(source.keys)})
    both = first | second
    assert both.network == {"a": 1.0, "b": {"x": [2.0, 4.0]}, "c": 2}
    assert both.nulls[UNTRAINED][0]["c"] == 2 and both.trainings["base-phantom-2"]["a"] == 1.0
    picked = both.map(lambda values: {"a": values["b"]["x"]})
    assert picked.network == {"a": [2.0, 4.0]} and picked.nulls[AES] == [{"a": [2.0, 4.0]}]
    assert both.means().loc["network", "b"] == 3.0


def test_the_default_trainings_are_shipped():
    assert len(TRAININGS) == 8 and set(TRAININGS) <= set(list_weights())


def test_a_network_that_is_not_there_is_an_error(images):
    with pytest.raises(FileNotFoundError, match="base-phantom-9"):
        Panel(images, trainings=["base-phantom-9"])


def test_a_panel_says_what_takes_part(panel):
    lines = str(panel).splitlines()
    assert lines == [
        "2 seed images of montgomery (synthetic)",
        "network: base-phantom-1",
        "trainings: base-phantom-1, base-phantom-2",
        "null models: AES-256-CTR, untrained network",
    ]


def test_no_trainings_given_means_the_shipped_ones(images):
    made = Panel(images, network="", trainings=[], n_untrained=0)
    assert tuple(source.name for source in made.trainings) == TRAININGS
    assert made.network.name == list_weights()[0]
