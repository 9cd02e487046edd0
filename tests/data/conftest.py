"""One whole file of every format, to be damaged."""

import imagecodecs
import pytest
import tifffile
from PIL import Image

from .parts import brain, deep, gray8, save_dicom, save_nifti


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    Image.fromarray(gray8()).save(folder / "a.png")
    (folder / "b.png").write_bytes(imagecodecs.png_encode(deep()))
    Image.fromarray(gray8()).save(folder / "a.jpg")
    tifffile.imwrite(folder / "a.tif", gray8(), compression="lzw")
    tifffile.imwrite(folder / "b.tif", deep(), compression="lzw")
    save_nifti(folder / "a.nii.gz", brain())
    save_nifti(folder / "a.nii", brain())
    save_dicom(folder / "a.dcm", gray8())
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
