"""Download the Montgomery County chest X-ray set: 138 PNG images, the paper's seed images.

Access: free, but on request. The U.S. National Library of Medicine (NLM) is reported, in September
2025, to give the set to research groups under a data use agreement, and no longer to everybody
(https://github.com/importZL/GenSeg/issues/2). Ask NLM for it; look for "Montgomery" on
https://lhncbc.nlm.nih.gov/LHC-downloads/downloads.html . medmnist_chest.py downloads chest X-rays
without a request. This command tries the former public address:

    python data_download/montgomery.py

A copy of this archive from elsewhere will do, if its SHA-256 is right:

    python data_download/montgomery.py --archive ~/Downloads/NLM-MontgomeryCXRSet.zip

NLM asks to cite S. Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of
pulmonary diseases", Quantitative Imaging in Medicine and Surgery 4(6), 2014, and S. Candemir et
al., "Lung segmentation in chest radiographs using anatomical atlases with nonrigid registration",
IEEE Transactions on Medical Imaging 33(2), 2014.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="montgomery",
    file_name="NLM-MontgomeryCXRSet.zip",
    access=__doc__,
    url="https://openi.nlm.nih.gov/imgs/collections/NLM-MontgomeryCXRSet.zip",
    # Not published by NLM; the value that the torch-em project checks this address against.
    sha256="54601e952315d8f67383e9202a6e145997ade429f54f7e0af44b4e158714f424",
    folder="CXR_png",
    images={
        r"MCUCXR_\d{4}_0\.png": 80,  # normal
        r"MCUCXR_\d{4}_1\.png": 58,  # tuberculosis
    },
    size_is_right=lambda size: sorted(size) == [4020, 4892],
    size="4020 x 4892 or 4892 x 4020 pixels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
