"""What all panels share: controls that compute when they change, a message, pictures, a table."""

import base64
import html
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dkg import data, metrics, plots
from dkg.keys import OUTPUTS, list_weights
from dkg.plots.style import as_shown
from dkg.widgets import sources
from dkg.widgets.pictures import figure_as_image, png

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

# Every front end has tables of its own, some without any space between the columns.
_TABLE_STYLE = """
<style>
.dkg-numbers { width: max-content; }
.dkg-numbers th, .dkg-numbers td { padding: 0.2em 0.7em; text-align: right; }
</style>
"""


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
    # No minus before 0.000, and no decimals for an integer.
    return f"{value:.0f}" if value == round(value) else f"{round(value, 3) + 0.0:.3f}"


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
    """

    def __init__(self, *controls: ipywidgets.Widget):
        self.view = View({}, pd.DataFrame())
        self._quiet = False
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
        computing = ipywidgets.Dropdown | ipywidgets.IntSlider | ipywidgets.Checkbox
        self.controls = [control for control in controls if isinstance(control, computing)]
        for control in self.controls:
            control.observe(self.refresh, "value")
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
        if list(self._images) != list(self.view.pictures):
            self._images = {title: self.picture(title) for title in self.view.pictures}
            self._pictures.children = [
                ipywidgets.VBox([ipywidgets.Label(title), image])
                for title, image in self._images.items()
            ]
        for title, image in self.view.pictures.items():
            # ipywidgets.Image has no alternative text for screen readers.
            content = base64.b64encode(png(as_shown(image))).decode()
            self._images[title].value = (
                f'<img alt="{html.escape(title)}" src="data:image/png;base64,{content}" '
                'style="display: block; max-width: none" draggable="false">'
            )
        table = self.view.table.to_html(
            border=0, na_rep="", float_format=_number, classes="dkg-numbers"
        )
        self._table.value = _TABLE_STYLE + table
        self.show_message(self.view.words)

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
        return ipywidgets.HTML(layout={"margin": "0 8px 8px 0"})

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


def slider(
    description: str, value: int, low: int, high: int, width: str = "330px"
) -> ipywidgets.IntSlider:
    """Make a slider from `low` to `high` that waits for the hand to stop.

    `width` is that of the slider and its label together.
    """
    # One that computed at every step of a drag would leave a queue behind.
    return ipywidgets.IntSlider(
        value,
        low,
        high,
        description=description,
        tooltip=description,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": width},
    )


def choice(
    description: str, options: Iterable[str], value: str | None = None
) -> ipywidgets.Dropdown:
    """Make a list to choose from, which starts at `value` or else at its first option."""
    options = list(options)
    return ipywidgets.Dropdown(
        options=options,
        value=options[0] if value is None else value,
        description=description,
        tooltip=description,
        style={"description_width": "initial"},
    )


def output_choice() -> ipywidgets.Dropdown:
    """Make the list of ways to read a key off the network's last layer, `dkg.keys.OUTPUTS`."""
    return choice("keys read as", OUTPUTS)


def seed_controls() -> tuple[ipywidgets.Dropdown, ipywidgets.Dropdown, ipywidgets.IntSlider]:
    """Make the controls of network, image set and seed image, and load the images of all sets."""
    for name in data.NAMES:
        sources.images(name)  # So that the first choice of a set does not wait for them.
    return (
        choice("network", list_weights()),
        choice("seeds from", data.NAMES),
        slider("seed image", 0, 0, sources.N_IMAGES - 1),
    )


def likeness(plain: np.ndarray, others: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Measure how much of a plaintext, uint8 (256, 256, 3), other images show, in color or gray.

    Returns a column for each image, with rows for SSIM and for the correlation of the means of
    16 x 16 pixels, which sees what an eye sees that blurs; its sign is negative where a negative
    shows.
    """
    rows: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "SSIM": metrics.ssim,
        "correlation of the means of 16 x 16 pixels": metrics.block_correlation,
    }
    in_color = {
        title: image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
        for title, image in others.items()
    }
    return pd.DataFrame(
        {
            title: {row: measure(plain, image) for row, measure in rows.items()}
            for title, image in in_color.items()
        }
    )
