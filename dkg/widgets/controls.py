"""The controls of the panels: sliders, lists, buttons that stay pressed."""

from collections.abc import Iterable

import ipywidgets

from dkg import data
from dkg.keys import OUTPUTS, list_weights
from dkg.widgets import sources


def slider(description: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """Make a slider from `low` to `high` that waits for the hand to stop."""
    # One that computed at every step of a drag would leave a queue behind.
    return ipywidgets.IntSlider(
        value,
        low,
        high,
        description=description,
        tooltip=description,
        continuous_update=False,
        style={"description_width": "initial"},
        layout={"width": f"{170 + 7 * len(description)}px"},  # Room for the label.
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
        layout={"width": "260px"},
    )


def toggle(description: str, tooltip: str) -> ipywidgets.ToggleButton:
    """Make a button that stays pressed until it is pressed again."""
    return ipywidgets.ToggleButton(
        description=description, tooltip=tooltip, layout={"width": "auto"}
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
