"""The old name of `dkg.attacks.low_order`, with its old function names, for older notebooks."""

from dkg.attacks.low_order import *  # noqa: F403
from dkg.attacks.low_order import acceptance_rates as inside
from dkg.attacks.low_order import failures_by_test as judge
from dkg.metrics import repeated_cells

__all__ = ["inside", "judge", "repeated_cells"]
