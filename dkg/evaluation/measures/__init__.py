"""Measures of the literature, each beside what i.i.d. uniform bytes of this size give.

Every family is a file; `MEASURES` lists them in the order of the report. The measures that the
paper has too are those of `dkg.metrics` and `dkg.randomness`, under the same names and in the same
units. None of them shows that a cipher is secure: ``docs/measures.md`` says what each one misses.
"""

from dkg.evaluation.measures import (
    bit_planes,
    comparison,
    correlation,
    costs,
    histogram,
    randomness,
    robustness,
    sensitivity,
    texture,
)
from dkg.evaluation.measures.sample import Measure, Sample, encrypt_all

__all__ = ["MEASURES", "Measure", "Sample", "encrypt_all"]

_FAMILIES = (
    Measure(
        "histogram",
        "histogram",
        "ciphertexts",
        "Whether all byte values are equally frequent; nothing on their order.",
        histogram.run,
    ),
    Measure(
        "deviation",
        "deviation",
        "pairs",
        "How far the histogram moved from the plaintext's; a constant ciphertext scores high.",
        histogram.run_pairs,
    ),
    Measure(
        "correlation",
        "adjacent correlation",
        "ciphertexts",
        "Linear dependence of neighbouring pixels; none over two pixels or more.",
        correlation.run,
    ),
    Measure(
        "distance",
        "distance from the plaintext",
        "pairs",
        "Whether the ciphertext is as far from the plaintext as noise is.",
        comparison.run,
    ),
    Measure(
        "texture",
        "texture",
        "ciphertexts",
        "Co-occurrence of neighbouring gray levels: a coarser form of the correlation.",
        texture.run,
    ),
    Measure(
        "bit-planes",
        "bit planes",
        "ciphertexts",
        "Entropy and correlation of each bit on its own.",
        bit_planes.run,
    ),
    Measure(
        "plaintext-sensitivity",
        "sensitivity to the plaintext",
        "cipher",
        "Diffusion. Every cipher with a fixed keystream fails; ECB passes within a block only.",
        sensitivity.run_plaintext,
    ),
    Measure(
        "key-sensitivity",
        "sensitivity to the key",
        "cipher",
        "Whether a slightly wrong key is of use; nothing on how many keys there are.",
        sensitivity.run_key,
    ),
    Measure(
        "sp800-22",
        "SP 800-22, ciphertexts",
        "ciphertexts",
        "Fifteen tests that any fast generator passes, the predictable Mersenne Twister too.",
        randomness.run_suite,
    ),
    Measure(
        "keystream",
        "SP 800-22, keystream",
        "cipher",
        "The same tests on the ciphertext of zeros, where no plaintext adds randomness.",
        randomness.run_keystream,
    ),
    Measure(
        "sp800-90b",
        "SP 800-90B",
        "ciphertexts",
        "How often the best simple guess of a byte is right.",
        randomness.run_min_entropy,
    ),
    Measure(
        "robustness",
        "robustness",
        "cipher",
        "What survives damage. What survives damage can also be changed unnoticed.",
        robustness.run,
    ),
    Measure(
        "key-space",
        "key space",
        "cipher",
        "What the designer states: an upper bound on the work of an attacker.",
        costs.run_key_space,
    ),
    Measure(
        "speed",
        "speed",
        "cipher",
        "Times of this run on this computer, beside AES-256-CTR.",
        costs.run_speed,
        timed=True,
    ),
)

MEASURES: dict[str, Measure] = {family.name: family for family in _FAMILIES}
"""The families of measures by name."""
