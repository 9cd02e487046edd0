"""What comes with the package beside its networks."""

import numpy as np

from dkg import zoo
from dkg.keys import list_weights, weights_entry
from dkg.metrics import entropy


def test_every_network_has_its_log():
    for name in list_weights():
        log = zoo.log_of(name)
        assert log[-1]["step"] == weights_entry(name)["steps"]


def test_sample_keys_have_the_entropy_that_the_log_has_of_more_keys():
    """Eight keys in the log, one of them here."""
    keys = zoo.sample_keys("base-phantom-1")
    logged = {
        r["step"]: r["key_entropy"] for r in zoo.log_of("base-phantom-1") if "key_entropy" in r
    }
    assert keys and set(keys) <= set(logged)
    for step, key in keys.items():
        assert key.shape == (256, 256, 3) and key.dtype == np.uint8
        assert abs(entropy(key) - logged[step]) < 0.5


def test_networks_of_real_images_show_no_keys():
    real = [name for name in list_weights() if weights_entry(name)["origin"] != "synthetic"]
    assert real and all(zoo.sample_keys(name) == {} for name in real)


def test_the_papers_settings_leave_out_other_structures_and_domains():
    names = set(zoo.with_papers_settings())
    assert {"base-phantom-1", "base-shenzhen-4"} <= names
    assert not names & {"network-a", "network-d", "domain-gray", "lightweight-xception"}
    assert zoo.with_papers_settings(steps=1) == {}
