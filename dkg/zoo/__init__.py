"""The zoo: every network that comes with the package, trained from its recipe, and checked.

``dkg/weights/manifest.toml`` has an entry for each network: the images, the transformation domain
and the settings that it is trained with, and, once it is trained, the outcome: the file and its
SHA-256, the random seed, the steps, the sample keys. A network of fewer steps than its recipe asks
for is unfinished; `train_missing` goes on with it.
"""

from dkg.zoo.checks import ENTROPY_TOLERANCE, check, differences_from
from dkg.zoo.manifest import SAMPLE_STEPS, dumps, entries, install, missing, run_folder
from dkg.zoo.recipe import SEEDED_DOMAINS, Recipe, settings
from dkg.zoo.shipped import log_of, sample_keys, with_papers_settings
from dkg.zoo.training import progress, train_briefly, train_each, train_missing

__all__ = [
    "ENTROPY_TOLERANCE",
    "SAMPLE_STEPS",
    "SEEDED_DOMAINS",
    "Recipe",
    "check",
    "differences_from",
    "dumps",
    "entries",
    "install",
    "log_of",
    "missing",
    "progress",
    "run_folder",
    "sample_keys",
    "settings",
    "train_briefly",
    "train_each",
    "train_missing",
    "with_papers_settings",
]
