"""Attacks: the paper's imitation attacks, and attacks that it leaves out; one file per attack."""

from dkg.attacks.approximate_seeds import approximate_seed
from dkg.attacks.backdoor import Backdoor, plant_backdoor
from dkg.attacks.bit_flipping import flip_square
from dkg.attacks.denoising import denoise, mean_decryption
from dkg.attacks.differential import change_pixel
from dkg.attacks.imitation import (
    AES,
    NO_KEY,
    Imitation,
    domain_and_structure_leakage,
    mutual_decryptions,
    structure_leakage,
    transformation_domain_leakage,
)
from dkg.attacks.known_plaintext import partial_known_plaintext
from dkg.attacks.prediction import Prediction, predict_bytes
from dkg.attacks.scoring import rank, score_candidates
from dkg.attacks.seed_guessing import SeedGuess, guess_seed
from dkg.attacks.upsampling_phases import phase_pca, power_spectrum

__all__ = [
    "AES",
    "NO_KEY",
    "Backdoor",
    "Imitation",
    "Prediction",
    "SeedGuess",
    "approximate_seed",
    "change_pixel",
    "denoise",
    "domain_and_structure_leakage",
    "flip_square",
    "guess_seed",
    "mean_decryption",
    "mutual_decryptions",
    "partial_known_plaintext",
    "phase_pca",
    "plant_backdoor",
    "power_spectrum",
    "predict_bytes",
    "rank",
    "score_candidates",
    "structure_leakage",
    "transformation_domain_leakage",
]
