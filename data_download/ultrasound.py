"""Unpack the Ultrasound Nerve Segmentation set: 5635 TIFF images and their 5635 masks.

This is the paper's Ultrasonic Brachial Plexus set. Access: free, but Kaggle asks for an account and
for your consent to the competition's rules, so you download it in a browser:

1. Sign in, or register, at https://www.kaggle.com .
2. Open https://www.kaggle.com/competitions/ultrasound-nerve-segmentation/rules and accept the
   rules. The competition ended in 2016; the button reads "Late Submission" or "Join Competition".
   Kaggle may want your phone number confirmed first.
3. Open the tab "Data" there and press "Download All". You get ultrasound-nerve-segmentation.zip .
   (With Kaggle's own tool: kaggle competitions download -c ultrasound-nerve-segmentation . It
   answers "403 - Forbidden" as long as the rules are not accepted.)
4. Run

       python data_download/ultrasound.py --archive ~/Downloads/ultrasound-nerve-segmentation.zip

If your archive holds train.zip instead of a folder train, unpack it and give train.zip.
"""

import sys

from fetch import Archive, main

ARCHIVE = Archive(
    name="ultrasound",
    file_name="ultrasound-nerve-segmentation.zip",
    access=__doc__,
    folder="train",
    images={r"\d+_\d+\.tif": 5635, r"\d+_\d+_mask\.tif": 5635},
    size_is_right=lambda size: size == (580, 420),
    size="580 x 420 pixels",
)

if __name__ == "__main__":
    sys.exit(main(ARCHIVE))
