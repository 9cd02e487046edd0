"""The attack lab's panels (ipywidgets 8), one file for each.

A panel only reads its controls, calls functions that know nothing of widgets, and shows what they
return. Slow results are kept for the next change.
"""

from dkg.widgets.breaking import BreakItPanel
from dkg.widgets.encryption import CipherPanel
from dkg.widgets.imitation import ImitationPanel
from dkg.widgets.keys import KeysPanel
from dkg.widgets.panel import has_front_end
from dkg.widgets.randomness import RandomnessPanel

__all__ = [
    "BreakItPanel",
    "CipherPanel",
    "ImitationPanel",
    "KeysPanel",
    "RandomnessPanel",
    "has_front_end",
]
