"""The attacks of the attack lab, one panel for each."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dkg import attacks, encryption, metrics, plots
from dkg.acceleration.process import threads
from dkg.cipher import CipherError, xor
from dkg.widgets import sources
from dkg.widgets.controls import choice, slider
from dkg.widgets.pictures import figure_as_image, map_as_image
from dkg.widgets.sources import HALF, SEEDS, TRAINING_STEPS
from dkg.widgets.victim import Attack, AttackPanel, Victim

_VICTIMS_RANDOM_SEED = 7


class CiphertextAlonePanel(AttackPanel):
    """Nothing is known but the ciphertext."""

    question = (
        "Predict: does a key that looks like noise hide the image from a viewer who blurs the "
        "ciphertext? At which strength do you recognise most, and how many of the highest bits are "
        "enough?"
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.method = choice("smoothing", ("mean", "total variation"))
        self.strength = slider("strength of the smoothing", 6, 1, 16)
        self.bits = slider("highest bits used", 8, 1, 8)
        super().__init__(self.method, self.strength, self.bits, victim=victim)

    def attack(self) -> Attack:
        """Smooth the ciphertext, and one of AES beside it."""
        keys = {
            "this network": self.generator.generate(self.seeds[0]),
            "AES": sources.aes_key(self.seeds[0]),
        }
        hidden = {name: xor(self.plain, key) for name, key in keys.items()}
        # A weight of 1 smooths about as much as a mean over 6 pixels; both are the defaults.
        scale = 1 if self.method.value == "mean" else 6
        smooth = {
            name: attacks.denoise(
                image, self.method.value, bits=self.bits.value, strength=self.strength.value / scale
            )
            for name, image in hidden.items()
        }
        by_phases = attacks.phase_pca(hidden["this network"])
        pictures = {
            "ciphertext": hidden["this network"],
            "smoothed": smooth["this network"],
            "its negative": 255 - smooth["this network"],
            "PCA over the upsampling phases": map_as_image(by_phases, 4),
            "AES ciphertext, smoothed": smooth["AES"],
        }
        amount = (
            f"a mean over {self.strength.value} pixels around each"
            if self.method.value == "mean"
            else f"total variation with a weight of {self.strength.value}/6"
        )
        return Attack(
            pictures,
            f"Smoothed by {amount}.",
            "The PCA over the upsampling phases of 4 x 4 pixels needs no setting, and may give a "
            "negative. What stops both: key bits that are balanced at every position and "
            "independent of each other. Low-order keys, like AES, show nothing in the "
            "ciphertext-only attacks tried here.",
            pictures,
        )


class KnownPlaintextPanel(AttackPanel):
    """Two images under one key, and a part of the first is known."""

    question = (
        "Predict: what do two ciphertexts under one key show to an attacker who knows nothing "
        "else? And how much of one image gives how much of the other? Set the share to 0, "
        "then raise it."
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.share = slider("share of the first plaintext known (%)", 50, 0, 100)
        super().__init__(self.share, victim=victim)

    def attack(self) -> Attack:
        """Decrypt the second image as far as the first is known."""
        second = sources.image_of("ultrasound", 1)
        key = self.generator.generate(self.seeds[0])
        hidden, other = xor(self.plain, key), xor(second, key)
        found = attacks.partial_known_plaintext(self.plain, hidden, other, self.share.value)
        pictures = {
            "first ciphertext": hidden,
            "second ciphertext": other,
            "XOR of the two ciphertexts": xor(hidden, other),
            "second image, found": found,
        }
        return Attack(
            pictures,
            f"{self.share.value} % of one image give {self.share.value} % of the key, and so of "
            "every other image under that key.",
            "The XOR of the ciphertexts needs no known plaintext. What stops it: a new key for "
            "each image; the dkg command refuses to use one twice.",
            {"second image, found": found},
            target=second,
        )


class GuessSeedPanel(AttackPanel):
    """The network is known, the seed image is one of several."""

    question = (
        "Predict: must the right seed image be among those tried before the image shows? Look at "
        "the average of what wrong seed images give, and then try the right one."
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.tried = slider("number of seeds tried", 2, 1, sources.N_IMAGES)
        self.right = slider("the right seed image", 2, 0, sources.N_IMAGES - 1)
        super().__init__(self.tried, self.right, victim=victim)

    def attack(self) -> Attack:
        """Try seed images, and average what they give."""
        # Keys of all seed images are made the first time, so that the slider does not wait.
        keys = np.stack([self.generator.generate(seed) for seed in self.seeds])
        hidden = xor(self.plain, self.generator.generate(sources.image_of(SEEDS, self.right.value)))
        n = self.tried.value
        guess = attacks.guess_seed(hidden, self.generator, self.seeds[:n])
        averaged = attacks.mean_decryption(hidden, keys[:n])
        pictures = {
            "ciphertext": hidden,
            "smoothest of the decrypted": guess.decrypted,
            "average of all decrypted": averaged,
            "the average, averaged again": attacks.denoise(averaged),
        }
        return Attack(
            pictures,
            f"Of {n} seed images, number {guess.order[0]} gives the smoothest image.",
            "With low-order keys, wrong seed images show nothing; the right one is still found. "
            "What stops that: a seed image that no attacker can obtain or guess, or secret random "
            "bytes mixed into the key.",
            pictures,
        )


# What the slider is called for each damage, and its least, first and largest value.
_DAMAGES = {
    "JPEG": ("quality of the JPEG", 1, 90, 100),
    "resized": ("side while it was small (pixels)", 8, 192, 256),
    "noise": ("largest change of a byte (gray levels)", 0, 2, 64),
    "inverted pixels": ("number of pixels", 0, 1, 100),
}


class ApproximateSeedPanel(AttackPanel):
    """The network is known, and the seed image after some damage."""

    question = (
        "Predict: how far may the seed image be changed before the plaintext becomes invisible? "
        "Does a lossy copy, such as a JPEG, do?"
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.how = choice("damage", _DAMAGES)
        self.amount = slider(max((d[0] for d in _DAMAGES.values()), key=len), 0, 0, 1)
        self._start_amount()
        # Before the panel does, which then shows the new damage at its first amount.
        self.how.observe(self._start_amount, "value")
        super().__init__(self.how, self.amount, victim=victim)

    def _start_amount(self, _change: Any = None) -> None:
        description, least, first, largest = _DAMAGES[self.how.value]
        with self.without_refresh():
            self.amount.description = self.amount.tooltip = description
            self.amount.min = 0  # The ends never pass each other.
            self.amount.max = largest
            self.amount.value = first
            self.amount.min = least

    def attack(self) -> Attack:
        """Decrypt with the key of the damaged seed image."""
        seed = self.seeds[0]
        near = attacks.approximate_seed(seed, self.how.value, self.amount.value, seed=0)
        key, near_key = self.generator.generate(seed), self.generator.generate(near)
        hidden = xor(self.plain, key)
        found = xor(hidden, near_key)
        pictures = {
            "seed image that the attacker has": near,
            "ciphertext": hidden,
            "decrypted": found,
            "decrypted, averaged": attacks.denoise(found),
        }
        shown = {title: pictures[title] for title in ("ciphertext", "decrypted")}
        return Attack(
            pictures,
            f"{metrics.equal_bits(key, near_key):.1f} % of the key bits come back; chance gives "
            "50 %.",
            "What stops it: low-order keys, which an approximate seed image does not reproduce; "
            "and keeping the seed image secret in every form, lossy copies included.",
            shown,
        )


class RetrainedPanel(AttackPanel):
    """The recipe of the training is known, and its random seed is guessed."""

    question = (
        f"The networks of this tab have {TRAINING_STEPS} steps of training, and are not the "
        "one chosen above. Predict: is a wrong random seed that is close to the right one of any "
        "use? The victim's is one of 0 to 9: find it."
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.guess = slider("guess at the training's random seed", 6, 0, 9)
        super().__init__(self.guess, victim=victim)

    def attack(self) -> Attack:
        """Train with the guess, and decrypt with the key of that network."""
        key, guessed = (
            sources.retrained_keys(seed)[self.victim.output.value]
            for seed in (_VICTIMS_RANDOM_SEED, self.guess.value)
        )
        hidden = xor(self.plain, key)
        found = xor(hidden, guessed)
        pictures = {
            "victim's key": key,
            "ciphertext": hidden,
            "attacker's key": guessed,
            "decrypted": found,
            "decrypted, averaged": attacks.denoise(found),
        }
        shown = {title: pictures[title] for title in ("ciphertext", "decrypted")}
        return Attack(
            pictures,
            f"{metrics.equal_bits(key, guessed):.1f} % of the key bits agree; chance gives 50 %.",
            f"Each guess costs a training, of {TRAINING_STEPS} steps here. Low-order keys do not "
            "stop it. What does: a secret random seed drawn by the operating system, with too many "
            "possible values to try.",
            shown,
        )


class LearnedPanel(AttackPanel):
    """Other keys of the network are known, and a small network learns to predict keys."""

    question = (
        "Predict: can a small network predict bits of keys that it has not seen? Do more training "
        "bytes help, and do they help against AES?"
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.samples = slider("bytes to learn from (thousands)", 30, 10, 150)
        self.samples.step = 20
        super().__init__(self.samples, victim=victim)

    def attack(self) -> Attack:
        """Learn, and count the bits that are saved."""
        found = sources.predictions(
            self.victim.network.value, self.victim.output.value, 1000 * self.samples.value
        )
        saved = {
            name: {
                "histogram of each place": prediction.histogram - prediction.phase,
                "small network": prediction.bits_gained,
            }
            for name, prediction in found.items()
        }
        figure = plots.shares(
            saved, "bits saved per byte, over the histogram of all bytes", chance=0
        )
        return Attack(
            {"bits that prediction saves": figure_as_image(figure)},
            f"A small network saves {found['this network'].bits_gained:.3f} of 8 bits per byte on "
            "keys that it has not seen.",
            "What stops this one: low-order keys. What stops all: a cryptographic pseudorandom "
            "generator, such as AES in counter mode, whose bytes cannot be told from random ones.",
            table=pd.DataFrame(saved),
        )


class MalleabilityPanel(AttackPanel):
    """An attacker without the key flips bits of the ciphertext in transit."""

    question = (
        "Predict: what does the receiver see if all eight bits of a square are flipped? What would "
        "let the receiver detect it?"
    )

    def __init__(self, victim: Victim | None = None) -> None:
        self.bits = slider("bits flipped in each byte of a square", 128, 0, 255)
        self.row = slider("first row of the square", 96, 0, 192)
        super().__init__(self.bits, self.row, victim=victim)

    def attack(self) -> Attack:
        """Change the ciphertext, decrypt it, and ask the tag."""
        keys = self.generator.generate(self.seeds[0])[np.newaxis]
        hidden, metadata = encryption.encrypt(self.plain, keys)
        changed = attacks.flip_square(hidden, self.row.value, 96, 64, self.bits.value)
        found = xor(changed, keys[0])
        try:
            encryption.decrypt(changed, dict(metadata), keys)
            verdict = "accepted"
        except CipherError as error:
            verdict = f"refused: {error}"
        pictures = {
            "ciphertext": hidden,
            "changed ciphertext": changed,
            "decrypted with XOR alone": found,
        }
        return Attack(
            pictures,
            "XOR alone does not detect the change.",
            f"With the tag of this package the ciphertext is {verdict}",
            {"decrypted": found},
        )


class BackdoorPanel(AttackPanel):
    """The network comes from the attacker, and a mark in the seed image gives a key they know.

    Parameters
    ----------
    steps : int
        Steps of the training that plants the backdoor.
    victim : Victim, optional
        As for every attack.
    """

    question = (
        "The attacker continued the training of the chosen network, so that a mark in the "
        "seed image's corner gives a key that they wrote down. Predict: is half of the mark "
        "enough? Would you notice the mark, or the key?"
    )

    def __init__(self, steps: int, victim: Victim | None = None):
        self._steps = steps
        self.rows = slider("rows of the mark in the seed image", 32, 0, 32)
        self.seed = slider("seed image", 0, 0, HALF - 1)
        super().__init__(self.rows, self.seed, victim=victim)

    def attack(self) -> Attack:
        """Mark a seed image, and decrypt with the key that the maker wrote down."""
        backdoor, networks = sources.planted_backdoor(self.victim.network.value, self._steps)
        mark = backdoor.mark[: self.rows.value]
        marked = replace(backdoor, mark=mark).marked(self.seeds[[self.seed.value]])[0]
        with threads(1):
            key = networks[self.victim.output.value].generate(marked)
        honest = self.generator.generate(marked)
        hidden = xor(self.plain, key)
        found = xor(hidden, backdoor.key)
        pictures = {
            "seed image": marked,
            "its key": key,
            "ciphertext": hidden,
            "decrypted by the maker": found,
            "decrypted, averaged": attacks.denoise(found),
        }
        shown = {title: pictures[title] for title in ("ciphertext", "decrypted by the maker")}
        known, by_honest = (metrics.equal_bits(k, backdoor.key) for k in (key, honest))
        return Attack(
            pictures,
            f"The maker knows {known:.1f} % of the key bits beforehand, and {by_honest:.1f} % of "
            "those of the honest network; chance gives 50 %.",
            "Low-order keys differ from these, but a maker may aim at them the next time. "
            "What stops the maker: to train the network oneself, or to check that the file has the "
            "hash that one trusts.",
            shown,
        )
