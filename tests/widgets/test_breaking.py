"""The panel *Break it*: each attack succeeds where it must, and fails where it must."""

import numpy as np
import pytest

from dkg import metrics
from dkg.keys import OUTPUTS
from dkg.widgets import (
    BreakItPanel,
    ImitationPanel,
    breaking,
    sources,
)


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

    @pytest.mark.slow
    def test_all_attacks_have_a_tab_and_a_row_of_the_still_picture(self):
        panel = BreakItPanel(backdoor_steps=1)
        assert list(panel.titles) == list(panel.panels) and len(panel.children) == 8
        rows = [ax.get_title(loc="left").strip() for ax in panel.static_figure().axes]
        assert [row for row in rows if row] == list(panel.panels)
        assert "image/png" in panel._repr_mimebundle_()
