"""DeepKeyGen, reproduced: keys from a GAN, the XOR cipher, the paper's measures and the attacks.

The modules are imported by name (``import dkg.metrics``), so that ``import dkg`` stays fast and
does not load torch. Only `dkg.evaluation.bench.evaluate` is here too, as ``dkg.evaluate``.
``docs/overview.md`` is the map.

References
----------
Y. Ding, F. Tan, Z. Qin, M. Cao, K.-K. R. Choo and Z. Qin, "DeepKeyGen: A Deep Learning-Based
Stream Cipher Generator for Medical Image Encryption and Decryption", IEEE Transactions on Neural
Networks and Learning Systems, 2021.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dkg.evaluation.bench import evaluate

__all__ = ["__version__", "evaluate"]

try:
    __version__ = version("dkg")
except PackageNotFoundError:  # The sources are on the path but were never installed.
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Import `dkg.evaluation.bench.evaluate` when it is first asked for."""
    if name == "evaluate":
        return importlib.import_module("dkg.evaluation.bench").evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
