"""What the panels draw from."""

import io

import numpy as np
import pytest
from PIL import Image

from dkg import data
from dkg.keys import KeyGenerator, list_weights
from dkg.widgets import sources
from dkg.widgets.pictures import png

from .images import random_image


class TestUpload:
    @pytest.mark.parametrize("format", ["PNG", "TIFF"])
    def test_a_square_file_is_read_as_files_are(self, format, tmp_path, rng):
        image = random_image(rng, 60, 60)
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format=format)
        path = tmp_path / "same"
        path.write_bytes(buffer.getvalue())
        read = sources.read_upload("scan.of.a.patient", buffer.getvalue())
        np.testing.assert_array_equal(read.image, data.read_image(path))
        assert read.words == "scan.of.a.patient: 60 x 60 pixels, resized to 256 x 256."

    def test_proportions_are_kept(self):
        white = np.full((128, 256, 3), 255, np.uint8)
        read = sources.read_upload("wide.png", png(white))
        assert (read.image[64:192] == 255).all()
        assert not read.image[:64].any() and not read.image[192:].any()
        assert read.words == "wide.png: 256 x 128 pixels, padded with black to 256 x 256."

    def test_what_is_transparent_becomes_white(self):
        image = np.zeros((256, 256, 4), np.uint8)
        image[:, 128:, 3] = 255
        read = sources.read_upload("logo.png", png(image))
        assert (read.image[:, :128] == 255).all() and not read.image[:, 128:].any()
        assert "its transparent parts laid over white" in read.words

    def test_a_file_that_fits_is_taken_as_it_is(self, rng):
        image = random_image(rng)
        read = sources.read_upload("fits.png", png(image))
        np.testing.assert_array_equal(read.image, image)
        assert read.words == "fits.png: 256 x 256 pixels, taken as it is."

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("letter.png", b"Dear colleague, please find enclosed"),
            ("empty.png", b""),
            ("cut.png", png(random_image(np.random.default_rng(0)))[:3000]),
            ("../../letter.txt", b"no image"),
        ],
    )
    def test_a_bad_file_is_named_without_the_folder_it_was_put_in(self, name, content):
        with pytest.raises(ValueError) as caught:
            sources.read_upload(name, content)
        message = str(caught.value)
        assert name.rpartition("/")[2] in message
        assert "/" not in message.partition(":")[0] and "upload" not in message

    def test_a_file_that_is_too_large_is_refused(self, monkeypatch):
        monkeypatch.setattr(sources, "_LARGEST_UPLOAD", 2**20)
        with pytest.raises(ValueError, match=r"big\.png: has 2 MiB, more than the 1 MiB"):
            sources.read_upload("big.png", bytes(2 * 2**20))


@pytest.mark.slow
def test_an_image_that_the_set_does_not_have():
    stack = sources.images("ultrasound")
    np.testing.assert_array_equal(sources.image_of("ultrasound", 1), stack[1])
    with pytest.raises(ValueError, match="the set ultrasound has images 0 to"):
        sources.image_of("ultrasound", len(stack))


class TestNetworks:
    @pytest.mark.slow
    def test_a_key_is_that_of_the_network_and_is_made_once(self, monkeypatch):
        name, seed = list_weights()[0], sources.images("montgomery")[0]
        key = sources.key_of(name, seed)
        np.testing.assert_array_equal(key, KeyGenerator.load(name).generate(seed))
        monkeypatch.setattr(sources, "network", None)
        assert sources.key_of(name, seed.copy()) is key

    def test_a_seed_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"a seed image must be uint8 of shape .*\(8, 8, 3\)"):
            sources.key_of(list_weights()[0], np.zeros((8, 8, 3), np.uint8))
