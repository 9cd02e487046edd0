"""The panels on the scheme itself: keys, encryption, imitation, randomness."""

import base64
import functools
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from ipyevents import Event
from matplotlib.figure import Figure

from dkg import attacks, baselines, cipher, data, encryption, metrics, plots, randomness
from dkg.cipher import KEY_SHAPE, xor
from dkg.keys import KeyGenerator, list_weights
from dkg.widgets import sources
from dkg.widgets.controls import choice, output_choice, seed_controls, slider
from dkg.widgets.images import ImageChoice
from dkg.widgets.panel import CHANCE, Panel, View, band, likeness
from dkg.widgets.pictures import figure_as_image, mark_pixel, spectrum


class KeysPanel(Panel):
    """What becomes of the key when a pixel of the seed image changes."""

    def __init__(self) -> None:
        self.network, self.seed_set, self.seed = seed_controls()
        self.row = slider("row of the pixel", 128, 0, KEY_SHAPE[0] - 1)
        self.column = slider("column of the pixel", 128, 0, KEY_SHAPE[1] - 1)
        self.levels = slider("change by gray levels", -64, -255, 255)
        super().__init__(self.network, self.seed_set, self.seed, self.row, self.column, self.levels)

    def compute(self) -> View:
        """Make the key of the seed image, and that of the changed one."""
        row, column = self.row.value, self.column.value
        seed = sources.image_of(self.seed_set.value, self.seed.value)
        changed = attacks.change_pixel(seed, (row, column), self.levels.value)
        before, after = (sources.key_of(self.network.value, image) for image in (seed, changed))
        pictures = {
            "changed seed image": mark_pixel(changed, row, column),
            "its key": after,
            "changed bytes of the key": np.where(after != before, np.uint8(255), np.uint8(0)),
            "spectrum of the key": spectrum(after),
            "histogram of the key": figure_as_image(plots.histogram_grid({"key": after})),
        }
        table = pd.DataFrame(
            {
                "NPCR (%)": [metrics.npcr(before, after), metrics.ideal_npcr(after.size).mean],
                "UACI (%)": [metrics.uaci(before, after), metrics.ideal_uaci(after.size).mean],
                "entropy (bits)": [metrics.entropy(after), metrics.ideal_entropy(after.size).mean],
            },
            index=["keys before and after the change", "two uniform keys"],
        )
        levels = changed[row, column].astype(int) - seed[row, column]
        words = (
            f"Pixel ({row}, {column}) changed by {', '.join(map(str, levels))} gray levels in red, "
            "green and blue."
        )
        if (levels != self.levels.value).any():
            words += f" You asked for {self.levels.value}, and bytes end at 0 and 255."
        return View(pictures, table, words)

    def picture(self, title: str) -> ipywidgets.HTML:
        """Make the place of a picture; a click on the seed image chooses the pixel."""
        image = super().picture(title)
        if title == "changed seed image":
            # It is kept, or clicks would not be heard any more.
            self._event = Event(source=image, watched_events=["click"])
            self._event.on_dom_event(self._click)
        return image

    def _click(self, event: Mapping[str, Any]) -> None:
        # A narrow page shows the picture smaller.
        row = event["relativeY"] / event["boundingRectHeight"] * KEY_SHAPE[0]
        column = event["relativeX"] / event["boundingRectWidth"] * KEY_SHAPE[1]
        self.choose_pixel(int(row), int(column))

    def choose_pixel(self, row: int, column: int) -> None:
        """Move to another pixel, and show the result once.

        A pixel outside of the image is moved to its border.
        """
        with self.without_refresh():
            # The sliders keep to their range.
            self.row.value, self.column.value = row, column
        self.refresh()


def measures(named: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Measure images and keys for themselves, uint8 (256, 256, 3), by name.

    Returns a row for each measure, a column for each image, and one with the 95 % interval for
    i.i.d. uniform bytes.
    """
    n_pairs = KEY_SHAPE[0] * (KEY_SHAPE[1] - 1) * KEY_SHAPE[2]
    rows = {"entropy (bits)": (metrics.entropy, metrics.ideal_entropy(cipher.KEY_BYTES))}
    for direction in ("horizontal", "vertical", "diagonal"):
        rows[f"correlation of neighbours, {direction}"] = (
            functools.partial(metrics.adjacent_correlation, direction=direction, n_pairs=None),
            metrics.ideal_correlation(n_pairs),
        )
    table: dict[str, dict[str, float | str]] = {
        name: {row: measure(image) for row, (measure, _) in rows.items()}
        for name, image in named.items()
    }
    table[CHANCE] = {row: band(ideal) for row, (_, ideal) in rows.items()}
    return pd.DataFrame(table)


def files_to_download(
    image: np.ndarray, key: np.ndarray, generator: KeyGenerator
) -> dict[str, bytes]:
    """Make the files of an encryption, as the command ``dkg`` reads them.

    From a plaintext, its key, both uint8 (256, 256, 3), and the network that made the key: the
    contents of ``plain.png``, ``key.png``, ``hidden.png`` and ``decrypted.png``.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            name: Path(folder, f"{name}.png") for name in ("plain", "key", "hidden", "decrypted")
        }
        encryption.write_samples(paths["plain"], image)
        encryption.write_key(
            paths["key"],
            key[None],
            weights_sha256=generator.sha256,
            weights_public=generator.public,
        )
        encryption.encrypt_file(paths["plain"], paths["key"], paths["hidden"])
        encryption.decrypt_file(paths["hidden"], paths["key"], paths["decrypted"])
        return {path.name: path.read_bytes() for path in paths.values()}


class CipherPanel(Panel):
    """Encrypt and decrypt an image of a set or of one's own."""

    def __init__(self) -> None:
        self.network, self.seed_set, self.seed = seed_controls()
        self.output = output_choice()
        self.image = ImageChoice("hide an image of", self.refresh, self.show_error)
        self.files = ipywidgets.Button(description="make files", layout={"width": "auto"})
        self._links = ipywidgets.HTML()
        self.files.on_click(self._make_files)
        super().__init__(
            self.network,
            self.seed_set,
            self.seed,
            self.output,
            *self.image.controls,
            self.files,
            self._links,
        )

    def compute(self) -> View:
        """Encrypt and decrypt the image."""
        plain = self.image.image
        seed = sources.image_of(self.seed_set.value, self.seed.value)
        key = sources.key_of(self.network.value, seed, self.output.value)
        self._links.value = ""  # The files were those of another image or key.
        hidden = xor(plain, key)
        decrypted = xor(hidden, key)
        pictures = {
            "plaintext": plain,
            "key": key,
            "ciphertext": hidden,
            "decrypted": decrypted,
            "ciphertext, averaged": attacks.denoise(hidden),
        }
        shows = likeness(plain, {"ciphertext": hidden})
        table = pd.concat(
            [
                measures({"plaintext": plain, "key": key, "ciphertext": hidden}),
                shows.rename(index="{} with the plaintext".format),
            ]
        )
        same = "All" if np.array_equal(decrypted, plain) else "Not all"
        words = f"{same} bytes come back after decryption. {self.image.words}"
        return View(pictures, table, words.strip())

    def _make_files(self, _button: Any) -> None:
        # Only on demand, so that a saved notebook does not hold a key by accident.
        shown = self.view.pictures
        files = files_to_download(
            shown["plaintext"],
            shown["key"],
            sources.network(self.network.value, self.output.value),
        )
        self._links.value = " ".join(
            f'<a style="text-decoration: underline" download="{name}" href="data:image/png;base64,'
            f'{base64.b64encode(content).decode()}">{name}</a>'
            for name, content in files.items()
        )


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
            places = attacks.rank(np.stack(list(shown.values())), candidates, self.image.value, by)
            row = f"place among {len(candidates)} candidates, by {by}"
            table.loc[row] = [*places, f"1 to {len(candidates)}"]
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


def key_generators(key: np.ndarray) -> dict[str, np.ndarray]:
    """Put a key beside AES-256 in counter mode and the Mersenne Twister, both freshly keyed.

    Returns three sequences of as many bytes as the key has: 196,608 for uint8 (256, 256, 3).
    """
    twister = np.frombuffer(secrets.token_bytes(32), "<u4")
    return {
        "this key": key.ravel(),
        "AES-256-CTR": baselines.aes_256_ctr(secrets.token_bytes(32), key.size),
        "Mersenne Twister": baselines.mersenne_twister(twister, key.size),
    }


def suite_heatmap(sequences: Mapping[str, np.ndarray]) -> tuple[Figure, dict[str, int]]:
    """Run the fifteen tests of SP 800-22 on several sequences, uint8, of one length, by name.

    Returns `dkg.plots.p_value_heatmap` with the names of the sequences and, for each sequence, the
    number of P-values below 0.01, of those that were computed.
    """
    battery = randomness.run_battery(list(sequences.values()), progress=False)
    figure = plots.p_value_heatmap(battery)
    ax = figure.axes[0]
    ax.set_xticks(range(len(sequences)), list(sequences))
    ax.set_xlabel("")
    # A share over different generators says nothing.
    ax.set_title("", loc="right")
    for beside in ax.child_axes:
        beside.set_visible(False)
    failed = (battery.p_values < battery.alpha).sum(axis=1)
    return figure, dict(zip(sequences, (int(n) for n in failed), strict=True))


class RandomnessPanel(Panel):
    """The fifteen tests of SP 800-22 on a key, beside two other generators."""

    def __init__(self) -> None:
        self.network, self.seed_set, self.seed = seed_controls()
        super().__init__(self.network, self.seed_set, self.seed)

    def compute(self) -> View:
        """Run the suite."""
        seed = sources.image_of(self.seed_set.value, self.seed.value)
        key = sources.key_of(self.network.value, seed)
        self._figure, failed = suite_heatmap(key_generators(key))
        return View(
            {"P-values of the fifteen tests": figure_as_image(self._figure)},
            pd.DataFrame({"P-values below 0.01": failed}),
            "One P-value in a hundred of a perfect generator is below 0.01.",
        )

    def static_figure(self) -> Figure:
        """Return the heat map: a row for each test, a column for each generator."""
        return self._figure
