"""Any image cipher on the bench: the field's measures and attacks, side by side."""

from dkg.evaluation.outcomes import Attacked, Measured
from dkg.evaluation.protocol import Checked, Cipher, body, check, name_of

__all__ = ["Attacked", "Checked", "Cipher", "Measured", "body", "check", "name_of"]
