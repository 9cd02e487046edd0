"""Images that no set holds."""

import numpy as np
import pandas as pd


def random_image(rng, height=256, width=256):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def upload(image_choice, name, content):
    """Upload a file as the browser does."""
    file = {
        "name": name,
        "type": "",
        "size": len(content),
        "last_modified": pd.Timestamp(0, tz="UTC").to_pydatetime(),
        "content": memoryview(content),
    }
    image_choice.upload.value = (file,)
