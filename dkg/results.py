"""The old name of `dkg.reproduction`, for notebooks that import it."""

from dkg.reproduction import *  # noqa: F403
