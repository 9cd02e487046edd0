"""The panels without a browser, and the functions that they call."""

import base64
import functools
import html
import io
import re

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from dkg import metrics
from dkg.encryption import decrypt_file, read_key, read_samples
from dkg.keys import list_weights
from dkg.widgets import (
    CipherPanel,
    ImitationPanel,
    KeysPanel,
    RandomnessPanel,
    attacks,
    has_front_end,
    scheme,
    sources,
)
from dkg.widgets.panel import BLOCKS, CHANCE, likeness
from dkg.widgets.pictures import png

from .images import random_image, upload


class TestKeyGenerators:
    def test_the_controls_are_keyed_freshly(self, rng):
        key = random_image(rng)
        one, two = scheme.key_generators(key), scheme.key_generators(key)
        assert list(one) == ["this key", "AES-256-CTR", "Mersenne Twister"]
        np.testing.assert_array_equal(one["this key"], key.ravel())
        for name in ("AES-256-CTR", "Mersenne Twister"):
            assert one[name].shape == (key.size,)
            assert metrics.npcr(one[name], two[name]) > 99

    def test_the_heat_map_names_the_sequences_and_counts_what_failed(self, rng):
        random = rng.bytes(20_000)
        sequences = {"ones": np.full(20_000, 255, np.uint8), "noise": np.frombuffer(random, "u1")}
        figure, failed = scheme.suite_heatmap(sequences)
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert labels == ["ones", "noise"]
        assert failed["ones"] > 100 > 50 > failed["noise"]


def test_measures_stand_beside_those_of_ideal_bytes(rng):
    table = scheme.measures({"noise": random_image(rng), "flat": np.zeros((256, 256, 3), np.uint8)})
    assert list(table) == ["noise", "flat", CHANCE]
    assert table.loc["entropy (bits)", "flat"] == 0
    for noise, chance in zip(table["noise"], table[CHANCE], strict=True):
        low, high = map(float, chance.split(" to "))
        # Twice as wide as what one draw in twenty leaves.
        assert 2 * low - high < noise < 2 * high - low


def test_who_sits_in_front(monkeypatch):
    for variable in ("JPY_SESSION_NAME", "VSCODE_PID", "SERVER_SOFTWARE"):
        monkeypatch.delenv(variable, raising=False)
    assert not has_front_end()
    for variable, value in {
        "JPY_SESSION_NAME": "notebook.ipynb",
        "VSCODE_PID": "1",
        "SERVER_SOFTWARE": "voila/0.5.8",
    }.items():
        with monkeypatch.context() as patched:
            patched.setenv(variable, value)
            assert has_front_end()
    monkeypatch.setenv("SERVER_SOFTWARE", "gunicorn")
    assert not has_front_end()


@pytest.mark.slow
def test_likeness_sees_a_negative_and_a_gray_image():
    image = sources.images("ultrasound")[0]
    shown = likeness(image, {"same": image, "negative": 255 - image, "gray": image[..., 0]})
    assert list(shown) == ["same", "negative", "gray", CHANCE]
    assert shown["same"].tolist() == shown["gray"].tolist() == pytest.approx([1, 1])
    assert shown.loc[BLOCKS, "negative"] == pytest.approx(-1)
    assert shown.loc[BLOCKS, CHANCE] == "-0.12 to 0.12"  # 1.96 / sqrt(255), of 256 blocks.


def test_the_files_are_those_of_the_command(tmp_path, rng):
    plain, key = random_image(rng), random_image(rng)
    generator = sources.network(list_weights()[0])
    files = scheme.files_to_download(plain, key, generator)
    assert list(files) == ["plain.png", "key.png", "hidden.png", "decrypted.png"]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "key.png").chmod(0o600)
    read = read_key(tmp_path / "key.png")
    assert read.weights_public and read.weights_sha256 == generator.sha256
    np.testing.assert_array_equal(read.keys[0], key)
    decrypt_file(tmp_path / "hidden.png", tmp_path / "key.png", tmp_path / "back.png")
    for name in ("plain.png", "decrypted.png", "back.png"):
        np.testing.assert_array_equal(read_samples(tmp_path / name), plain)


PANELS = {
    "keys": KeysPanel,
    "cipher": CipherPanel,
    "imitation": ImitationPanel,
    "randomness": RandomnessPanel,
    "ciphertext alone": attacks.CiphertextAlonePanel,
    "known plaintext": attacks.KnownPlaintextPanel,
    "guess the seed": attacks.GuessSeedPanel,
    "approximate seed": attacks.ApproximateSeedPanel,
    "retrained": attacks.RetrainedPanel,
    "learned": attacks.LearnedPanel,
    "malleability": attacks.MalleabilityPanel,
    "backdoor": functools.partial(attacks.BackdoorPanel, steps=1),
}

# The question of the one says that it has networks of its own; the other attacks keys.
WITHOUT_EFFECT = {
    "retrained": ["network"],
    "learned": ["hide an image of", "image"],
}


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
    @pytest.mark.slow
    def test_it_shows_its_view_and_says_what_its_keys_are_worth(self, name):
        panel = PANELS[name]()
        shown = pictures(panel)
        assert list(shown) == list(panel.view.pictures)
        for title, image in panel.view.pictures.items():
            np.testing.assert_array_equal(shown[title], image)
        assert "alert" not in panel.message.value and "Computing" not in panel.message.value
        texts = [child.value for child in panel.children if isinstance(child, ipywidgets.HTML)]
        assert any("for study only" in text for text in texts)

    @pytest.mark.slow
    def test_its_sliders_wait_for_the_hand_to_stop(self, name):
        sliders = [c for c in PANELS[name]().controls if isinstance(c, ipywidgets.IntSlider)]
        assert sliders and not any(slider.continuous_update for slider in sliders)

    @pytest.mark.slow
    def test_every_control_changes_what_is_shown(self, name):
        panel = PANELS[name]()
        for control in panel.controls:
            if control.description in WITHOUT_EFFECT.get(name, ()):
                continue
            before = panel.view
            if isinstance(control, ipywidgets.IntSlider):
                control.value = control.max if control.value != control.max else control.min
            elif isinstance(control, ipywidgets.Dropdown):
                control.index = (control.index + 1) % len(control.options)
            else:
                control.value = not control.value
            after = panel.view
            assert (
                after.words != before.words
                or not after.table.equals(before.table)
                or list(after.pictures) != list(before.pictures)
                or any((after.pictures[t] != before.pictures[t]).any() for t in after.pictures)
            ), control.description

    @pytest.mark.slow
    def test_what_goes_wrong_is_a_sentence_and_the_pictures_stay(self, name, monkeypatch):
        panel = PANELS[name]()
        before = pictures(panel)

        def fail(*_):
            raise ValueError("the <set> is not there")

        monkeypatch.setattr(panel, "compute", fail)
        panel.refresh()
        assert 'role="alert"' in panel.message.value
        assert "the &lt;set&gt; is not there" in panel.message.value
        assert all((pictures(panel)[title] == image).all() for title, image in before.items())

    @pytest.mark.slow
    def test_a_page_that_cannot_show_it_gets_a_picture_and_no_key_in_words(self, name):
        panel = PANELS[name]()
        bundle = panel._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
        assert still.size[0] > 200
        assert len(bundle["text/plain"]) < 200


@pytest.mark.usefixtures("fast_networks")
class TestKeysPanel:
    @pytest.mark.slow
    def test_a_click_chooses_the_pixel(self):
        panel = KeysPanel()
        # The picture is shown at half of its size.
        half = {"boundingRectWidth": 128, "boundingRectHeight": 128}
        panel._click({"relativeX": 15.2, "relativeY": 20.2} | half)
        assert (panel.row.value, panel.column.value) == (40, 30)
        assert "Pixel (40, 30) changed" in panel.message.value
        panel.row.value = 41
        assert "Pixel (41, 30) changed" in panel.message.value

    def test_a_click_computes_once(self, monkeypatch):
        panel = KeysPanel()
        calls = []
        monkeypatch.setattr(panel, "compute", lambda: calls.append(1) or panel.view)
        panel.choose_pixel(1, 2)
        assert calls == [1]

    def test_a_change_that_saturates_says_so(self):
        panel = KeysPanel()
        seed = sources.image_of("montgomery", 0)
        before = int(seed[128, 128, 0])
        panel.levels.value = 250
        assert f"changed by {min(250, 255 - before)}" in panel.view.words
        assert ("You asked for 250" in panel.view.words) == (before > 5)
        panel.levels.value = 0
        assert "You asked" not in panel.view.words

    def test_no_change_gives_the_same_key(self):
        panel = KeysPanel()
        panel.levels.value = 0
        assert panel.view.table.loc["keys before and after the change", "NPCR (%)"] == 0
        assert not panel.view.pictures["changed bytes of the key"].any()


@pytest.mark.usefixtures("fast_networks")
class TestCipherPanel:
    def test_an_uploaded_image_is_encrypted_until_another_one_is_chosen(self, rng):
        panel = CipherPanel()
        image = random_image(rng)
        upload(panel.image, "mine.png", png(image))
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], image)
        assert "mine.png" in panel.message.value
        panel.seed.value = 1
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        panel.image.number.value = 1
        np.testing.assert_array_equal(
            panel.view.pictures["plaintext"], sources.image_of("ultrasound", 1)
        )

    def test_the_same_file_can_be_uploaded_again_after_another_choice(self, rng):
        panel = CipherPanel()
        image = png(random_image(rng))
        upload(panel.image, "mine.png", image)
        mine = panel.view.pictures["plaintext"]
        panel.image.number.value = 1
        assert not np.array_equal(panel.view.pictures["plaintext"], mine)
        upload(panel.image, "mine.png", image)
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], mine)

    def test_an_upload_that_is_no_image_gets_a_sentence_and_changes_nothing(self):
        panel = CipherPanel()
        before = panel.view
        upload(panel.image, "<b>letter.png", b"Dear colleague")
        assert 'role="alert"' in panel.message.value
        assert "&lt;b&gt;letter.png: not a PNG" in panel.message.value
        assert panel.view is before

    def test_the_files_are_there_when_asked_for_and_gone_after_a_change(self):
        panel = CipherPanel()
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
