"""What all panels share: controls that compute when they change, a message, pictures, a table."""

import base64
import html
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg import metrics, plots
from dkg.cipher import KEY_SHAPE
from dkg.plots.style import as_shown
from dkg.widgets.pictures import figure_as_image, png

BLOCKS = "correlation of the means of 16 x 16 pixels"
CHANCE = "by chance, in 95 %"

STUDY_ONLY = (
    "This network comes with the package: everybody has it, so its keys are for study only."
)

# The border turns, but not for readers who asked their system for less motion.
_SPINNER = """
<style>
.dkg-spinner { display: inline-block; width: 1em; height: 1em; box-sizing: border-box;
  margin-right: 0.5em; vertical-align: text-bottom; border: 2px solid #0072b2;
  border-right-color: transparent; border-radius: 50%; animation: dkg-turn 1s linear infinite; }
@keyframes dkg-turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .dkg-spinner { animation: none; } }
</style>
<div role="status"><span class="dkg-spinner"></span>Computing ...</div>
"""

# Every front end has tables of its own, some without any space between the columns. Long titles of
# pictures and of tabs go on in the next line.
_STYLE = """
<style>
.dkg-numbers { width: max-content; }
.dkg-numbers th, .dkg-numbers td { padding: 0.1em 0.6em; text-align: right; line-height: 1.4; }
.dkg-numbers th { max-width: 17em; white-space: normal; }
.dkg-numbers thead th { max-width: 7em; }
.dkg-message .widget-html-content { line-height: 1.4; }
.dkg-picture { justify-content: flex-end; }
.dkg-picture .widget-label { white-space: normal; height: auto; line-height: 1.3; }
.dkg-picture .widget-html, .dkg-picture .widget-html-content { width: 100%; height: auto; }
.dkg-picture .widget-html-content { line-height: 0; }
.dkg-tabs > .lm-TabBar { flex: 0 0 auto; overflow: visible; min-height: 0; }
.dkg-tabs > .lm-TabBar > .lm-TabBar-content { flex-wrap: wrap; height: auto; }
.dkg-tabs > .lm-TabBar .lm-TabBar-tab { flex: 0 1 auto; min-width: 0; }
</style>
"""

_SMALLEST = 120
"""To how many pixels of width a picture shrinks before it goes into the next row."""

_TALLEST = 420
"""How many pixels of height a figure has at most."""


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


def _number(value: float) -> str:
    # No minus before 0.0000, and no decimals for an integer.
    return f"{value:.0f}" if value == round(value) else f"{round(value, 4) + 0.0:.4f}"


class Panel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types.
    """Controls, a message, pictures and a table; each subclass says what they show.

    A change of a control shows the new result. What cannot be computed gives a sentence in the
    panel, and what was shown before stays.

    Attributes
    ----------
    controls : list of ipywidgets.Widget
        Those whose change computes.
    view : View
        What is shown.
    message : ipywidgets.HTML
        The sentence: the result, what is wrong, or that the panel computes.
    note : str
        The line below it.
    """

    note = STUDY_ONLY

    def __init__(self, *controls: ipywidgets.Widget):
        self.view = View({}, pd.DataFrame())
        self._quiet = False
        self.message = ipywidgets.HTML()
        self.message.add_class("dkg-message")
        self._table = ipywidgets.HTML()
        self._images: dict[str, ipywidgets.HTML] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._pictures = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        super().__init__(
            [
                ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}),
                self.message,
                self._pictures,
                self._table,
                ipywidgets.HTML(f"{_STYLE}<small>{self.note}</small>"),
            ]
        )
        self.add_class(type(self).__name__)  # By it a page finds the panel.
        computing = (
            ipywidgets.Dropdown
            | ipywidgets.IntSlider
            | ipywidgets.Checkbox
            | ipywidgets.ToggleButton
        )
        self.controls = [control for control in controls if isinstance(control, computing)]
        for control in self.controls:
            control.observe(self.refresh, "value")
        self.start()

    def start(self) -> None:
        """Show the first result."""
        self.refresh()

    def compute(self) -> View:
        """Return what the controls ask for.

        Raises
        ------
        ValueError, OSError
            If it cannot be computed; the message is for the reader.
        """
        raise NotImplementedError

    def refresh(self, _change: Any = None) -> None:
        """Show what the controls ask for, unless the panel is setting them itself."""
        if self._quiet:
            return
        self.message.value = _SPINNER
        try:
            self.view = self.compute()
        except (ValueError, OSError) as error:
            self.show_error(error)
            return
        self._show_pictures(self.view.pictures)
        table = self.view.table.to_html(
            border=0, na_rep="", float_format=_number, classes="dkg-numbers"
        )
        self._table.value = table if len(self.view.table) else ""
        self.show_message(self.view.words)

    def _show_pictures(self, pictures: Mapping[str, np.ndarray]) -> None:
        shapes = {title: image.shape[:2] for title, image in pictures.items()}
        if shapes != self._shapes:
            self._shapes = shapes
            self._images = {title: self.picture(title) for title in pictures}
            self._pictures.children = [
                _box(title, image, shapes[title][1]) for title, image in self._images.items()
            ]
        for title, image in pictures.items():
            # ipywidgets.Image has no alternative text for screen readers.
            content = base64.b64encode(png(as_shown(image))).decode()
            # A browser that smooths a smaller picture would average keys and ciphertexts.
            style = "width: 100%; image-rendering: pixelated"
            if image.shape[1] > KEY_SHAPE[1]:  # A figure.
                style = f"max-width: 100%; max-height: {_TALLEST}px"
            self._images[title].value = (
                f'<img alt="{html.escape(title)}" src="data:image/png;base64,{content}" '
                f'style="display: block; {style}" draggable="false">'
            )

    @contextmanager
    def without_refresh(self) -> Iterator[None]:
        """Set controls without computing at each of them."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def picture(self, title: str) -> ipywidgets.HTML:
        """Make the place of a picture."""
        return ipywidgets.HTML(layout={"margin": "0"})

    def show_message(self, words: str) -> None:
        """Show a sentence."""
        self.message.value = f'<div role="status">{html.escape(words)}</div>'

    def show_error(self, error: Exception) -> None:
        """Say what is wrong, also to a screen reader."""
        self.message.value = (
            '<div role="alert" style="color: #b00020"><b>That did not work.</b> '
            f"{html.escape(str(error))}</div>"
        )

    def static_figure(self) -> Figure:
        """Return the pictures under their titles, for a page without a running kernel."""
        return plots.image_grid(self.view.pictures, columns=4)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return with_static_figure(super()._repr_mimebundle_(**kwargs), self.static_figure())


def _box(title: str, image: ipywidgets.HTML, width: int) -> ipywidgets.VBox:
    """Put a picture of `width` pixels under its title; a narrow page shows it smaller."""
    smallest = _SMALLEST * max(1, round(width / KEY_SHAPE[1]))
    layout = {
        "flex": f"1 1 {smallest}px",
        "max_width": f"{width}px",
        "margin": "0 8px 4px 0",
        "overflow": "hidden",
    }
    box = ipywidgets.VBox([ipywidgets.Label(title), image], layout=layout)
    box.add_class("dkg-picture")
    return box


def with_static_figure(bundle: dict[str, Any], figure: Figure) -> dict[str, Any]:
    """Add a figure, as ``image/png``, to what a widget gives by MIME type, for other pages."""
    content = base64.b64encode(png(figure_as_image(figure))).decode()
    return bundle | {"image/png": content}


def has_front_end() -> bool:
    """Say whether somebody sits in front of this kernel, in a program that shows widgets.

    Returns
    -------
    bool
        Whether a Jupyter server, Voila or VS Code started the kernel, and not papermill, nbval or
        nbconvert, which would leave widgets without a kernel behind them.
    """
    return (
        "JPY_SESSION_NAME" in os.environ
        or "VSCODE_PID" in os.environ
        or os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
    )


def likeness(plain: np.ndarray, others: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Measure how much of a plaintext, uint8 (256, 256, 3), other images show, in color or gray.

    Returns a column for each image, with rows for SSIM and for the correlation of the means of
    16 x 16 pixels, which sees what an eye sees that blurs; its sign is negative where a negative
    shows. A last column has the interval that the correlation with independent noise keeps to in
    95 of 100 cases.
    """
    rows: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "SSIM": metrics.ssim,
        BLOCKS: metrics.block_correlation,
    }
    in_color = {
        title: image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
        for title, image in others.items()
    }
    table = pd.DataFrame(
        {
            title: {row: measure(plain, image) for row, measure in rows.items()}
            for title, image in in_color.items()
        }
    )
    n_blocks = math.prod(length // 16 for length in plain.shape[:2])
    table[CHANCE] = pd.Series({"SSIM": "", BLOCKS: band(metrics.ideal_correlation(n_blocks))})
    return table


def band(ideal: metrics.Ideal) -> str:
    """Write the 95 % interval of a measure over i.i.d. uniform bytes."""
    interval = ideal.interval()
    # Two digits of the interval's width.
    digits = 1 - math.floor(math.log10(interval.high - interval.low))
    return f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"
