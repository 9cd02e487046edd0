"""Download PneumoniaMNIST of MedMNIST+ at 224 x 224 pixels: 5856 chest X-rays of children.

Access: free, without an account; licence CC BY 4.0. This script downloads the file from Zenodo and
writes each image as a PNG file:

    python data_download/medmnist_chest.py

If that address no longer answers, https://medmnist.com lists others. A copy of the file
from elsewhere will do:

    python data_download/medmnist_chest.py --archive ~/Downloads/pneumoniamnist_224.npz

The publishers ask to cite J. Yang et al., "MedMNIST v2: a large-scale lightweight benchmark for
2D and 3D biomedical image classification", Scientific Data 10, 2023, and the source of the images.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="medmnist-chest",
    file_name="pneumoniamnist_224.npz",
    access=__doc__,
    url="https://zenodo.org/records/10519652/files/pneumoniamnist_224.npz?download=1",
    md5="d6a3c71de1b945ea11211b03746c1fe1",  # As in the package medmnist 3.0.2.
    folder="",
    splits=("train_images", "val_images", "test_images"),
    images={r"(train|val|test)_\d{4}\.png": 5856},
    size_is_right=lambda size: size == (224, 224),
    size="224 x 224 pixels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
