"""The panel *Encrypt and decrypt*."""

import base64
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from dkg import attacks, cipher, data, encryption, metrics
from dkg.cipher import xor
from dkg.keys import KeyGenerator
from dkg.widgets import sources
from dkg.widgets.panel import Panel, View, choice, likeness, output_choice, seed_controls, slider

_FORMATS = ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.nii,.gz"


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
        self.image_set = choice("hide an image of", data.NAMES, "ultrasound")
        self.image = slider("image", 0, 0, sources.N_IMAGES - 1)
        self.upload = ipywidgets.FileUpload(
            accept=_FORMATS,
            description="or upload one",
            tooltip="PNG, JPEG, TIFF, NIfTI or DICOM, up to 9 MiB; it is resized to 256 x 256",
        )
        self.files = ipywidgets.Button(description="make files")
        self._links = ipywidgets.HTML()
        self._uploaded: tuple[str, np.ndarray] | None = None
        self.upload.observe(self._read, "value")
        self.files.on_click(self._make_files)
        for control in (self.image_set, self.image):
            control.observe(self._drop_upload, "value")
        super().__init__(
            self.network,
            self.seed_set,
            self.seed,
            self.output,
            self.image_set,
            self.image,
            self.upload,
            self.files,
            self._links,
        )

    def compute(self) -> View:
        """Encrypt and decrypt the image."""
        from_set = sources.image_of(self.image_set.value, self.image.value)
        name, plain = self._uploaded or ("", from_set)
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
            self._uploaded = file["name"], sources.read_upload(file["name"], bytes(file["content"]))
        except ValueError as error:
            self.show_error(error)
            return
        self.refresh()

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
