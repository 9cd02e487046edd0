"""Any image cipher on the bench: the field's measures and attacks, side by side."""

from dkg.evaluation.outcomes import Attack, Attacked, Measured
from dkg.evaluation.protocol import Checked, Cipher, UnusableCipher, body, check, name_of

__all__ = [
    "Attack",
    "Attacked",
    "Checked",
    "Cipher",
    "Measured",
    "UnusableCipher",
    "body",
    "check",
    "name_of",
]
