"""The attack lab's panels (ipywidgets 8), and the functions that they call.

The functions come first; they know nothing of widgets. A panel only reads its controls, calls
functions of this package, and shows what they return. Slow results are kept for the next change.
"""

import base64
import functools
import html
import io
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from ipyevents import Event
from matplotlib.figure import Figure
from PIL import Image

from dkg import attacks, baselines, cipher, data, metrics, plots, randomness
from dkg.cipher import CipherError, xor
from dkg.keys import KeyGenerator, list_weights

N_IMAGES = 8
"""How many images of a set can be chosen from."""

STUDY_ONLY = (
    "This network comes with the package: everybody has it, so its keys are for study only."
)

# The server's connection to the browser breaks off at 10 MiB.
_LARGEST_UPLOAD = 9 * 2**20

_SIDE = 256
_PICTURE_FORMATS = ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.nii,.gz"


@functools.cache
def network(name: str) -> KeyGenerator:
    """Load a shipped network, once.

    Parameters
    ----------
    name : str
        One of `dkg.keys.list_weights`.

    Returns
    -------
    KeyGenerator
        The network.
    """
    return KeyGenerator.load(name)


@functools.cache
def images(name: str) -> np.ndarray:
    """Load the first images of a set, once.

    Parameters
    ----------
    name : str
        One of `dkg.data.NAMES`.

    Returns
    -------
    numpy.ndarray
        uint8 (n, 256, 256, 3), at most `N_IMAGES` of them.
    """
    return data.load(name, n=N_IMAGES).images


def image_of(name: str, number: int) -> np.ndarray:
    """Return an image of a set.

    Parameters
    ----------
    name : str
        One of `dkg.data.NAMES`.
    number : int
        Which one, from 0.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3).

    Raises
    ------
    ValueError
        If the set has fewer images.
    """
    stack = images(name)
    if not 0 <= number < len(stack):
        raise ValueError(f"image {number}: the set {name} has images 0 to {len(stack) - 1}")
    return stack[number]


@functools.lru_cache(maxsize=128)
def _key(name: str, seed_bytes: bytes) -> np.ndarray:
    seed = np.frombuffer(seed_bytes, np.uint8).reshape(cipher.KEY_SHAPE).copy()
    key = network(name).generate(seed)
    key.setflags(write=False)
    return key


def key_of(name: str, seed_image: np.ndarray) -> np.ndarray:
    """Make a key, or return it if the same was made before.

    Parameters
    ----------
    name : str
        One of `dkg.keys.list_weights`.
    seed_image : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3), read-only.

    Raises
    ------
    ValueError
        If the seed image has another type or shape.
    """
    if seed_image.dtype != np.uint8 or seed_image.shape != cipher.KEY_SHAPE:
        raise ValueError(
            f"a seed image must be uint8 of shape {cipher.KEY_SHAPE}, "
            f"not {seed_image.dtype} of shape {seed_image.shape}"
        )
    return _key(name, seed_image.tobytes())


@dataclass(frozen=True)
class _Remembering:
    """A network whose keys are kept, for attacks that ask for the same keys again."""

    name: str

    def generate(self, seed_image: np.ndarray) -> np.ndarray:
        return key_of(self.name, seed_image)


def read_upload(name: str, content: bytes) -> np.ndarray:
    """Read an uploaded file as `dkg.data.read_image` reads files.

    Parameters
    ----------
    name : str
        Name of the file, for messages and, for DICOM files without a preamble, its suffix.
    content : bytes-like
        What is in it.

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3).

    Raises
    ------
    ValueError
        If it is no image, too large, or cannot be read; the message names the file.
    """
    name = Path(name.replace("\\", "/")).name or "upload"
    if len(content) > _LARGEST_UPLOAD:
        raise ValueError(
            f"{name}: has {len(content) / 2**20:.0f} MiB, more than the "
            f"{_LARGEST_UPLOAD // 2**20} MiB that can be uploaded"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload" + "".join(Path(name).suffixes[-2:]))
        path.write_bytes(content)
        try:
            return data.read_image(path)
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(path), name)) from error


def change_pixel(image: np.ndarray, row: int, column: int, levels: int) -> np.ndarray:
    """Change one pixel of an image in all its channels.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, 3).
    row, column : int
        The pixel.
    levels : int
        Added to each channel; a sum below 0 becomes 0, one above 255 becomes 255.

    Returns
    -------
    numpy.ndarray
        A changed copy.

    Raises
    ------
    ValueError
        If the pixel does not lie in the image.
    """
    height, width = image.shape[:2]
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(f"pixel ({row}, {column}) is not in an image of {height} x {width} pixels")
    changed = image.copy()
    changed[row, column] = np.clip(image[row, column].astype(int) + levels, 0, 255)
    return changed


def mark_pixel(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Draw a frame around a pixel, to show where it is.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width, 3).
    row, column : int
        The pixel; it keeps its value.

    Returns
    -------
    numpy.ndarray
        A copy with an orange square of 11 x 11 pixels, cut off at the image's border.
    """
    marked = image.copy()
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.maximum(abs(rows - row), abs(columns - column))
    marked[(distance == 5) | (distance == 4)] = (230, 159, 0)
    return marked


def spectrum(key: np.ndarray) -> np.ndarray:
    """Return the spectrum of a key as a picture; that of ideal bytes is even noise.

    Parameters
    ----------
    key : numpy.ndarray
        uint8 (height, width, 3), not constant in a channel.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width): `dkg.attacks.power_spectrum` on a logarithmic scale, black at a
        hundredth of what white noise has on average, white at a hundred times it.

    Raises
    ------
    ValueError
        If the key is not as described.
    """
    power = attacks.power_spectrum(key[np.newaxis])
    return np.uint8(np.rint(255 * (np.log10(np.clip(power, 1e-2, 1e2)) + 2) / 4))


def figure_as_image(figure: Figure) -> np.ndarray:
    """Draw a figure into an array.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), 100 pixels to the inch.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return np.asarray(Image.open(buffer).convert("RGB"))


def png(image: np.ndarray) -> bytes:
    """Return an image as the bytes of a PNG file.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (height, width) or (height, width, 3).

    Returns
    -------
    bytes
        The file.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def equal_bits(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of bits that two keys have in common, in percent; 50 by chance.

    Parameters
    ----------
    a, b : numpy.ndarray
        uint8, of the same shape.

    Returns
    -------
    float
        0 to 100.
    """
    return 100 * (1 - float(np.bitwise_count(a ^ b).mean()) / 8)


def use_known_part(
    known_plain: np.ndarray, known_cipher: np.ndarray, other_cipher: np.ndarray, share: float
) -> np.ndarray:
    """Decrypt with the part of a key that a known part of another plaintext gives.

    Parameters
    ----------
    known_plain, known_cipher : numpy.ndarray
        uint8 (height, width, 3): a plaintext, and its ciphertext under the key.
    other_cipher : numpy.ndarray
        uint8 (height, width, 3): another ciphertext under the same key.
    share : float
        How much of the plaintext is known, in percent, from the top row on.

    Returns
    -------
    numpy.ndarray
        The other image, uint8: decrypted in those rows, and encrypted below.
    """
    rows = round(len(known_plain) * share / 100)
    key = xor(known_plain[:rows], known_cipher[:rows])
    return np.concatenate([xor(other_cipher[:rows], key), other_cipher[rows:]])


def flip_region(ciphertext: np.ndarray, top: int, side: int, bits: int) -> np.ndarray:
    """Flip bits of a square in the middle columns of a ciphertext, without the key.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    top : int
        First row of the square.
    side : int
        Its side in pixels.
    bits : int
        The bits to flip in each byte, 0 to 255.

    Returns
    -------
    numpy.ndarray
        A changed copy.
    """
    left = (ciphertext.shape[1] - side) // 2
    changed = ciphertext.copy()
    changed[top : top + side, left : left + side] ^= np.uint8(bits)
    return changed


def verdict_of_tag(ciphertext: np.ndarray, metadata: Mapping[str, Any], keys: np.ndarray) -> str:
    """Say what `dkg.cipher.decrypt` answers to a ciphertext.

    Parameters
    ----------
    ciphertext, metadata, keys
        As for `dkg.cipher.decrypt`.

    Returns
    -------
    str
        That it is accepted, or the reason of the refusal.
    """
    try:
        cipher.decrypt(ciphertext, dict(metadata), keys)
    except CipherError as error:
        return f"refused: {error}"
    return "accepted"


def files_to_download(
    image: np.ndarray, key: np.ndarray, generator: KeyGenerator
) -> dict[str, bytes]:
    """Make the files of an encryption, as the command ``dkg`` reads them.

    Parameters
    ----------
    image, key : numpy.ndarray
        uint8 (256, 256, 3), plaintext and key.
    generator : KeyGenerator
        The network that made the key.

    Returns
    -------
    dict of str to bytes
        ``plain.png``, ``key.png``, ``hidden.png`` and ``decrypted.png``.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, f"{name}.png") for name in _FILES}
        cipher.write_samples(paths["plain"], image)
        cipher.write_key(
            paths["key"],
            key[None],
            weights_sha256=generator.sha256,
            weights_public=generator.public,
        )
        cipher.encrypt_file(paths["plain"], paths["key"], paths["hidden"])
        cipher.decrypt_file(paths["hidden"], paths["key"], paths["decrypted"])
        return {path.name: path.read_bytes() for path in paths.values()}


_FILES = ("plain", "key", "hidden", "decrypted")


def place(shown: np.ndarray, candidates: np.ndarray, right: int, by: str) -> np.ndarray:
    """Return the place that a matcher gives to the right one of several candidates.

    Parameters
    ----------
    shown, candidates, by
        As for `dkg.attacks.match`.
    right : int
        Number of the right candidate.

    Returns
    -------
    numpy.ndarray
        For each image, from 1; among equals the last place.
    """
    scores = attacks.match(shown, candidates, by)
    return (scores >= scores[:, [right]]).sum(axis=1)


def decryptions(
    plain: np.ndarray, keys: Mapping[str, np.ndarray]
) -> dict[tuple[str, str], np.ndarray]:
    """Encrypt an image with every key, and decrypt each ciphertext with every key.

    Parameters
    ----------
    plain : numpy.ndarray
        uint8 (height, width, 3).
    keys : mapping of str to numpy.ndarray
        uint8 keys of the same shape, by name.

    Returns
    -------
    dict of tuple of two str to numpy.ndarray
        For the names of the keys of encryption and decryption, the decrypted image.
    """
    return {
        (first, second): xor(xor(plain, keys[first]), keys[second])
        for first in keys
        for second in keys
    }


def measures(named: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Measure images and keys for themselves.

    Parameters
    ----------
    named : mapping of str to numpy.ndarray
        uint8 (256, 256, 3), by name.

    Returns
    -------
    pandas.DataFrame
        A row for each measure, a column for each image, and one for ideal bytes.
    """
    rows = {"entropy (bits)": (metrics.entropy, metrics.ideal_entropy(cipher.KEY_BYTES).mean)}
    for direction in ("horizontal", "vertical", "diagonal"):
        rows[f"correlation of neighbours, {direction}"] = (
            functools.partial(metrics.adjacent_correlation, direction=direction, n_pairs=None),
            0.0,
        )
    table = {
        name: {row: measure(image) for row, (measure, _) in rows.items()}
        for name, image in named.items()
    }
    table["ideal bytes"] = {row: ideal for row, (_, ideal) in rows.items()}
    return pd.DataFrame(table)


def likeness(plain: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Measure how much of a plaintext an image shows.

    Parameters
    ----------
    plain, other : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    dict of str to float
        SSIM, and the correlation of the means of 16 x 16 pixels, which sees what an eye sees that
        blurs; its sign is negative where a negative shows.
    """
    return {
        "SSIM": metrics.ssim(plain, other),
        "correlation of the means of 16 x 16 pixels": metrics.block_correlation(plain, other),
    }


def key_generators(key: np.ndarray) -> dict[str, np.ndarray]:
    """Put a key beside AES-256 in counter mode and the Mersenne Twister, both freshly keyed.

    Parameters
    ----------
    key : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    dict of str to numpy.ndarray
        Three sequences of 196,608 bytes.
    """
    twister = np.frombuffer(secrets.token_bytes(32), "<u4")
    return {
        "this key": key.ravel(),
        "AES-256-CTR": baselines.aes_256_ctr(secrets.token_bytes(32), key.size),
        "Mersenne Twister": baselines.mersenne_twister(twister, key.size),
    }


def suite_heatmap(sequences: Mapping[str, np.ndarray]) -> tuple[Figure, dict[str, int]]:
    """Run the fifteen tests of SP 800-22 on several sequences.

    Parameters
    ----------
    sequences : mapping of str to numpy.ndarray
        uint8, of one length, by name.

    Returns
    -------
    figure : matplotlib.figure.Figure
        `dkg.plots.p_value_heatmap` with the names of the sequences.
    failed : dict of str to int
        For each sequence, the number of P-values below 0.01, of those that were computed.
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


@dataclass(frozen=True, eq=False)
class View:
    """What a panel shows.

    Attributes
    ----------
    pictures : dict of str to numpy.ndarray
        Titles and uint8 images.
    table : pandas.DataFrame
        Numbers below them.
    words : str
        A plain sentence.
    """

    pictures: dict[str, np.ndarray]
    table: pd.DataFrame
    words: str = ""


class Panel(ipywidgets.VBox):
    """Controls, a message, pictures and a table; each subclass says what they show.

    A change of a control shows the new result. What cannot be computed gives a sentence in the
    panel, and what was shown before stays.

    Attributes
    ----------
    view : View
        What is shown.
    message : ipywidgets.HTML
        The sentence: the result, what is wrong, or that the panel computes.
    """

    def __init__(self, *controls: ipywidgets.Widget):
        self.view = View({}, pd.DataFrame())
        self.message = ipywidgets.HTML()
        self._table = ipywidgets.HTML()
        self._images: dict[str, ipywidgets.HTML] = {}
        self._pictures = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        super().__init__(
            [
                ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
                self.message,
                self._pictures,
                self._table,
                ipywidgets.HTML(f"<small>{STUDY_ONLY}</small>"),
            ]
        )
        self.add_class(type(self).__name__)  # By it a page finds the panel.
        for control in controls:
            if isinstance(
                control, ipywidgets.Dropdown | ipywidgets.IntSlider | ipywidgets.Checkbox
            ):
                control.observe(self.refresh, "value")
        self.refresh()

    def compute(self) -> View:
        """Return what the controls ask for.

        Returns
        -------
        View
            The new content.

        Raises
        ------
        ValueError, OSError
            If it cannot be computed; the message is for the reader.
        """
        raise NotImplementedError

    def refresh(self, _change: Any = None) -> None:
        """Show what the controls ask for."""
        self.say("Computing ...")
        try:
            self.view = self.compute()
        except (ValueError, OSError) as error:
            self.complain(error)
            return
        if list(self._images) != list(self.view.pictures):
            self._images = {title: self.picture(title) for title in self.view.pictures}
            self._pictures.children = [
                ipywidgets.VBox([ipywidgets.Label(title), image])
                for title, image in self._images.items()
            ]
        for title, image in self.view.pictures.items():
            # ipywidgets.Image has no text for who cannot see it.
            content = base64.b64encode(png(image)).decode()
            self._images[title].value = (
                f'<img alt="{html.escape(title)}" src="data:image/png;base64,{content}" '
                'style="display: block; max-width: none" draggable="false">'
            )
        table = self.view.table.to_html(border=0, na_rep="", float_format="{:.3f}".format)
        self._table.value = f'<div style="text-align: right; width: max-content">{table}</div>'
        self.say(self.view.words)

    def picture(self, title: str) -> ipywidgets.HTML:
        """Make the place of a picture."""
        return ipywidgets.HTML(layout={"margin": "0 8px 8px 0"})

    def say(self, words: str) -> None:
        """Show a sentence."""
        self.message.value = f'<div role="status">{html.escape(words)}</div>'

    def complain(self, error: Exception) -> None:
        """Say what is wrong, also to a screen reader."""
        self.message.value = (
            '<div role="alert" style="color: #b00020"><b>That did not work.</b> '
            f"{html.escape(str(error))}</div>"
        )

    def still(self) -> Figure:
        """Return the pictures as a figure, for a page without a running kernel.

        Returns
        -------
        matplotlib.figure.Figure
            The pictures under their titles.
        """
        return plots.image_grid(self.view.pictures, columns=4)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return _with_still(super()._repr_mimebundle_(**kwargs), self.still())


def _with_still(bundle: dict[str, Any], figure: Figure) -> dict[str, Any]:
    """Add a picture for pages that cannot show a widget."""
    content = base64.b64encode(png(figure_as_image(figure))).decode()
    return bundle | {"image/png": content}


def _slider(description: str, value: int, low: int, high: int, **options: Any):
    # A slider that computes at every step of a drag would leave a queue behind.
    return ipywidgets.IntSlider(
        value,
        low,
        high,
        description=description,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": "330px"},
        **options,
    )


def _choice(description: str, options: Any, value: str | None = None) -> ipywidgets.Dropdown:
    options = list(options)
    return ipywidgets.Dropdown(
        options=options,
        value=options[0] if value is None else value,
        description=description,
        style={"description_width": "initial"},
    )


def _seed_controls() -> tuple[ipywidgets.Dropdown, ipywidgets.Dropdown, ipywidgets.IntSlider]:
    return (
        _choice("network", list_weights()),
        _choice("seeds from", data.NAMES),
        _slider("seed image", 0, 0, N_IMAGES - 1),
    )


def _pick(choice: ipywidgets.Dropdown, number: ipywidgets.IntSlider) -> np.ndarray:
    return image_of(choice.value, number.value)


class KeysPanel(Panel):
    """What becomes of the key when a pixel of the seed image changes."""

    def __init__(self):
        self.network, self.seed_set, self.seed = _seed_controls()
        self.row = _slider("row of the pixel", 128, 0, _SIDE - 1)
        self.column = _slider("column of the pixel", 128, 0, _SIDE - 1)
        self.levels = _slider("change by gray levels", -64, -255, 255)
        self._setting = False
        super().__init__(self.network, self.seed_set, self.seed, self.row, self.column, self.levels)

    def compute(self) -> View:
        """Make the key of the seed image, and that of the changed one."""
        row, column = self.row.value, self.column.value
        seed = _pick(self.seed_set, self.seed)
        changed = change_pixel(seed, row, column, self.levels.value)
        before, after = key_of(self.network.value, seed), key_of(self.network.value, changed)
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
            index=["keys before and after the change", "two ideal keys"],
        )
        levels = changed[row, column].astype(int) - seed[row, column]
        return View(
            pictures,
            table,
            f"Pixel ({row}, {column}) changed by {', '.join(map(str, levels))} gray levels in red, "
            "green and blue.",
        )

    def picture(self, title: str) -> ipywidgets.HTML:
        """Make the place of a picture; a click on the seed image chooses the pixel."""
        image = super().picture(title)
        if title == "changed seed image":
            # It is kept, or clicks would not be heard any more.
            self._event = Event(source=image, watched_events=["click"])
            self._event.on_dom_event(self._click)
        return image

    def _click(self, event: Mapping[str, Any]) -> None:
        self.choose_pixel(int(event["relativeY"]), int(event["relativeX"]))

    def choose_pixel(self, row: int, column: int) -> None:
        """Move to another pixel, and show the result once.

        Parameters
        ----------
        row, column : int
            The pixel; what lies outside of the image is moved to its border.
        """
        self._setting = True
        # The sliders keep to their range.
        self.row.value, self.column.value = row, column
        self._setting = False
        self.refresh()

    def refresh(self, _change: Any = None) -> None:
        """Show what the controls ask for, unless a click is still setting them."""
        if not self._setting:
            super().refresh()


class CipherPanel(Panel):
    """Encrypt and decrypt an image of a set or of one's own."""

    def __init__(self):
        self.network, self.seed_set, self.seed = _seed_controls()
        self.image_set = _choice("hide an image of", data.NAMES, "ultrasound")
        self.image = _slider("image", 0, 0, N_IMAGES - 1)
        self.upload = ipywidgets.FileUpload(
            accept=_PICTURE_FORMATS,
            description="or upload one",
            tooltip="PNG, JPEG, TIFF, NIfTI or DICOM, up to 9 MiB; it is resized to 256 x 256",
        )
        self.files = ipywidgets.Button(description="make files")
        self._links = ipywidgets.HTML()
        self._uploaded = None
        self.upload.observe(self._read, "value")
        self.files.on_click(self._make_files)
        for control in (self.image_set, self.image):
            control.observe(self._drop_upload, "value")
        super().__init__(
            self.network,
            self.seed_set,
            self.seed,
            self.image_set,
            self.image,
            self.upload,
            self.files,
            self._links,
        )

    def compute(self) -> View:
        """Encrypt and decrypt the image."""
        name, plain = self._uploaded or ("", _pick(self.image_set, self.image))
        key = key_of(self.network.value, _pick(self.seed_set, self.seed))
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
        table = measures({"plaintext": plain, "key": key, "ciphertext": hidden})
        for measure, value in likeness(plain, hidden).items():
            table.loc[f"{measure} with the plaintext", "ciphertext"] = value
        same = "all" if np.array_equal(decrypted, plain) else "not all"
        words = f"{same} bytes come back after decryption.".capitalize()
        return View(pictures, table, f"{name}: {words}" if name else words)

    def _drop_upload(self, _change: Any) -> None:
        self._uploaded = None

    def _read(self, _change: Any) -> None:
        if not self.upload.value:
            return
        file = self.upload.value[0]
        try:
            self._uploaded = file["name"], read_upload(file["name"], bytes(file["content"]))
        except ValueError as error:
            self.complain(error)
            return
        self.refresh()

    def _make_files(self, _button: Any) -> None:
        # Only on demand, so that a saved notebook does not hold a key by accident.
        shown = self.view.pictures
        files = files_to_download(shown["plaintext"], shown["key"], network(self.network.value))
        self._links.value = " ".join(
            f'<a style="text-decoration: underline" download="{name}" href="data:image/png;base64,'
            f'{base64.b64encode(content).decode()}">{name}</a>'
            for name, content in files.items()
        )


class ImitationPanel(Panel):
    """Decrypt with another network's key of the same seed image (sections III-E and IV-D)."""

    def __init__(self):
        names = list_weights()
        self.victim = _choice("victim", names)
        self.attacker = _choice("attacker", names, names[-1])
        self.seed_set = _choice("seeds from", data.NAMES)
        self.seed = _slider("seed image", 0, 0, N_IMAGES - 1)
        self.image_set = _choice("hide an image of", data.NAMES, "ultrasound")
        self.image = _slider("image", 0, 0, N_IMAGES - 1)
        self.matrix = ipywidgets.Checkbox(description="matrix of four networks", indent=False)
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
        plain, seed = _pick(self.image_set, self.image), _pick(self.seed_set, self.seed)
        key, imitated = (key_of(name.value, seed) for name in (self.victim, self.attacker))
        hidden = xor(plain, key)
        decrypted = xor(hidden, imitated)
        pictures = {
            "plaintext": plain,
            "ciphertext": hidden,
            "decrypted by the attacker": decrypted,
            "the same, averaged": attacks.denoise(decrypted),
        }
        candidates = images(self.image_set.value)
        shown = {"attacker's key": decrypted, "no key": hidden, "right key": plain}
        table = pd.DataFrame({name: likeness(plain, image) for name, image in shown.items()})
        for by in ("blocks", "edges"):
            table.loc[f"place among {len(candidates)} candidates, by {by}"] = place(
                np.stack(list(shown.values())), candidates, self.image.value, by
            )
        words = f"{equal_bits(key, imitated):.1f} % of the key bits agree; chance gives 50 %."
        if self.matrix.value:
            names = dict.fromkeys([self.victim.value, self.attacker.value, *list_weights()])
            letters = dict(zip("ABCD", names, strict=False))
            keys = {letter: key_of(name, seed) for letter, name in letters.items()}
            pictures["encrypted with, decrypted with"] = figure_as_image(
                plots.decryption_matrix(decryptions(plain, keys))
            )
            words += f" {', '.join(f'{letter} is {name}' for letter, name in letters.items())}."
        return View(pictures, table, words)


class KnownPlaintextPanel(Panel):
    """Two images under one key, and a part of the first is known."""

    def __init__(self):
        self.share = _slider("share of the first plaintext known (%)", 50, 0, 100)
        self.share.layout.width = "460px"
        super().__init__(self.share)

    def compute(self) -> View:
        """Decrypt the second image as far as the first is known."""
        first, second = images("ultrasound")[:2]
        key = key_of(list_weights()[0], images("montgomery")[0])
        hidden, other = xor(first, key), xor(second, key)
        found = use_known_part(first, hidden, other, self.share.value)
        pictures = {
            "first ciphertext": hidden,
            "second ciphertext": other,
            "XOR of the two ciphertexts": xor(hidden, other),
            "second image, found": found,
        }
        return View(
            pictures,
            pd.DataFrame({"second image, found": likeness(second, found)}),
            f"{self.share.value} % of one image give {self.share.value} % of the key, and so of "
            "every other image under it. The XOR of the ciphertexts needs no known part. What "
            "stops it: a key for each image; the dkg command refuses to use one twice.",
        )


class GuessSeedPanel(Panel):
    """The network is known, the seed image is one of several."""

    def __init__(self):
        self.tried = _slider("number of seeds tried", 2, 1, N_IMAGES)
        self.right = _slider("the right seed image", 2, 0, N_IMAGES - 1)
        super().__init__(self.tried, self.right)

    def compute(self) -> View:
        """Try seed images, and average what they give."""
        plain, seeds = images("ultrasound")[0], images("montgomery")
        right = image_of("montgomery", self.right.value)
        name = list_weights()[0]
        hidden = xor(plain, key_of(name, right))
        tried = seeds[: self.tried.value]
        guess = attacks.guess_seed(hidden, _Remembering(name), tried)
        averaged = attacks.mean_decryption(hidden, np.stack([key_of(name, seed) for seed in tried]))
        pictures = {
            "ciphertext": hidden,
            "smoothest of the decrypted": guess.decrypted,
            "average of all decrypted": averaged,
            "the average, averaged again": attacks.denoise(averaged),
        }
        shown = {name: pictures[name] for name in list(pictures)[:3]}
        return View(
            pictures,
            pd.DataFrame({name: likeness(plain, image) for name, image in shown.items()}),
            f"Of {len(tried)} seed images, number {guess.order[0]} gives the smoothest image. "
            "What stops it: seed images that nobody else can have.",
        )


class ApproximateSeedPanel(Panel):
    """The network is known, and the seed image after JPEG compression."""

    def __init__(self):
        self.quality = _slider("JPEG quality of the seed", 90, 1, 100)
        super().__init__(self.quality)

    def compute(self) -> View:
        """Decrypt with the key of the compressed seed image."""
        plain, seed = images("ultrasound")[0], images("montgomery")[0]
        name = list_weights()[0]
        compressed = attacks.approximate_seed(seed, "JPEG", self.quality.value)
        key, near = key_of(name, seed), key_of(name, compressed)
        hidden = xor(plain, key)
        found = xor(hidden, near)
        pictures = {
            "seed image that the attacker has": compressed,
            "ciphertext": hidden,
            "decrypted": found,
            "decrypted, averaged": attacks.denoise(found),
        }
        shown = {"ciphertext": hidden, "decrypted": found}
        return View(
            pictures,
            pd.DataFrame({name: likeness(plain, image) for name, image in shown.items()}),
            f"{equal_bits(key, near):.1f} % of the key bits come back; chance gives 50 %. "
            "What stops it: not to hand out the seed image in any form.",
        )


class AveragingPanel(Panel):
    """Nothing is known but the ciphertext."""

    def __init__(self):
        self.radius = _slider("radius of the average (pixels)", 6, 1, 16)
        self.bits = _slider("highest bits used", 8, 1, 8)
        super().__init__(self.radius, self.bits)

    def compute(self) -> View:
        """Average the ciphertext, and one of AES beside it."""
        plain, seed = images("ultrasound")[0], images("montgomery")[0]
        hidden = xor(plain, key_of(list_weights()[0], seed))
        by_aes = xor(
            plain, baselines.GENERATORS["AES-256-CTR"](seed, plain.size).reshape(plain.shape)
        )
        settings = {"bits": self.bits.value, "strength": float(self.radius.value)}
        pictures = {
            "ciphertext": hidden,
            "averaged": attacks.denoise(hidden, **settings),
            "its negative": 255 - attacks.denoise(hidden, **settings),
            "AES ciphertext, averaged": attacks.denoise(by_aes, **settings),
        }
        shown = {"ciphertext": hidden, "AES ciphertext": by_aes}
        return View(
            pictures,
            pd.DataFrame({name: likeness(plain, image) for name, image in shown.items()}),
            "What stops it: a key whose bits are 0 and 1 equally often, such as that of AES.",
        )


class MalleabilityPanel(Panel):
    """The ciphertext is changed on its way, by somebody without the key."""

    def __init__(self):
        self.bits = _slider("bits flipped in each byte of a square", 128, 0, 255)
        self.bits.layout.width = "460px"
        self.top = _slider("first row of the square", 96, 0, 192)
        super().__init__(self.bits, self.top)

    def compute(self) -> View:
        """Change the ciphertext, decrypt it, and ask the tag."""
        plain = images("ultrasound")[0]
        keys = key_of(list_weights()[0], images("montgomery")[0])[None]
        hidden, metadata = cipher.encrypt(plain, keys)
        changed = flip_region(hidden, self.top.value, 64, self.bits.value)
        found = xor(changed, keys[0])
        pictures = {
            "plaintext": plain,
            "ciphertext": hidden,
            "changed ciphertext": changed,
            "decrypted with XOR alone": found,
        }
        return View(
            pictures,
            pd.DataFrame({"decrypted": likeness(plain, found)}),
            "XOR notices nothing. With the tag of this package the ciphertext is "
            f"{verdict_of_tag(changed, metadata, keys)}",
        )


class BreakItPanel(ipywidgets.Tab):
    """One tab for each attack.

    Attributes
    ----------
    panels : dict of str to Panel
        The attacks by their titles.
    """

    def __init__(self):
        self.panels = {
            "Ciphertext alone": AveragingPanel(),
            "Key used twice": KnownPlaintextPanel(),
            "Unknown seed": GuessSeedPanel(),
            "Approximate seed": ApproximateSeedPanel(),
            "Changed on its way": MalleabilityPanel(),
        }
        super().__init__(list(self.panels.values()), titles=list(self.panels))

    def still(self) -> Figure:
        """Return the pictures of all attacks as a figure.

        Returns
        -------
        matplotlib.figure.Figure
            A row for each attack.
        """
        pictures = {
            f"{attack}:\n{title}": image
            for attack, panel in self.panels.items()
            for title, image in panel.view.pictures.items()
        }
        return plots.image_grid(pictures, columns=4)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return _with_still(super()._repr_mimebundle_(**kwargs), self.still())


class RandomnessPanel(Panel):
    """The fifteen tests of SP 800-22 on a key, beside two other generators."""

    def __init__(self):
        self.network, self.seed_set, self.seed = _seed_controls()
        super().__init__(self.network, self.seed_set, self.seed)

    def compute(self) -> View:
        """Run the suite."""
        key = key_of(self.network.value, _pick(self.seed_set, self.seed))
        self._figure, failed = suite_heatmap(key_generators(key))
        return View(
            {"P-values of the fifteen tests": figure_as_image(self._figure)},
            pd.DataFrame({"P-values below 0.01": failed}),
            "One P-value in a hundred of a perfect generator is below 0.01.",
        )

    def still(self) -> Figure:
        """Return the heat map.

        Returns
        -------
        matplotlib.figure.Figure
            A row for each test, a column for each generator.
        """
        return self._figure
