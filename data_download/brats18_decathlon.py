"""Download Task01 of the Medical Segmentation Decathlon, for brats18: 484 brain MRI volumes.

Access: free, without an account; licence CC BY-SA 4.0. The volumes are those of the BraTS
challenges of 2016 and 2017. Each file holds the four sequences FLAIR, T1, T1 with contrast agent
and T2, of 240 x 240 x 155 voxels each; dkg.data.load reads the first. This script downloads the
archive itself, 7.6 GB:

    python data_download/brats18_decathlon.py

If that address no longer answers, http://medicaldecathlon.com lists others. A copy of
the archive from elsewhere will do:

    python data_download/brats18_decathlon.py --archive ~/Downloads/Task01_BrainTumour.tar

The publishers ask to cite M. Antonelli et al., "The Medical Segmentation Decathlon", Nature
Communications 13, 2022.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="brats18",
    file_name="Task01_BrainTumour.tar",
    access=__doc__,
    url="https://msd-for-monai.s3-us-west-2.amazonaws.com/Task01_BrainTumour.tar",
    md5="240a19d752f0d9e9101544901065d872",  # That MONAI checks this address against.
    folder="imagesTr",
    images={r"BRATS_\d{3}\.nii\.gz": 484},
    size_is_right=lambda size: size == (240, 240, 155, 4),
    size="240 x 240 x 155 x 4 voxels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
