"""Built-in ciphers to evaluate: sound ones, broken ones, and the paper's.

Each class takes no arguments and follows `dkg.evaluation.protocol.Cipher`, with ``change_key`` and
what must be guessed. All but `ArnoldCatMap`, `RowShuffle` and `Fridrich`, which move pixels, take
the bytes of an image in their order in memory: rows, columns, channels.
"""

from dkg.evaluation.ciphers.chaotic import ArnoldCatMap, Fridrich, LogisticXor
from dkg.evaluation.ciphers.network import DeepKeyGen, DeepKeyGenLowOrder
from dkg.evaluation.ciphers.simple import Identity, RepeatingXor, RowShuffle
from dkg.evaluation.ciphers.standard import (
    Aes256Ctr,
    Aes256Ecb,
    Aes256Gcm,
    ChaCha20Poly1305Cipher,
)

CIPHERS = {
    cipher.name: cipher
    for cipher in (
        DeepKeyGen,
        DeepKeyGenLowOrder,
        LogisticXor,
        ArnoldCatMap,
        RowShuffle,
        Fridrich,
        RepeatingXor,
        Aes256Ecb,
        Aes256Ctr,
        Aes256Gcm,
        ChaCha20Poly1305Cipher,
        Identity,
    )
}
"""The class of each built-in cipher by its name: ``CIPHERS["aes-256-ctr"]()``."""

__all__ = [
    "CIPHERS",
    "Aes256Ctr",
    "Aes256Ecb",
    "Aes256Gcm",
    "ArnoldCatMap",
    "ChaCha20Poly1305Cipher",
    "DeepKeyGen",
    "DeepKeyGenLowOrder",
    "Fridrich",
    "Identity",
    "LogisticXor",
    "RepeatingXor",
    "RowShuffle",
]
