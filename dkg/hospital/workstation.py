"""The workstation of Fig. 1: it finds an encrypted image, fetches its key, and shows the image.

Neither the key nor the decrypted image is written to a file here.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom

from dkg import dicom
from dkg.hospital.key_server import KeyClient
from dkg.hospital.pacs import PacsClient


@dataclass(frozen=True)
class Opened:
    """A decrypted image.

    Attributes
    ----------
    image : pydicom.Dataset
        The original, as the modality took it.
    seconds : dict of str to float
        The times of ``"get"``, ``"key"`` and ``"decrypt"``.
    """

    image: pydicom.Dataset
    seconds: dict[str, float]


class Workstation:
    """Finds encrypted images in the archive, and opens them with keys from the key server."""

    def __init__(self, keys: KeyClient, pacs: PacsClient):
        self._keys, self._pacs = keys, pacs

    def find(self, **query: Any) -> list[pydicom.Dataset]:
        """Look for images in the archive, as `PacsClient.find` does."""
        return self._pacs.find(**query)

    def open(self, found: pydicom.Dataset) -> Opened:
        """Fetch an image that `find` returned and its key, and decrypt it.

        Raises
        ------
        CipherError
            If the image is not encrypted, or was changed in the archive.
        """
        times = [time.perf_counter()]
        encrypted = self._pacs.get(found)
        times.append(time.perf_counter())
        keys = self._keys.get(dicom.key_identifier(encrypted))
        times.append(time.perf_counter())
        image = dicom.decrypt_dataset(encrypted, keys)
        times.append(time.perf_counter())
        steps = ("get", "key", "decrypt")
        return Opened(image, dict(zip(steps, map(float, np.diff(times)), strict=True)))
