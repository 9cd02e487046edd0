"""Download the Shenzhen chest X-ray set: 662 PNG images, the sister set of Montgomery.

Access: free, but on request. The U.S. National Library of Medicine (NLM) is reported, in September
2025, to give the set to research groups under a data use agreement, and no longer to everybody
(https://github.com/importZL/GenSeg/issues/2). Ask NLM for it; look for "Shenzhen" on
https://lhncbc.nlm.nih.gov/LHC-downloads/downloads.html . medmnist_chest.py downloads chest X-rays
without a request. This command tries the former public address (3.8 GB):

    python data_download/shenzhen.py

A copy of the archive from elsewhere will do:

    python data_download/shenzhen.py --archive ~/Downloads/ChinaSet_AllFiles.zip

NLM asks to cite S. Jaeger et al., "Automatic tuberculosis screening using chest radiographs", IEEE
Transactions on Medical Imaging 33(2), 2014, and S. Candemir et al., "Lung segmentation in chest
radiographs using anatomical atlases with nonrigid registration", the same issue.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="shenzhen",
    file_name="ChinaSet_AllFiles.zip",
    access=__doc__,
    url="https://openi.nlm.nih.gov/imgs/collections/ChinaSet_AllFiles.zip",
    folder="CXR_png",
    images={
        r"CHNCXR_\d{4}_0\.png": 326,  # normal
        r"CHNCXR_\d{4}_1\.png": 336,  # tuberculosis
    },
    # The sizes differ from image to image and are published only as "about 3000 x 3000".
    size_is_right=lambda size: min(size) >= 500 and max(size) <= 3500,
    size="500 to 3500 pixels per side",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
