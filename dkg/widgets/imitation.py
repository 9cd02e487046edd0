"""The panel *Imitation*."""

import ipywidgets
import numpy as np

from dkg import attacks, data, metrics, plots
from dkg.cipher import xor
from dkg.keys import list_weights
from dkg.widgets import sources
from dkg.widgets.panel import Panel, View, choice, likeness, slider
from dkg.widgets.pictures import figure_as_image


class ImitationPanel(Panel):
    """Decrypt with another network's key of the same seed image (sections III-E and IV-D)."""

    def __init__(self) -> None:
        names = list_weights()
        self.victim = choice("victim", names)
        self.attacker = choice("attacker", names, names[-1])
        self.seed_set = choice("seeds from", data.NAMES)
        self.seed = slider("seed image", 0, 0, sources.N_IMAGES - 1)
        self.image_set = choice("hide an image of", data.NAMES, "ultrasound")
        self.image = slider("image", 0, 0, sources.N_IMAGES - 1)
        self.matrix = ipywidgets.Checkbox(
            description="matrix of four networks", tooltip="every pair of them", indent=False
        )
        super().__init__(
            self.victim,
            self.attacker,
            self.seed_set,
            self.seed,
            self.image_set,
            self.image,
            self.matrix,
        )

    def compute(self) -> View:
        """Encrypt with the victim's key, decrypt with the attacker's."""
        plain = sources.image_of(self.image_set.value, self.image.value)
        seed = sources.image_of(self.seed_set.value, self.seed.value)
        key, imitated = (sources.key_of(name.value, seed) for name in (self.victim, self.attacker))
        hidden = xor(plain, key)
        decrypted = xor(hidden, imitated)
        pictures = {
            "plaintext": plain,
            "ciphertext": hidden,
            "decrypted by the attacker": decrypted,
            "the same, averaged": attacks.denoise(decrypted),
        }
        candidates = sources.images(self.image_set.value)
        shown = {"attacker's key": decrypted, "no key": hidden, "right key": plain}
        table = likeness(plain, shown)
        for by in ("blocks", "edges"):
            table.loc[f"place among {len(candidates)} candidates, by {by}"] = attacks.rank(
                np.stack(list(shown.values())), candidates, self.image.value, by
            )
        words = (
            f"{metrics.equal_bits(key, imitated):.1f} % of the key bits agree; chance gives 50 %."
        )
        if self.matrix.value:
            names = dict.fromkeys([self.victim.value, self.attacker.value, *list_weights()])
            letters = dict(zip("ABCD", names, strict=False))
            keys = {letter: sources.key_of(name, seed) for letter, name in letters.items()}
            pictures["encrypted with, decrypted with"] = figure_as_image(
                plots.decryption_matrix(attacks.mutual_decryptions(plain, keys))
            )
            words += f" {', '.join(f'{letter} is {name}' for letter, name in letters.items())}."
        return View(pictures, table, words)
