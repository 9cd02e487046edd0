"""The panel *Your own cipher*: measures and attacks of a class in a file, or of two images."""

import ast
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from dkg.evaluation.bench import evaluate, evaluate_ciphertexts
from dkg.evaluation.ciphers import CIPHERS
from dkg.evaluation.evaluation import Evaluation
from dkg.evaluation.files import read_ciphertexts, read_images
from dkg.evaluation.loading import load
from dkg.evaluation.protocol import Cipher, Image
from dkg.evaluation.report import interval, number, scale_of
from dkg.widgets import sources
from dkg.widgets.controls import choice
from dkg.widgets.panel import Panel, View

MEASURES = ("histogram", "correlation", "distance", "texture", "plaintext-sensitivity")
"""The families that take less than a second."""

# The paper's cipher, which the other panels show, would take a minute.
BUILT_IN = tuple(name for name in CIPHERS if not name.startswith("deepkeygen"))

_IMAGES = 2
_FIRST = "arnold-cat-map"


class OwnCipherPanel(Panel):
    """Evaluate a built-in cipher, a class in a file, or a plaintext and its ciphertext."""

    note = (
        "An uploaded Python file is run with your rights on the computer of the kernel. No result "
        "here says that a cipher is secure."
    )

    def __init__(self) -> None:
        self.cipher = choice("cipher", BUILT_IN, _FIRST)
        self.file = _upload("or a Python file", ".py", "A file with a class that encrypts")
        self.plain = _upload("or a plaintext", ".png,.tif,.tiff,.jpg,.jpeg", "Its plaintext")
        self.hidden = _upload("and its ciphertext", ".png,.tif,.tiff,.bin,.raw", "PNG, TIFF, bytes")
        self._own: Callable[[], Evaluation] | None = None
        self._pair: dict[str, tuple[str, bytes]] = {}
        self.file.observe(self._read_file, "value")
        for upload in (self.plain, self.hidden):
            upload.observe(self._read_pair, "value")
        self.cipher.observe(self._drop, "value")
        super().__init__(self.cipher, self.file, self.plain, self.hidden)

    def compute(self) -> View:
        """Evaluate what was chosen last."""
        result = self._own() if self._own else _built_in(self.cipher.value)
        pictures: dict[str, np.ndarray] = {}
        for plain, hidden in result.examples[:1]:
            pictures = {"plaintext": plain, "ciphertext": hidden}
        for attack in result.verdict.succeeded:
            pictures |= attack.results
        verdict = result.verdict
        words = f"{result.cipher}: {verdict.measures} {verdict.attacks} {verdict.together}"
        if result.not_measured:
            words += f" Not measured: {', '.join(what for what, _ in result.not_measured)}."
        return View(pictures, outcomes(result), words)

    def _read_file(self, _change: Any) -> None:
        if self.file.value:
            name, content = _taken(self.file)
            self._take(lambda: _evaluated(_cipher_of(name, content)))

    def _read_pair(self, change: Any) -> None:
        if not change["new"]:
            return
        upload = change["owner"]
        kind = "plaintext" if upload is self.plain else "ciphertext"
        self._pair[kind] = _taken(upload)
        if len(self._pair) == 2:
            pair = dict(self._pair)
            self._take(lambda: _evaluated_pair(pair["plaintext"], pair["ciphertext"]))
        else:
            other = "ciphertext" if upload is self.plain else "plaintext"
            self.show_message(f"{self._pair[kind][0]} is the {kind}; now upload its {other}.")

    def _take(self, evaluation: Callable[[], Evaluation]) -> None:
        self._own = evaluation
        self.refresh()

    def _drop(self, _change: Any) -> None:
        self._own = None


def outcomes(result: Evaluation) -> pd.DataFrame:
    """Return a row for each measure with a reference, and for each attack that applies."""
    rows = {}
    for row in result.measured:
        if row.looks_random is not None:
            words = "as uniform bytes" if row.looks_random else "not as uniform bytes"
            shown = _shown(row.value, row.unit, row.ideal_low, row.ideal_high)
            rows[row.name] = (*shown, words)
    for attack in result.attacked:
        if attack.succeeded is not None:
            words = "succeeds" if attack.succeeded else "fails"
            shown = _shown(attack.score, attack.unit, attack.chance_low, attack.chance_high)
            rows[f"attack: {attack.name}"] = (*shown, words)
    columns = ["value", "uniform bytes, or chance", "outcome"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _shown(value: float, unit: str, low: float | None, high: float | None) -> tuple[str, str]:
    scale = scale_of(value, low, high)
    return number(value, unit, scale), interval(low, high, scale)


def class_in(source: str, name: str) -> str:
    """Return the first class in a Python file's text that has ``encrypt`` and ``decrypt``.

    Raises ValueError, with the file's name, if the text is no Python or there is no such class.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"{name}, line {error.lineno}: {error.msg}") from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in classes:
        # A method may also be assigned: decrypt = encrypt.
        names = {getattr(inner, "name", None) for inner in node.body}
        names |= {
            getattr(target, "id", None)
            for inner in node.body
            if isinstance(inner, ast.Assign)
            for target in inner.targets
        }
        if {"encrypt", "decrypt"} <= names:
            return node.name
    raise ValueError(f"{name}: no class in it has both encrypt and decrypt")


@functools.cache
def _built_in(name: str) -> Evaluation:
    """Evaluate a built-in cipher; the result is kept for the next choice of it."""
    return _evaluated(load(name))


def _evaluated(cipher: Cipher) -> Evaluation:
    images = [sources.image_of("ultrasound", i) for i in range(_IMAGES)]
    return evaluate(cipher, images, measures=MEASURES, seed=0, progress=False)


def _evaluated_pair(plain: tuple[str, bytes], hidden: tuple[str, bytes]) -> Evaluation:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for kind, (name, content) in (("plaintext", plain), ("ciphertext", hidden)):
            path = Path(folder, kind, f"image{Path(name).suffix}")
            path.parent.mkdir()
            path.write_bytes(content)
            paths.append(path)
        images: dict[str, Image] = read_images(paths[:1])
        ciphertexts = read_ciphertexts(paths[1:], images)
    return evaluate_ciphertexts(
        list(ciphertexts.values()),
        list(images.values()),
        name=hidden[0],
        measures=MEASURES,
        seed=0,
        progress=False,
    )


def _cipher_of(name: str, content: bytes) -> Cipher:
    try:
        source = content.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name}: not a Python file in UTF-8") from None
    chosen = class_in(source, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own_cipher.py")
        path.write_bytes(content)
        return load(f"{path}:{chosen}")


def _upload(description: str, accept: str, tooltip: str) -> ipywidgets.FileUpload:
    return ipywidgets.FileUpload(
        accept=accept, description=description, tooltip=tooltip, layout={"width": "170px"}
    )


def _taken(upload: ipywidgets.FileUpload) -> tuple[str, bytes]:
    """Return name and content of an uploaded file, and empty the upload.

    Otherwise the same file would not be noticed when it is uploaded again.
    """
    file = upload.value[0]
    upload.value = ()
    return Path(file["name"]).name, bytes(file["content"])
