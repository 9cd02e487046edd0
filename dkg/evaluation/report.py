"""The report of an evaluation: one HTML page, CSV, JSON, and a LaTeX table."""

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
from PIL import Image as Pillow

from dkg import __version__
from dkg.evaluation.measures import MEASURES
from dkg.reproduction import sentences
from dkg.storage import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dkg.evaluation.evaluation import Evaluation
    from dkg.evaluation.outcomes import Measured

_WIDEST = 256
"""Pixels of the pictures in the page; a larger image is made smaller, a small one larger."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def write(evaluation: "Evaluation", folder: Path, *, latex: bool, overwrite: bool) -> list[Path]:
    """Write the files of `Evaluation.report`, each of them whole or not at all."""
    if (folder / "report.html").exists() and not overwrite:
        raise FileExistsError(
            f"{folder} holds a report already, which is not replaced unless asked to "
            "(overwrite=True)"
        )
    texts = {
        "outcomes.csv": evaluation.table.to_csv(index=False, lineterminator="\n"),
        "outcomes.json": _dumps(as_dict(evaluation)),
    }
    if evaluation.times:
        texts["times.json"] = _dumps([vars(row) for row in evaluation.times])
    if latex:
        texts["table.tex"] = as_latex(evaluation)
    # Last: with it the report is complete.
    texts["report.html"] = as_html(evaluation)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with files.atomic(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in reversed(texts)]


def as_dict(evaluation: "Evaluation") -> dict[str, Any]:
    """Return all but times and pictures as plain values."""
    verdict = evaluation.verdict
    return {
        "dkg": __version__,
        "cipher": evaluation.cipher,
        "seed": evaluation.seed,
        "shapes": [list(shape) for shape in evaluation.shapes],
        "statements": list(evaluation.statements),
        "verdict": {
            "measures": verdict.measures,
            "attacks": verdict.attacks,
            "together": verdict.together,
        },
        "measures": [vars(row) | {"looks_random": row.looks_random} for row in evaluation.measured],
        "attacks": [
            {name: value for name, value in vars(attack).items() if name != "pictures"}
            for attack in evaluation.attacked
        ],
        "not_measured": dict(evaluation.not_measured),
    }


def as_html(evaluation: "Evaluation") -> str:
    """Return the page, whose pictures are inside."""
    groups: dict[str, list[Measured]] = {}
    for row in evaluation.measured:
        groups.setdefault(row.group, []).append(row)
    about = {family.title: family.about for family in MEASURES.values()}
    view = {
        "e": evaluation,
        "size": size_of(evaluation.shapes),
        "verdict": evaluation.verdict,
        "groups": groups,
        "about": about,
        "figures": {name: _figure(figure) for name, figure in evaluation.figures.items()},
        "examples": [[_picture(image) for image in pair] for pair in evaluation.examples],
        "pictures": {
            title: _picture(image)
            for attack in evaluation.attacked
            for title, image in attack.results.items()
        },
        "version": __version__,
    }
    return _environment(html=True).get_template("evaluation.html").render(view)


def as_latex(evaluation: "Evaluation") -> str:
    """Return the table for a paper; its caption says what was measured, with which intervals."""
    view = {"e": evaluation, "size": size_of(evaluation.shapes), "version": __version__}
    return _environment(html=False).get_template("evaluation.tex").render(view)


def size_of(shapes: Sequence[tuple[int, ...]]) -> str:
    """Return the number and the sizes of images: ``"8 images of 256 x 256 x 3"``."""
    sizes = sorted({" x ".join(map(str, shape)) for shape in shapes})
    listed = ", ".join(sizes) if len(sizes) <= 3 else f"{len(sizes)} sizes, {sizes[0]} among them"
    return f"{len(shapes)} image{'s'[: len(shapes) > 1]} of {listed}"


def number(value: float | None, unit: str = "", scale: float | None = None) -> str:
    """Return a number with its unit, as the package shows numbers; a dash for none or NaN.

    `scale` is a distance that the digits must show, such as that of `scale_of`.
    """
    if value is None or math.isnan(value):
        return "–"
    text = sentences.number(value, scale)
    return f"{text} {unit}" if unit else text


def interval(low: float | None, high: float | None, scale: float | None = None) -> str:
    """Return an interval, or a dash."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "–"
    return sentences.accepted(low, high, scale)


def scale_of(value: float, low: float | None, high: float | None) -> float | None:
    """Return the smaller of an interval's width and the value's distance to its nearer end."""
    if low is None or high is None:
        return None
    distances = [high - low, abs(value - low), abs(value - high)]
    return min((d for d in distances if math.isfinite(d) and d), default=None)


def _environment(*, html: bool) -> jinja2.Environment:
    # The style sheet is that of the reproduction's report.
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("dkg.evaluation"),
                jinja2.PackageLoader("dkg.reproduction.report"),
            ]
        ),
        autoescape=html,
        finalize=None if html else _escaped,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number}
    environment.globals |= {"interval": interval, "scale_of": scale_of}
    return environment


def _escaped(value: object) -> str:
    """Return text as LaTeX shows it; signs that its fonts lack are replaced."""
    text = str(value).replace("–", "--").replace("∞", "inf").replace("σ", "sigma")
    return "".join(_LATEX.get(character, character) for character in text)


def _dumps(value: object) -> str:
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    """Return plain values for JSON: null for what is undefined, ``"inf"`` for infinity."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def drawable(image: np.ndarray) -> np.ndarray:
    """Return what a picture can show of an image: its first channel, or its first three."""
    channels = image.reshape(*image.shape[:2], -1)
    return channels[..., :3] if channels.shape[2] >= 3 else channels[..., 0]


def _picture(image: np.ndarray) -> str:
    """Return an image as a data URI, WebP."""
    picture = Pillow.fromarray(drawable(image))
    factor = _WIDEST // max(picture.size)
    if factor > 1:  # Such as the means of blocks.
        picture = picture.resize(
            (factor * picture.width, factor * picture.height), Pillow.Resampling.NEAREST
        )
    picture.thumbnail((_WIDEST, _WIDEST), Pillow.Resampling.BOX)
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "WEBP", quality=80)
    return _uri(buffer.getvalue(), "webp")


def _figure(figure: "Figure") -> str:
    buffer = io.BytesIO()
    # WebP, as noise makes a PNG large.
    figure.savefig(buffer, format="webp", dpi=120, pil_kwargs={"quality": 80})
    return _uri(buffer.getvalue(), "webp")


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
