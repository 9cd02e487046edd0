"""Unpack the FLAIR volumes of the BraTS 2018 training set: 285 NIfTI files, 240 x 240 x 155.

Access: free for research, but the organisers (CBICA, University of Pennsylvania) ask for a
registration and hand out the address themselves:

1. Open https://www.med.upenn.edu/sbia/brats2018/registration.html and follow "Data Request". It
   leads to CBICA's Image Processing Portal, https://ipp.cbica.upenn.edu , where you register and
   wait until the account is approved (people report hours to days).
2. In the portal, fill in the data request of BraTS 2018. The address of
   MICCAI_BraTS_2018_Data_Training.zip comes by e-mail; download it in a browser.
3. Run

       python data_download/brats18.py --archive ~/Downloads/MICCAI_BraTS_2018_Data_Training.zip

The challenge has moved to Synapse (https://www.synapse.org/brats), which hands out newer releases;
people report that requests for the 2018 data are no longer always answered. The training data of
BraTS 2020 holds most of the same patients, its name_mapping.csv tells which. FLAIR volumes of
another release can be put into the folder brats18 by hand; this script checks only that of 2018.
Other archives of the 2018 data will do if the files are named as the organisers named them.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="brats18",
    file_name="MICCAI_BraTS_2018_Data_Training.zip",
    access=__doc__,
    folder=r"Brats18_\w+",
    images={r"Brats18_\w+_flair\.nii\.gz": 285},  # 210 of high, 75 of low grade
    size_is_right=lambda size: size == (240, 240, 155),
    size="240 x 240 x 155 voxels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
