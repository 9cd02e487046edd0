"""The paper's measures of keys and images, and what i.i.d. uniform bytes give.

`dkg.metrics.image` measures one array, `dkg.metrics.comparison` compares two, and
`dkg.metrics.uniform` holds the moments and intervals to expect; all of it is importable from here.
An RGB image counts as H x W x 3 bytes, as in the paper's entropy [1]_: no measure asks which bytes
share a pixel. Names with ``ideal`` refer to bytes that are independent and uniform on 0..255.
``docs/measures.md`` says what each measure tells and what it does not.

Two arrays `a` and `b` have the same shape. An `rng` is a `numpy.random.Generator`, a seed, or None
for the system's entropy. `n_bytes`, the size of an array or of either array of a pair, is a whole
number, at least 1 (196,608 for a key), and a significance level `alpha` lies between 0 and 1, both
excluded. Every function raises TypeError for an array that is not uint8, and ValueError for an
empty array and for shapes, numbers and names that are not as described.

References
----------
.. [1] Y. Ding et al., "DeepKeyGen: A Deep Learning-Based Stream Cipher Generator for Medical Image
   Encryption and Decryption", IEEE TNNLS, 2021. Equation and table numbers are this paper's.
.. [2] Y. Wu, J. P. Noonan and S. Agaian, "NPCR and UACI Randomness Tests for Image Encryption",
   Cyber Journals: JSAT, April 2011.
.. [3] Y. Wu et al., "Local Shannon entropy measure with statistical tests for image randomness",
   Information Sciences 222, 2013.
.. [4] The script ``origin/quantitative.py`` of https://github.com/miserrman/BEDN, later public
   code of the paper's group.
.. [5] J. Canny, "A Computational Approach to Edge Detection",
   IEEE TPAMI 8(6), 1986.
"""

from dkg.metrics.comparison import (
    block_correlation,
    edge_correlation,
    equal_bits,
    mse,
    npcr,
    psnr,
    ssim,
    uaci,
)
from dkg.metrics.image import (
    LOCAL_BLOCKS,
    LOCAL_SIDE,
    ChiSquare,
    adjacent_correlation,
    adjacent_pairs,
    chi_square,
    correlation,
    entropy,
    histogram,
    local_entropy,
    repeated_cells,
)
from dkg.metrics.uniform import (
    Ideal,
    Interval,
    chi_square_critical_value,
    ideal_correlation,
    ideal_entropy,
    ideal_npcr,
    ideal_uaci,
    local_entropy_interval,
    npcr_interval,
    uaci_interval,
)

__all__ = [
    "LOCAL_BLOCKS",
    "LOCAL_SIDE",
    "ChiSquare",
    "Ideal",
    "Interval",
    "adjacent_correlation",
    "adjacent_pairs",
    "block_correlation",
    "chi_square",
    "chi_square_critical_value",
    "correlation",
    "edge_correlation",
    "entropy",
    "equal_bits",
    "histogram",
    "ideal_correlation",
    "ideal_entropy",
    "ideal_npcr",
    "ideal_uaci",
    "local_entropy",
    "local_entropy_interval",
    "mse",
    "npcr",
    "npcr_interval",
    "psnr",
    "repeated_cells",
    "ssim",
    "uaci",
    "uaci_interval",
]
