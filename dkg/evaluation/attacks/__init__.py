"""Attacks on any image cipher, one file per family, each with what chance gives.

An attack succeeds by a rule that is fixed before it is run, and on a sound cipher in 1 of 1,000
evaluations (`dkg.evaluation.attacks.scores`). No result says that a cipher is secure: the best one
is that no attack tried here succeeded.
"""

from dkg.evaluation.attacks.active import bit_flipping, tampering
from dkg.evaluation.attacks.chosen_plaintext import (
    affine_relation,
    black_image,
    determinism,
    differential,
    numbered_bytes,
)
from dkg.evaluation.attacks.ciphertext_only import (
    averaging,
    byte_histogram,
    principal_component,
    repeated_blocks,
    same_histogram,
)
from dkg.evaluation.attacks.game import chosen_plaintext_game, one_ciphertext_game
from dkg.evaluation.attacks.keys import key_search, nearby_keys
from dkg.evaluation.attacks.known_plaintext import key_reuse, keystream, permutation
from dkg.evaluation.attacks.learned import learned_inversion

ATTACKS = {
    attack.name: attack
    for attack in (
        averaging,
        principal_component,
        learned_inversion,
        byte_histogram,
        same_histogram,
        repeated_blocks,
        key_reuse,
        keystream,
        permutation,
        black_image,
        numbered_bytes,
        differential,
        affine_relation,
        determinism,
        one_ciphertext_game,
        chosen_plaintext_game,
        bit_flipping,
        tampering,
        nearby_keys,
        key_search,
    )
}
"""Every attack by its name; ``ATTACKS[name].run(cipher, images, rng)``."""

SLOW = (learned_inversion.name,)
"""Attacks that train a network, and take minutes."""

__all__ = ["ATTACKS", "SLOW"]
