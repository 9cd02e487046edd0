"""Attacks: the paper's imitation attacks, and attacks that it leaves out; a file per family.

Each `seed` is a random seed, by default the system's entropy. A shape, a number or a name that is
refused raises ValueError; ``Raises`` sections list only what is added to that.
"""

from dkg.attacks.ciphertext_only import (
    as_positive,
    block_means,
    denoise,
    leak_by_side,
    mean_decryption,
    phase_pca,
    power_spectrum,
)
from dkg.attacks.classical import (
    change_pixel,
    changed_keys,
    flip_square,
    npcr_and_uaci,
    partial_known_plaintext,
    replace_pixels,
)
from dkg.attacks.imitation import (
    AES,
    NO_KEY,
    Imitation,
    domain_and_structure_leakage,
    mutual_decryptions,
    structure_leakage,
    transformation_domain_leakage,
)
from dkg.attacks.inversion import check_disjoint, coarse, fit, low_entropy_keys, training_pairs
from dkg.attacks.learned import (
    Backdoor,
    Prediction,
    ones_by_phase,
    plant_backdoor,
    predict_bytes,
    top_bits_by_phase,
)
from dkg.attacks.recovery import ATTACKS, Recovery, compare_recovered, mean_image, recover
from dkg.attacks.scoring import leaks, rank, score_candidates
from dkg.attacks.seeds import SeedGuess, approximate_seed, approximate_seeds, guess_seed

__all__ = [
    "AES",
    "ATTACKS",
    "NO_KEY",
    "Backdoor",
    "Imitation",
    "Prediction",
    "Recovery",
    "SeedGuess",
    "approximate_seed",
    "approximate_seeds",
    "as_positive",
    "block_means",
    "change_pixel",
    "changed_keys",
    "check_disjoint",
    "coarse",
    "compare_recovered",
    "denoise",
    "domain_and_structure_leakage",
    "fit",
    "flip_square",
    "guess_seed",
    "leak_by_side",
    "leaks",
    "low_entropy_keys",
    "mean_decryption",
    "mean_image",
    "mutual_decryptions",
    "npcr_and_uaci",
    "ones_by_phase",
    "partial_known_plaintext",
    "phase_pca",
    "plant_backdoor",
    "power_spectrum",
    "predict_bytes",
    "rank",
    "recover",
    "replace_pixels",
    "score_candidates",
    "structure_leakage",
    "top_bits_by_phase",
    "training_pairs",
    "transformation_domain_leakage",
]
