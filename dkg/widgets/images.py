"""The controls that choose an image: one of a set, or an uploaded file."""

from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np

from dkg import data
from dkg.widgets import sources
from dkg.widgets.controls import choice, slider

_FORMATS = ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.nii,.gz"


class ImageChoice:
    """A list of image sets, a slider over their images, and an upload.

    An uploaded file replaces the list until it is removed, or until another image of
    a set is chosen.

    Parameters
    ----------
    description : str
        The label of the list.
    on_change : callable
        Called without arguments after a file was uploaded or removed. The list and the slider are
        observed by the panel that shows them.
    on_error : callable
        Called with the `ValueError` of a file that cannot be read.

    Attributes
    ----------
    controls : tuple of ipywidgets.Widget
        All of them, in the order in which they are shown.
    """

    def __init__(
        self,
        description: str,
        on_change: Callable[[], None],
        on_error: Callable[[Exception], None],
    ):
        self._on_change, self._on_error = on_change, on_error
        self._upload: sources.Upload | None = None
        self.set = choice(description, data.NAMES, "ultrasound")
        self.number = slider("image", 0, 0, sources.N_IMAGES - 1)
        self.upload = ipywidgets.FileUpload(
            accept=_FORMATS,
            description="or upload one",
            tooltip="PNG, JPEG, TIFF, NIfTI or DICOM, up to 9 MiB",
            layout={"width": "150px"},
        )
        self.remove = ipywidgets.Button(layout={"width": "auto", "display": "none"})
        self.controls = (self.set, self.number, self.upload, self.remove)
        self.upload.observe(self._read, "value")
        self.remove.on_click(self._removed)
        for control in (self.set, self.number):
            control.observe(self._drop, "value")

    @property
    def image(self) -> np.ndarray:
        """The chosen image, uint8 (256, 256, 3).

        Raises ValueError if the set has fewer images.
        """
        from_set = sources.image_of(self.set.value, self.number.value)
        return from_set if self._upload is None else self._upload.image

    @property
    def words(self) -> str:
        """What was done to an uploaded file, in a sentence; empty for an image of a set."""
        return "" if self._upload is None else self._upload.words

    def _read(self, _change: Any) -> None:
        if not self.upload.value:
            return
        file = self.upload.value[0]
        # Emptied, so that the same file is noticed when it is uploaded again.
        self.upload.value = ()
        try:
            upload = sources.read_upload(file["name"], bytes(file["content"]))
        except ValueError as error:
            self._on_error(error)
            return
        self._show(upload)
        self._on_change()

    def _removed(self, _button: Any) -> None:
        self._show(None)
        self._on_change()

    def _drop(self, _change: Any) -> None:
        if self._upload is not None:
            self._show(None)

    def _show(self, upload: sources.Upload | None) -> None:
        self._upload = upload
        for control in (self.set, self.number):
            control.layout.display = None if upload is None else "none"
        self.remove.layout.display = "none" if upload is None else None
        self.remove.description = "" if upload is None else f"remove {upload.name}"
        self.remove.tooltip = "go back to the images of the set"
