"""The old name of `dkg.attacks.low_order`, for notebooks that import it."""

from dkg.attacks.low_order import *  # noqa: F403
