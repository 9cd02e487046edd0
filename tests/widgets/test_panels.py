"""The panels without a browser, and the functions that they call."""

import base64
import functools
import html
import io
import re

import ipywidgets
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from dkg import attacks, metrics, models
from dkg.encryption import decrypt_file, read_key, read_samples
from dkg.keys import OUTPUTS, list_weights
from dkg.widgets import (
    BreakItPanel,
    CipherPanel,
    ImitationPanel,
    KeysPanel,
    RandomnessPanel,
    breaking,
    encryption,
    has_front_end,
    randomness,
    sources,
)
from dkg.widgets.panel import likeness
from dkg.widgets.pictures import png

RANDOM = np.random.default_rng(0)


def random_image(height=256, width=256):
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


class TestKeyGenerators:
    def test_the_controls_are_keyed_freshly(self):
        key = random_image()
        one, two = randomness.key_generators(key), randomness.key_generators(key)
        assert list(one) == ["this key", "AES-256-CTR", "Mersenne Twister"]
        np.testing.assert_array_equal(one["this key"], key.ravel())
        for name in ("AES-256-CTR", "Mersenne Twister"):
            assert one[name].shape == (key.size,)
            assert metrics.npcr(one[name], two[name]) > 99

    def test_the_heat_map_names_the_sequences_and_counts_what_failed(self):
        random = RANDOM.bytes(20_000)
        sequences = {"ones": np.full(20_000, 255, np.uint8), "noise": np.frombuffer(random, "u1")}
        figure, failed = randomness.suite_heatmap(sequences)
        labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert labels == ["ones", "noise"]
        assert failed["ones"] > 100 > 50 > failed["noise"]


def test_measures_stand_beside_those_of_ideal_bytes():
    table = encryption.measures(
        {"noise": random_image(), "flat": np.zeros((256, 256, 3), np.uint8)}
    )
    assert list(table) == ["noise", "flat", "ideal bytes"]
    assert table.loc["entropy (bits)", "flat"] == 0
    assert (table["noise"] - table["ideal bytes"]).abs().max() < 0.02


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


def test_likeness_sees_a_negative_and_a_gray_image():
    image = sources.images("ultrasound")[0]
    shown = likeness(image, {"same": image, "negative": 255 - image, "gray": image[..., 0]})
    assert list(shown) == ["same", "negative", "gray"]
    blocks = "correlation of the means of 16 x 16 pixels"
    assert shown["same"].tolist() == shown["gray"].tolist() == pytest.approx([1, 1])
    assert shown.loc[blocks, "negative"] == pytest.approx(-1)


def test_the_files_are_those_of_the_command(tmp_path):
    plain, key = random_image(), random_image()
    generator = sources.network(list_weights()[0])
    files = encryption.files_to_download(plain, key, generator)
    assert list(files) == ["plain.png", "key.png", "hidden.png", "decrypted.png"]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    read = read_key(tmp_path / "key.png")
    assert read.weights_public and read.weights_sha256 == generator.sha256
    np.testing.assert_array_equal(read.keys[0], key)
    decrypt_file(tmp_path / "hidden.png", tmp_path / "key.png", tmp_path / "back.png")
    for name in ("plain.png", "decrypted.png", "back.png"):
        np.testing.assert_array_equal(read_samples(tmp_path / name), plain)


class FastNetwork:
    """Stands for a network: its keys are noise that depends on the network and the seed image."""

    public, sha256 = True, "0" * 64

    def __init__(self, name, output="paper"):
        self.name = name + output
        self.metadata = {
            "architecture": {"residual_blocks": 1, "width": 2, "convs_per_block": 1},
            "training": {"step": 0, "description": {}},
        }

    def generate(self, seed):
        entropy = [*self.name.encode(), *seed.ravel()[::997], int(seed.sum())]
        return np.random.default_rng(entropy).integers(0, 256, seed.shape, dtype=np.uint8)

    def weights(self):
        network = models.Generator(**self.metadata["architecture"])
        models.initialise(network, torch.Generator().manual_seed(0))
        return {name: values.numpy() for name, values in network.state_dict().items()}


@pytest.fixture
def fast_networks(monkeypatch):
    kept = (sources._key, breaking.predictions, breaking.planted)
    for function in kept:
        function.cache_clear()
    monkeypatch.setattr(sources, "network", FastNetwork)
    predict = attacks.predict_bytes

    def predict_from_less(*keys, samples, seed):
        return predict(*keys, samples=samples // 10, seed=seed)

    monkeypatch.setattr(attacks, "predict_bytes", predict_from_less)
    seed = sources.image_of("montgomery", 0)
    monkeypatch.setattr(
        breaking,
        "retrained_keys",
        lambda n: {o: FastNetwork(f"{n}", o).generate(seed) for o in OUTPUTS},
    )
    yield
    for function in kept:
        function.cache_clear()


PANELS = {
    "keys": KeysPanel,
    "cipher": CipherPanel,
    "imitation": ImitationPanel,
    "randomness": RandomnessPanel,
    "ciphertext alone": breaking.CiphertextAlonePanel,
    "known plaintext": breaking.KnownPlaintextPanel,
    "guess the seed": breaking.GuessSeedPanel,
    "approximate seed": breaking.ApproximateSeedPanel,
    "retrained": breaking.RetrainedPanel,
    "learned": breaking.LearnedPanel,
    "malleability": breaking.MalleabilityPanel,
    "backdoor": functools.partial(breaking.BackdoorPanel, steps=1),
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
        sliders = [c for c in PANELS[name]().controls if isinstance(c, ipywidgets.IntSlider)]
        assert sliders and not any(slider.continuous_update for slider in sliders)

    def test_every_control_changes_what_is_shown(self, name):
        panel = PANELS[name]()
        for control in panel.controls:
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
        panel = KeysPanel()
        panel._click({"relativeX": 30.4, "relativeY": 39.6})
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

    def test_no_change_gives_the_same_key(self):
        panel = KeysPanel()
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
        panel = CipherPanel()
        image = random_image()
        upload(panel, "mine.png", png(image))
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], image)
        assert "mine.png" in panel.message.value
        panel.seed.value = 1
        np.testing.assert_array_equal(panel.view.pictures["plaintext"], image)
        panel.image.value = 1
        np.testing.assert_array_equal(
            panel.view.pictures["plaintext"], sources.image_of("ultrasound", 1)
        )

    def test_an_upload_that_is_no_image_gets_a_sentence_and_changes_nothing(self):
        panel = CipherPanel()
        before = panel.view
        upload(panel, "<b>letter.png", b"Dear colleague")
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


def test_the_same_random_seed_trains_the_same_network():
    keys = breaking.retrained_keys(0)
    again, other = breaking.retrained_keys.__wrapped__(0), breaking.retrained_keys(1)
    assert list(keys) == list(OUTPUTS)
    for output, key in keys.items():
        np.testing.assert_array_equal(key, again[output])
        assert metrics.npcr(key, other[output]) > 50
    assert metrics.npcr(keys["paper"], keys["low-order"]) > 50


@pytest.mark.usefixtures("fast_networks")
class TestAttackPanels:
    """Each attack succeeds where it must, and fails where it must."""

    def test_imitation(self):
        panel = ImitationPanel()
        assert (
            panel.view.pictures["decrypted by the attacker"] != panel.view.pictures["plaintext"]
        ).any()
        panel.attacker.value = panel.victim.value
        np.testing.assert_array_equal(
            panel.view.pictures["decrypted by the attacker"], panel.view.pictures["plaintext"]
        )

    def test_the_right_seed_is_found_once_it_is_among_those_tried(self):
        panel = breaking.GuessSeedPanel()
        plain = sources.image_of("ultrasound", 0)
        panel.right.value, panel.tried.value = 2, 2
        assert (panel.view.pictures["smoothest of the decrypted"] != plain).any()
        panel.tried.value = 3
        np.testing.assert_array_equal(panel.view.pictures["smoothest of the decrypted"], plain)
        assert "number 2 gives" in panel.message.value

    def test_a_part_of_a_plaintext_is_a_part_of_the_other(self):
        panel = breaking.KnownPlaintextPanel()
        second = sources.image_of("ultrasound", 1)
        panel.share.value = 25
        found = panel.view.pictures["second image, found"]
        np.testing.assert_array_equal(found[:64], second[:64])
        assert (found[64:] != second[64:]).any()

    def test_each_damage_has_a_range_of_its_own_and_computes_once(self, monkeypatch):
        panel = breaking.ApproximateSeedPanel()
        computed = []
        compute = panel.compute
        monkeypatch.setattr(panel, "compute", lambda: computed.append(1) or compute())
        for how in (*list(breaking._DAMAGES)[1:], "JPEG"):
            panel.how.value = how
            description, *values = breaking._DAMAGES[how]
            amount = panel.amount
            assert amount.description == description
            assert [amount.min, amount.value, amount.max] == values
            assert "key bits come back" in panel.message.value
        assert len(computed) == len(breaking._DAMAGES)

    def test_a_seed_without_damage_gives_the_whole_image(self):
        panel = breaking.ApproximateSeedPanel()
        panel.how.value = "noise"
        panel.amount.value = 0
        plain = sources.image_of("ultrasound", 0)
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], plain)

    def test_the_right_random_seed_gives_the_whole_image(self):
        panel = breaking.RetrainedPanel()
        plain = sources.image_of("ultrasound", 0)
        assert (panel.view.pictures["decrypted"] != plain).any()
        panel.guess.value = 7
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], plain)
        assert "100.0 % of the key bits agree" in panel.message.value

    def test_noise_is_not_predicted(self):
        panel = breaking.LearnedPanel()
        assert list(panel.view.table) == ["this network", "AES"]
        # The keys of a FastNetwork are as random as those of AES.
        assert (panel.view.table.loc["small network"] < 0.01).all()

    def test_without_a_mark_the_seed_image_is_as_it_was(self):
        panel = breaking.BackdoorPanel(steps=1)
        seed = sources.image_of("montgomery", 0)
        assert (panel.view.pictures["seed image"][:32, :32] != seed[:32, :32]).any()
        np.testing.assert_array_equal(panel.view.pictures["seed image"][32:], seed[32:])
        panel.rows.value = 0
        np.testing.assert_array_equal(panel.view.pictures["seed image"], seed)

    def test_nothing_flipped_is_accepted(self):
        panel = breaking.MalleabilityPanel()
        assert "refused" in panel.message.value
        panel.bits.value = 0
        assert "accepted" in panel.message.value

    def test_all_attacks_have_a_tab_and_a_row_of_the_still_picture(self):
        panel = BreakItPanel(backdoor_steps=1)
        assert list(panel.titles) == list(panel.panels) and len(panel.children) == 8
        rows = [ax.get_title(loc="left").strip() for ax in panel.still().axes]
        assert [row for row in rows if row] == list(panel.panels)
        assert "image/png" in panel._repr_mimebundle_()
