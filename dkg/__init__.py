"""DeepKeyGen, reproduced: keys from a GAN, the XOR cipher, the paper's measures and the attacks.

The modules are imported by name (``import dkg.metrics``), so that ``import dkg`` stays fast and
does not load torch. ``docs/overview.md`` is the map.

References
----------
Y. Ding, F. Tan, Z. Qin, M. Cao, K.-K. R. Choo and Z. Qin, "DeepKeyGen: A Deep Learning-Based
Stream Cipher Generator for Medical Image Encryption and Decryption", IEEE Transactions on Neural
Networks and Learning Systems, 2021.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("dkg")
except PackageNotFoundError:  # The sources are on the path but were never installed.
    __version__ = "0+unknown"
