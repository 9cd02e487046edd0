"""The panel *Keys*."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from ipyevents import Event

from dkg import attacks, metrics, plots
from dkg.cipher import KEY_SHAPE
from dkg.widgets import sources
from dkg.widgets.panel import Panel, View, seed_controls, slider
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
        # A page scrolls by parts of a pixel, and draws images at the nearest whole one.
        self.choose_pixel(round(event["relativeY"]), round(event["relativeX"]))

    def choose_pixel(self, row: int, column: int) -> None:
        """Move to another pixel, and show the result once.

        Parameters
        ----------
        row, column : int
            The pixel; what lies outside of the image is moved to its border.
        """
        with self.without_refresh():
            # The sliders keep to their range.
            self.row.value, self.column.value = row, column
        self.refresh()
