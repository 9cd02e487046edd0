"""What all attacks of the attack lab share: the victim, a question, and an answer to show."""

from dataclasses import dataclass, field

import ipywidgets
import numpy as np
import pandas as pd

from dkg.keys import list_weights
from dkg.widgets import sources
from dkg.widgets.controls import choice, output_choice, toggle
from dkg.widgets.images import ImageChoice
from dkg.widgets.panel import Panel, View, likeness
from dkg.widgets.sources import SEEDS, CachedKeys


class Victim:
    """Who is attacked: a network, the way its keys are read, and the image that is encrypted.

    Attributes
    ----------
    network, output : ipywidgets.Dropdown
        The network, and how keys are read.
    image : ImageChoice
        The plaintext.
    controls, choices : tuple of ipywidgets.Widget
        All controls, and those whose value is a choice.
    panel : AttackPanel or None
        The panel that shows the attack, and hears of another image.
    """

    def __init__(self) -> None:
        self.panel: AttackPanel | None = None
        self.network = choice("network", list_weights())
        self.output = output_choice()
        self.image = ImageChoice("hide an image of", self._changed, self._failed)
        self.controls = (self.network, self.output, *self.image.controls)
        self.choices = (self.network, self.output, self.image.set, self.image.number)

    def _changed(self) -> None:
        if self.panel is not None:
            self.panel.refresh()

    def _failed(self, error: Exception) -> None:
        if self.panel is not None:
            self.panel.show_error(error)


@dataclass(frozen=True, eq=False)
class Attack:
    """What an attack gives.

    Attributes
    ----------
    pictures : dict of str to numpy.ndarray
        Titles and uint8 images, which the attacker has or makes.
    words : str
        The outcome, in a sentence.
    answer : str
        Why, and what stops the attack.
    shows : dict of str to numpy.ndarray
        The images whose likeness to the target is measured.
    target : numpy.ndarray, optional
        The image that the attacker wants; the plaintext by default.
    table : pandas.DataFrame, optional
        Numbers in the place of those of the likeness.
    """

    pictures: dict[str, np.ndarray]
    words: str
    answer: str
    shows: dict[str, np.ndarray] = field(default_factory=dict)
    target: np.ndarray | None = None
    table: pd.DataFrame | None = None


class AttackPanel(Panel):
    """An attack: first a question, then the attack's controls, and the answer when asked for.

    Parameters
    ----------
    *controls : ipywidgets.Widget
        Those of the attack.
    victim : Victim, optional
        Shared by several attacks, and shown beside them. By default the panel has its own.
    """

    question = ""
    """What to predict, and to try."""

    def __init__(self, *controls: ipywidgets.Widget, victim: Victim | None = None):
        self.victim = Victim() if victim is None else victim
        self.seeds = sources.images(SEEDS)
        self.reveal = toggle("reveal the plaintext", "show the image that was encrypted")
        self.answer = toggle("show answer", "numbers, the reason, and what stops the attack")
        own = () if victim else self.victim.controls
        if victim is None:
            self.victim.panel = self
        super().__init__(*own, *controls, self.reveal, self.answer)

    def start(self) -> None:
        """Show the first result, or wait until somebody opens a panel of several."""
        if self.victim.panel is self:
            self.refresh()

    def attack(self) -> Attack:
        """Carry out what the controls ask for.

        Raises
        ------
        ValueError, OSError
            If it cannot be computed; the message is for the reader.
        """
        raise NotImplementedError

    @property
    def plain(self) -> np.ndarray:
        """The plaintext, uint8 (256, 256, 3)."""
        return self.victim.image.image

    @property
    def generator(self) -> CachedKeys:
        """The victim's network, with keys read as chosen."""
        return CachedKeys(self.victim.network.value, self.victim.output.value)

    def compute(self) -> View:
        """Carry out the attack, and show the requested part of it."""
        attack = self.attack()
        target = self.plain if attack.target is None else attack.target
        revealed = {"what the attacker wants": target} if self.reveal.value else {}
        if not self.answer.value:
            words = f"{self.question} {self.victim.image.words}"
            return View(attack.pictures | revealed, pd.DataFrame(), words.strip())
        table = likeness(target, attack.shows) if attack.table is None else attack.table
        return View(attack.pictures | revealed, table, f"{attack.words} {attack.answer}")
