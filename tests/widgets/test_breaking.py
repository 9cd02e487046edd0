"""The panel *Break it*: each attack succeeds where it must, and fails where it must."""

import numpy as np
import pytest

from dkg import metrics
from dkg.keys import OUTPUTS, list_weights
from dkg.widgets import (
    BreakItPanel,
    ImitationPanel,
    attacks,
    sources,
)
from dkg.widgets.panel import BLOCKS, CHANCE
from dkg.widgets.pictures import png

from .images import random_image, upload


@pytest.mark.slow
def test_the_same_random_seed_trains_the_same_network():
    keys = sources.retrained_keys(0)
    again, other = sources.retrained_keys.__wrapped__(0), sources.retrained_keys(1)
    assert list(keys) == list(OUTPUTS)
    for output, key in keys.items():
        np.testing.assert_array_equal(key, again[output])
        assert metrics.npcr(key, other[output]) > 50
    assert metrics.npcr(keys["paper"], keys["low-order"]) > 50


@pytest.mark.usefixtures("fast_networks")
class TestAttackPanels:
    """Each attack succeeds where it must, and fails where it must."""

    @pytest.mark.slow
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
        panel = attacks.GuessSeedPanel()
        panel.answer.value = True
        plain = sources.image_of("ultrasound", 0)
        panel.right.value, panel.tried.value = 2, 2
        assert (panel.view.pictures["smoothest of the decrypted"] != plain).any()
        panel.tried.value = 3
        np.testing.assert_array_equal(panel.view.pictures["smoothest of the decrypted"], plain)
        assert "number 2 gives" in panel.message.value

    def test_a_part_of_a_plaintext_is_a_part_of_the_other(self):
        panel = attacks.KnownPlaintextPanel()
        second = sources.image_of("ultrasound", 1)
        panel.share.value = 25
        found = panel.view.pictures["second image, found"]
        np.testing.assert_array_equal(found[:64], second[:64])
        assert (found[64:] != second[64:]).any()

    def test_each_damage_has_a_range_of_its_own_and_computes_once(self, monkeypatch):
        panel = attacks.ApproximateSeedPanel()
        panel.answer.value = True
        computed = []
        compute = panel.compute
        monkeypatch.setattr(panel, "compute", lambda: computed.append(1) or compute())
        for how in (*list(attacks._DAMAGES)[1:], "JPEG"):
            panel.how.value = how
            description, *values = attacks._DAMAGES[how]
            amount = panel.amount
            assert amount.description == description
            assert [amount.min, amount.value, amount.max] == values
            assert "key bits come back" in panel.message.value
        assert len(computed) == len(attacks._DAMAGES)

    def test_a_seed_without_damage_gives_the_whole_image(self):
        panel = attacks.ApproximateSeedPanel()
        panel.how.value = "noise"
        panel.amount.value = 0
        plain = sources.image_of("ultrasound", 0)
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], plain)

    def test_the_right_random_seed_gives_the_whole_image(self):
        panel = attacks.RetrainedPanel()
        panel.answer.value = True
        plain = sources.image_of("ultrasound", 0)
        assert (panel.view.pictures["decrypted"] != plain).any()
        panel.guess.value = 7
        np.testing.assert_array_equal(panel.view.pictures["decrypted"], plain)
        assert "100.0 % of the key bits agree" in panel.message.value

    def test_noise_is_not_predicted(self):
        panel = attacks.LearnedPanel()
        assert panel.view.table.empty
        panel.answer.value = True
        assert list(panel.view.table) == ["this network", "AES"]
        # The keys of a FastNetwork are as random as those of AES.
        assert (panel.view.table.loc["small network"] < 0.01).all()

    def test_without_a_mark_the_seed_image_is_as_it_was(self):
        panel = attacks.BackdoorPanel(steps=1)
        seed = sources.image_of("montgomery", 0)
        assert (panel.view.pictures["seed image"][:32, :32] != seed[:32, :32]).any()
        np.testing.assert_array_equal(panel.view.pictures["seed image"][32:], seed[32:])
        panel.rows.value = 0
        np.testing.assert_array_equal(panel.view.pictures["seed image"], seed)

    def test_nothing_flipped_is_accepted(self):
        panel = attacks.MalleabilityPanel()
        panel.answer.value = True
        assert "refused" in panel.message.value
        panel.bits.value = 0
        assert "accepted" in panel.message.value

    @pytest.mark.slow
    def test_the_answer_and_the_plaintext_are_shown_when_asked_for(self):
        panel = attacks.CiphertextAlonePanel()
        assert "Predict" in panel.view.words and "What stops" not in panel.view.words
        assert panel.view.table.empty and "what the attacker wants" not in panel.view.pictures
        panel.reveal.value = True
        plain = sources.image_of("ultrasound", 0)
        np.testing.assert_array_equal(panel.view.pictures["what the attacker wants"], plain)
        panel.answer.value = True
        assert "What stops both" in panel.view.words
        # 256 blocks: 1.96 / sqrt(255).
        assert panel.view.table.loc[BLOCKS, CHANCE] == "-0.12 to 0.12"
        panel.reveal.value = panel.answer.value = False
        assert "what the attacker wants" not in panel.view.pictures and panel.view.table.empty

    def test_the_attacked_image_may_be_an_upload(self, rng):
        panel = attacks.MalleabilityPanel()
        image = random_image(rng)
        upload(panel.victim.image, "mine.png", png(image))
        np.testing.assert_array_equal(panel.plain, image)
        assert "mine.png: 256 x 256 pixels, taken as it is" in panel.message.value
        panel.bits.value = 0
        np.testing.assert_array_equal(panel.view.pictures["decrypted with XOR alone"], image)
        upload(panel.victim.image, "letter.png", b"Dear colleague")
        assert "letter.png: not a PNG" in panel.message.value
        np.testing.assert_array_equal(panel.plain, image)
        panel.victim.image.remove.click()
        np.testing.assert_array_equal(panel.plain, sources.image_of("ultrasound", 0))
        assert "mine.png" not in panel.message.value

    def test_any_network_may_be_attacked(self):
        panel = attacks.CiphertextAlonePanel()
        before = panel.view.pictures["ciphertext"]
        panel.victim.network.value = list_weights()[1]
        assert (panel.view.pictures["ciphertext"] != before).any()


@pytest.mark.usefixtures("fast_networks")
class TestBreakItPanel:
    def test_only_the_attack_whose_tab_is_open_is_carried_out(self):
        panel = BreakItPanel(backdoor_steps=1)
        first, second, *others = panel.panels.values()
        assert first.view.pictures and not second.view.pictures
        panel.tabs.selected_index = 1
        assert second.view.pictures
        before = first.view, second.view
        panel.victim.image.number.value = 3
        assert first.view is before[0] and second.view is not before[1]
        assert "image/png" in panel._repr_mimebundle_()
        assert not any(other.view.pictures for other in others)
        panel.tabs.selected_index = 0
        assert first.view is not before[0]

    @pytest.mark.slow
    def test_all_attacks_have_a_tab_and_a_row_of_the_still_picture(self):
        panel = BreakItPanel(backdoor_steps=1)
        assert list(panel.tabs.titles) == list(panel.panels) and len(panel.tabs.children) == 8
        rows = [ax.get_title(loc="left").strip() for ax in panel.static_figure().axes]
        assert [row for row in rows if row] == list(panel.panels)
        assert "image/png" in panel._repr_mimebundle_()
