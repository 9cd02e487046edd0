"""The attack lab: its functions without widgets, and its panels without a browser."""

import base64
import html
import io
import re

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dkg import cipher, data, metrics, widgets
from dkg.cipher import xor
from dkg.keys import KeyGenerator, list_weights


def random_image(height=256, width=256):
    return np.random.default_rng().integers(0, 256, (height, width, 3), dtype=np.uint8)


class TestUpload:
    @pytest.mark.parametrize("format", ["PNG", "TIFF"])
    def test_a_good_file_is_read_as_files_are(self, format, tmp_path):
        image = random_image(40, 60)
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format=format)
        path = tmp_path / "same"
        path.write_bytes(buffer.getvalue())
        read = widgets.read_upload("scan.of.a.patient", buffer.getvalue())
        assert read.shape == (256, 256, 3)
        np.testing.assert_array_equal(read, data.read_image(path))

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("letter.png", b"Dear colleague, please find enclosed"),
            ("empty.png", b""),
            ("cut.png", widgets.png(random_image())[:3000]),
            ("../../letter.txt", b"no image"),
        ],
    )
    def test_a_bad_file_is_named_without_the_folder_it_was_put_in(self, name, content):
        with pytest.raises(ValueError) as caught:
            widgets.read_upload(name, content)
        message = str(caught.value)
        assert name.rpartition("/")[2] in message
        assert "/" not in message.partition(":")[0] and "upload" not in message

    def test_a_file_that_is_too_large_is_refused(self, monkeypatch):
        monkeypatch.setattr(widgets, "_LARGEST_UPLOAD", 2**20)
        with pytest.raises(ValueError, match=r"big\.png: has 2 MiB, more than the 1 MiB"):
            widgets.read_upload("big.png", bytes(2 * 2**20))


class TestPixels:
    @pytest.mark.parametrize(("levels", "expected"), [(5, 205), (200, 255), (-300, 0), (0, 200)])
    def test_one_pixel_changes_and_stays_in_range(self, levels, expected):
        image = np.full((8, 9, 3), 200, np.uint8)
        changed = widgets.change_pixel(image, 7, 8, levels)
        assert (changed[7, 8] == expected).all()
        changed[7, 8] = 200
        assert (changed == image).all() and (image == 200).all()

    @pytest.mark.parametrize(("row", "column"), [(8, 0), (0, 9), (-1, 0)])
    def test_a_pixel_outside_is_refused(self, row, column):
        with pytest.raises(ValueError, match="is not in an image of 8 x 9 pixels"):
            widgets.change_pixel(np.zeros((8, 9, 3), np.uint8), row, column, 1)

    @pytest.mark.parametrize(("row", "column"), [(0, 0), (20, 30), (39, 59)])
    def test_the_frame_leaves_the_pixel_and_its_neighbours(self, row, column):
        image = np.zeros((40, 60, 3), np.uint8)
        image[row, column] = 77
        marked = widgets.mark_pixel(image, row, column)
        rows, columns = np.nonzero((marked != image).any(axis=2))
        assert rows.size and (marked[row, column] == 77).all()
        distance = np.maximum(abs(rows - row), abs(columns - column))
        assert set(distance) == {4, 5}


class TestPictures:
    def test_the_spectrum_shows_a_wave_where_it_is(self):
        columns = np.arange(256)
        wave = np.uint8(np.rint(128 + 100 * np.sin(2 * np.pi * 32 * columns / 256)))
        image = np.repeat(np.broadcast_to(wave, (256, 256))[..., None], 3, axis=2)
        bright = np.argwhere(widgets.spectrum(image) == 255)
        assert bright.tolist() == [[128, 96], [128, 160]]

    def test_the_spectrum_of_ideal_bytes_is_even(self):
        shown = widgets.spectrum(random_image())
        # The mean of the logarithm of such power lies a little below that of its mean.
        assert 110 < shown.mean() < 128
        corner = shown[:64, :64].mean()
        assert abs(corner - shown[96:160, 96:160].mean()) < 3

    def test_png_loses_nothing(self):
        image = random_image(20, 30)
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(widgets.png(image)))), image)

    def test_a_figure_becomes_an_image_of_its_size(self):
        figure, axes = widgets.plots.style.new_figure(1, 1, figsize=(3, 2))
        axes[0, 0].plot([0, 1])
        drawn = widgets.figure_as_image(figure)
        assert drawn.shape == (200, 300, 3) and drawn.dtype == np.uint8
        assert drawn.min() < 100 < drawn.max()


class TestAttacks:
    def test_equal_bits(self):
        key = random_image()
        assert widgets.equal_bits(key, key) == 100
        assert widgets.equal_bits(key, ~key) == 0
        # Five standard deviations of 1,572,864 fair coins.
        assert abs(widgets.equal_bits(key, random_image()) - 50) < 5 * 50 / 1_572_864**0.5

    @pytest.mark.parametrize(("share", "rows"), [(0, 0), (50, 128), (100, 256)])
    def test_a_known_part_gives_the_other_image_and_no_more(self, share, rows):
        first, second, key = (random_image() for _ in range(3))
        found = widgets.use_known_part(first, xor(first, key), xor(second, key), share)
        np.testing.assert_array_equal(found[:rows], second[:rows])
        np.testing.assert_array_equal(found[rows:], xor(second, key)[rows:])

    def test_a_known_part_is_no_use_if_each_image_has_its_own_key(self):
        first, second = (random_image() for _ in range(2))
        found = widgets.use_known_part(
            first, xor(first, random_image()), xor(second, random_image()), 100
        )
        assert abs(widgets.equal_bits(found, second) - 50) < 5 * 50 / 1_572_864**0.5

    def test_flipped_bits_arrive_in_the_plaintext_and_the_tag_notices(self):
        plain, key = random_image(), random_image()
        ciphertext, metadata = cipher.encrypt(plain, key[None])
        changed = widgets.flip_region(ciphertext, 10, 64, 0b1010_0000)
        difference = xor(xor(changed, key), plain)
        assert set(np.unique(difference)) == {0, 0b1010_0000}
        assert np.count_nonzero(difference) == 64 * 64 * 3
        assert difference[10:74, 96:160].all()
        assert widgets.verdict_of_tag(ciphertext, metadata, key[None]) == "accepted"
        assert "refused: the ciphertext" in widgets.verdict_of_tag(changed, metadata, key[None])

    def test_place_of_the_right_candidate(self):
        candidates = widgets.images("ultrasound")
        right = np.arange(len(candidates))
        for by in ("blocks", "edges"):
            places = [widgets.place(candidates[[i]], candidates, i, by)[0] for i in right]
            assert places == [1] * len(candidates)
            nothing = np.zeros_like(candidates[:1])
            assert widgets.place(nothing, candidates, 0, by)[0] == len(candidates)

    def test_every_key_decrypts_its_own_ciphertext_only(self):
        plain = random_image()
        keys = {"A": random_image(), "B": random_image()}
        shown = widgets.decryptions(plain, keys)
        assert list(shown) == [("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")]
        assert [(image == plain).all() for image in shown.values()] == [True, False, False, True]


class TestKeyGenerators:
    def test_the_controls_are_keyed_freshly(self):
        key = random_image()
        one, two = widgets.key_generators(key), widgets.key_generators(key)
        assert list(one) == ["this key", "AES-256-CTR", "Mersenne Twister"]
        np.testing.assert_array_equal(one["this key"], key.ravel())
        for name in ("AES-256-CTR", "Mersenne Twister"):
            assert one[name].shape == (key.size,)
            assert metrics.npcr(one[name], two[name]) > 99

    def test_the_heat_map_names_the_sequences_and_counts_what_failed(self):
        random = np.random.default_rng().bytes(20_000)
        sequences = {"ones": np.full(20_000, 255, np.uint8), "noise": np.frombuffer(random, "u1")}
        figure, failed = widgets.suite_heatmap(sequences)
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert labels == ["ones", "noise"]
        assert failed["ones"] > 100 > 50 > failed["noise"]


def test_measures_stand_beside_those_of_ideal_bytes():
    table = widgets.measures({"noise": random_image(), "flat": np.zeros((256, 256, 3), np.uint8)})
    assert list(table) == ["noise", "flat", "ideal bytes"]
    assert table.loc["entropy (bits)", "flat"] == 0
    assert (table["noise"] - table["ideal bytes"]).abs().max() < 0.02


def test_likeness_sees_a_negative():
    image = widgets.images("ultrasound")[0]
    same, negative = widgets.likeness(image, image), widgets.likeness(image, 255 - image)
    assert [round(value, 6) for value in same.values()] == [1, 1]
    assert negative["correlation of the means of 16 x 16 pixels"] == pytest.approx(-1)


def test_an_image_that_the_set_does_not_have():
    stack = widgets.images("ultrasound")
    np.testing.assert_array_equal(widgets.image_of("ultrasound", 1), stack[1])
    with pytest.raises(ValueError, match="the set ultrasound has images 0 to"):
        widgets.image_of("ultrasound", len(stack))


class TestNetworks:
    def test_a_key_is_that_of_the_network_and_is_made_once(self, monkeypatch):
        name, seed = list_weights()[0], widgets.images("montgomery")[0]
        key = widgets.key_of(name, seed)
        np.testing.assert_array_equal(key, KeyGenerator.load(name).generate(seed))
        monkeypatch.setattr(widgets, "network", None)
        assert widgets.key_of(name, seed.copy()) is key

    def test_a_seed_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"a seed image must be uint8 of shape .*\(8, 8, 3\)"):
            widgets.key_of(list_weights()[0], np.zeros((8, 8, 3), np.uint8))

    def test_the_files_are_those_of_the_command(self, tmp_path):
        plain, key = random_image(), random_image()
        generator = widgets.network(list_weights()[0])
        files = widgets.files_to_download(plain, key, generator)
        assert list(files) == ["plain.png", "key.png", "hidden.png", "decrypted.png"]
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        read = cipher.read_key(tmp_path / "key.png")
        assert read.weights_public and read.weights_sha256 == generator.sha256
        np.testing.assert_array_equal(read.keys[0], key)
        cipher.decrypt_file(tmp_path / "hidden.png", tmp_path / "key.png", tmp_path / "back.png")
        for name in ("plain.png", "decrypted.png", "back.png"):
            np.testing.assert_array_equal(cipher.read_samples(tmp_path / name), plain)


class FastNetwork:
    """Stands for a network: its keys are noise that depends on the network and the seed image."""

    public, sha256 = True, "0" * 64

    def __init__(self, name):
        self.name = name

    def generate(self, seed):
        entropy = [*self.name.encode(), *seed.ravel()[::997], int(seed.sum())]
        return np.random.default_rng(entropy).integers(0, 256, seed.shape, dtype=np.uint8)


@pytest.fixture
def fast_networks(monkeypatch):
    widgets._key.cache_clear()
    monkeypatch.setattr(widgets, "network", FastNetwork)
    yield
    widgets._key.cache_clear()


PANELS = {
    "keys": widgets.KeysPanel,
    "cipher": widgets.CipherPanel,
    "imitation": widgets.ImitationPanel,
    "known plaintext": widgets.KnownPlaintextPanel,
    "guess the seed": widgets.GuessSeedPanel,
    "approximate seed": widgets.ApproximateSeedPanel,
    "averaging": widgets.AveragingPanel,
    "malleability": widgets.MalleabilityPanel,
    "randomness": widgets.RandomnessPanel,
}


def controls(panel):
    return [w for w in panel.children[0].children if isinstance(w, ipywidgets.ValueWidget)]


def pictures(panel):
    """Return what the panel's picture widgets hold, by their titles."""
    shown = {}
    for box in panel._pictures.children:
        alt, content = re.search(
            r'alt="(.*?)" src="data:image/png;base64,(.*?)"', box.children[1].value
        ).groups()
        assert html.unescape(alt) == box.children[0].value
        shown[html.unescape(alt)] = np.array(Image.open(io.BytesIO(base64.b64decode(content))))
    return shown


@pytest.mark.usefixtures("fast_networks")
@pytest.mark.parametrize("name", PANELS)
class TestEveryPanel:
    def test_it_shows_its_view_and_says_what_its_keys_are_worth(self, name):
        panel = PANELS[name]()
        shown = pictures(panel)
        assert list(shown) == list(panel.view.pictures)
        for title, image in panel.view.pictures.items():
            np.testing.assert_array_equal(shown[title], image)
        assert "alert" not in panel.message.value and "Computing" not in panel.message.value
        texts = [child.value for child in panel.children if isinstance(child, ipywidgets.HTML)]
        assert any("for study only" in text for text in texts)

    def test_its_sliders_wait_for_the_hand_to_stop(self, name):
        sliders = [c for c in controls(PANELS[name]()) if isinstance(c, ipywidgets.IntSlider)]
        assert sliders and not any(slider.continuous_update for slider in sliders)

    def test_every_control_changes_what_is_shown(self, name):
        panel = PANELS[name]()
        for control in controls(panel):
            before = panel.view
            if isinstance(control, ipywidgets.IntSlider):
                control.value = control.max if control.value != control.max else control.min
            elif isinstance(control, ipywidgets.Dropdown):
                control.index = (control.index + 1) % len(control.options)
            elif isinstance(control, ipywidgets.Checkbox):
                control.value = not control.value
            else:
                continue
            after = panel.view
            assert (
                after.words != before.words
                or not after.table.equals(before.table)
                or list(after.pictures) != list(before.pictures)
                or any((after.pictures[t] != before.pictures[t]).any() for t in after.pictures)
            ), control.description

    def test_what_goes_wrong_is_a_sentence_and_the_pictures_stay(self, name, monkeypatch):
        panel = PANELS[name]()
        before = pictures(panel)

        def fail(*_):
            raise ValueError("the <set> is not there")

        monkeypatch.setattr(widgets, "key_of", fail)
        panel.refresh()
        assert 'role="alert"' in panel.message.value
        assert "the &lt;set&gt; is not there" in panel.message.value
        assert all((pictures(panel)[title] == image).all() for title, image in before.items())

    def test_a_page_that_cannot_show_it_gets_a_picture_and_no_key_in_words(self, name):
        panel = PANELS[name]()
        bundle = panel._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
        assert still.size[0] > 200
        assert len(bundle["text/plain"]) < 200


@pytest.mark.usefixtures("fast_networks")
class TestKeysPanel:
    def test_a_click_chooses_the_pixel(self):
        panel = widgets.KeysPanel()
        panel._click({"relativeX": 30.4, "relativeY": 40})
        assert (panel.row.value, panel.column.value) == (40, 30)
        assert "Pixel (40, 30) changed" in panel.message.value
        panel.row.value = 41
        assert "Pixel (41, 30) changed" in panel.message.value

    def test_a_click_computes_once(self, monkeypatch):
        panel = widgets.KeysPanel()
        calls = []
        monkeypatch.setattr(panel, "compute", lambda: calls.append(1) or panel.view)
        panel.choose_pixel(1, 2)
        assert calls == [1]

    def test_no_change_gives_the_same_key(self):
        panel = widgets.KeysPanel()
        panel.levels.value = 0
        assert panel.view.table.loc["keys before and after the change", "NPCR (%)"] == 0
        assert not panel.view.pictures["changed bytes of the key"].any()


def upload(panel, name, content):
    file = {
        "name": name,
        "type": "",
        "size": len(content),
        "last_modified": pd.Timestamp.now(tz="UTC").to_pydatetime(),
        "content": memoryview(content),
    }
    panel.upload.value = (file,)


@pytest.mark.usefixtures("fast_networks")
class TestCipherPanel:
    def test_an_uploaded_image_is_encrypted_until_another_one_is_chosen(self):
        panel = widgets.CipherPanel()
        image = random_image()
        upload(panel, "mine.png", widgets.png(image))
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], image)
        assert "mine.png" in panel.message.value
        panel.seed.value = 1
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        panel.image.value = 1
        np.testing.assert_array_equal(
            panel.view.pictures["plaintext"], widgets.image_of("ultrasound", 1)
        )

    def test_an_upload_that_is_no_image_gets_a_sentence_and_changes_nothing(self):
        panel = widgets.CipherPanel()
        before = panel.view
        upload(panel, "<b>letter.png", b"Dear colleague")
        assert 'role="alert"' in panel.message.value
        assert "&lt;b&gt;letter.png: not a PNG" in panel.message.value
        assert panel.view is before

    def test_the_files_are_there_when_asked_for_and_gone_after_a_change(self):
        panel = widgets.CipherPanel()
        assert panel._links.value == ""
        panel.files.click()
        links = dict(
            re.findall(r'download="(\S+)" href="data:image/png;base64,(\S+)"', panel._links.value)
        )
        assert list(links) == ["plain.png", "key.png", "hidden.png", "decrypted.png"]
        plain = Image.open(io.BytesIO(base64.b64decode(links["plain.png"])))
        np.testing.assert_array_equal(np.array(plain), panel.view.pictures["plaintext"])
        panel.seed.value = 1
        assert panel._links.value == ""


@pytest.mark.usefixtures("fast_networks")
class TestAttackPanels:
    """Each attack succeeds where it must, and fails where it must."""

    def test_imitation(self):
        panel = widgets.ImitationPanel()
        assert (
            panel.view.pictures["decrypted by the attacker"] != panel.view.pictures["plaintext"]
        ).any()
        panel.attacker.value = panel.victim.value
        np.testing.assert_array_equal(
            panel.view.pictures["decrypted by the attacker"], panel.view.pictures["plaintext"]
        )

    def test_the_right_seed_is_found_once_it_is_among_those_tried(self):
        panel = widgets.GuessSeedPanel()
        plain = widgets.image_of("ultrasound", 0)
        panel.right.value, panel.tried.value = 2, 2
        assert (panel.view.pictures["smoothest of the decrypted"] != plain).any()
        panel.tried.value = 3
        np.testing.assert_array_equal(panel.view.pictures["smoothest of the decrypted"], plain)
        assert "number 2 gives" in panel.message.value

    def test_nothing_flipped_is_accepted(self):
        panel = widgets.MalleabilityPanel()
        assert "refused" in panel.message.value
        panel.bits.value = 0
        assert "accepted" in panel.message.value

    def test_all_attacks_have_a_tab_and_a_row_of_the_still_picture(self):
        panel = widgets.BreakItPanel()
        assert list(panel.titles) == list(panel.panels) and len(panel.children) == 5
        titles = [ax.get_title() for ax in panel.still().axes]
        for attack in panel.panels:
            assert any(title.startswith(attack) for title in titles)
        assert "image/png" in panel._repr_mimebundle_()
