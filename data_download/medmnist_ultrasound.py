"""Download BreastMNIST of MedMNIST+ at 224 x 224 pixels: 780 breast ultrasound images.

Access: free, without an account; licence CC BY 4.0. This script downloads the file from Zenodo and
writes each image as a PNG file:

    python data_download/medmnist_ultrasound.py

If that address no longer answers, https://medmnist.com lists others. A copy of the file
from elsewhere will do:

    python data_download/medmnist_ultrasound.py --archive ~/Downloads/breastmnist_224.npz

The publishers ask to cite J. Yang et al., "MedMNIST v2: a large-scale lightweight benchmark for
2D and 3D biomedical image classification", Scientific Data 10, 2023, and the source of the images.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="medmnist-ultrasound",
    file_name="breastmnist_224.npz",
    access=__doc__,
    url="https://zenodo.org/records/10519652/files/breastmnist_224.npz?download=1",
    md5="b56378a6eefa9fed602bb16d192d4c8b",  # As in the package medmnist 3.0.2.
    folder="",
    splits=("train_images", "val_images", "test_images"),
    images={r"(train|val|test)_\d{4}\.png": 780},
    size_is_right=lambda size: size == (224, 224),
    size="224 x 224 pixels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
