"""The notebooks come to their end, with all their records, whatever network they are about.

The networks behave differently: in ciphertexts of ``network-d`` the means of blocks show the
plaintext, in those of ``domain-gray`` they do not. `test_executed` looks at a third, the default.
"""

import json
import os
import subprocess
import sys

import pytest

from dkg import paths
from dkg.keys import list_weights
from dkg.zoo import entries

NETWORKS = ("domain-gray", "network-d")
NOTEBOOKS = {
    "03_key_security": "table-III",
    "04_ciphertext_security-ultrasound": "table-VI",
    "05_classical_attacks": "table-XIV",
    "09_gallery": "figure-12",
    "11_breaking_the_scheme": "beyond-denoising",
}


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Run them in the smoke profile with each network."""
    output = tmp_path_factory.mktemp("grid")
    arguments = [f"--weights={name}" for name in NETWORKS]
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "dkg", "reproduce", "--profile", "smoke", "--jobs", "2"),
            *("--dataset", "ultrasound", *arguments),
            *(name[:2] for name in NOTEBOOKS),
        ],
        cwd=paths.root(),
        env=os.environ | {"DKG_OUTPUT": str(output)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return output / "grid"


def test_the_networks_are_shipped():
    assert set(NETWORKS) < set(list_weights())


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_record_says_that_it_is_about_the_network(grid, notebook, network):
    [folder] = grid.glob(f"{notebook.split('-')[0]}*-{network}")
    record = json.loads((folder / "results" / f"{NOTEBOOKS[notebook]}.json").read_text())
    assert entries()[network]["sha256"] in json.dumps(record)
