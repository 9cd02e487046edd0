"""The attack lab's panels (ipywidgets 8).

A panel only reads its controls, calls functions that know nothing of widgets, and shows what they
return. Slow results are kept for the next change.
"""

from dkg.widgets.breaking import BreakItPanel
from dkg.widgets.own_cipher import OwnCipherPanel
from dkg.widgets.panel import has_front_end
from dkg.widgets.scheme import CipherPanel, ImitationPanel, KeysPanel, RandomnessPanel

__all__ = [
    "BreakItPanel",
    "CipherPanel",
    "ImitationPanel",
    "KeysPanel",
    "OwnCipherPanel",
    "RandomnessPanel",
    "has_front_end",
]
