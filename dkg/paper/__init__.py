"""What the paper printed: Tables I to XXI, the averages that its text states, and its equations.

The numbers are the paper's, in printed order and with printed misprints; `ERRATA` lists what cannot
be as printed, `OBSERVATIONS` what is odd but possible. Nothing here was measured by this package.

>>> TABLES["IV"]["npcr"]
(99.56, 99.58, 99.58, 99.56, 99.57, 99.59, 99.63, 99.59)

Every table is a dict of columns, tuples of equal length, so that ``pandas.DataFrame(TABLES["IV"])``
shows it. Tables that the paper prints sideways stand upright here: one entry for each of the eight
keys or images (Tables III to X, XIV, XV), the four images (XI to XIII) or the six methods (XVIII
to XX). ``plain`` is the image before encryption, ``cipher`` the same image after it, which Tables
XI to XIII mark with a star.

References
----------
Y. Ding et al., "DeepKeyGen: A Deep Learning-Based Stream Cipher Generator for Medical Image
Encryption and Decryption", IEEE TNNLS, 2021, doi:10.1109/TNNLS.2021.3062754.
"""

import importlib
from typing import Any

from dkg.paper.equations import EQUATIONS, Equation
from dkg.paper.errata import ERRATA, Remark
from dkg.paper.observations import OBSERVATIONS
from dkg.paper.tables import (
    CAPTIONS,
    SECTIONS,
    TABLES,
    TABLES_OF_SETS,
    TEXT_AVERAGES,
    TRANSFORMATION_DOMAINS,
)

__all__ = [
    "CAPTIONS",
    "EQUATIONS",
    "ERRATA",
    "OBSERVATIONS",
    "SECTIONS",
    "TABLES",
    "TABLES_OF_SETS",
    "TEXT_AVERAGES",
    "TRANSFORMATION_DOMAINS",
    "Equation",
    "Remark",
]


def __getattr__(name: str) -> Any:
    # Older notebooks import the comparisons from here.
    if name in ("CHANGES", "CLAIMS", "COMPARISONS", "Claim", "Comparison"):
        return getattr(importlib.import_module("dkg.reproduction.comparisons"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
