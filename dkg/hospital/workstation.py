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
        How long each step took: ``"get"``, ``"key"``, ``"decrypt"``.
    """

    image: pydicom.Dataset
    seconds: dict[str, float]


class Workstation:
    """Finds images and opens them.

    Parameters
    ----------
    keys : KeyClient
        Where keys come from.
    pacs : PacsClient
        Where encrypted images come from.
    """

    def __init__(self, keys: KeyClient, pacs: PacsClient):
        self._keys, self._pacs = keys, pacs

    def find(self, **query: Any) -> list[pydicom.Dataset]:
        """Look for images in the archive, as `PacsClient.find` does."""
        return self._pacs.find(**query)

    def open(self, found: pydicom.Dataset) -> Opened:
        """Fetch an image and its key, and decrypt it.

        Parameters
        ----------
        found : pydicom.Dataset
            One of `find`.

        Returns
        -------
        Opened
            The original image.

        Raises
        ------
        HospitalError
            If the archive or the key server cannot be reached or refuses.
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
