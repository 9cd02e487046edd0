"""Attacks on the ciphertext alone, side by side."""

import numpy as np
import pytest
from scipy import stats

from dkg import attacks, metrics

from .helpers import ideal_keys, smooth_images

SIDE = 64


@pytest.fixture(scope="module")
def plain():
    return smooth_images(np.random.default_rng(3), 20, SIDE)


@pytest.mark.slow
def test_every_attack_reads_a_broken_cipher_and_none_a_sound_one(plain, rng):
    weak = attacks.low_entropy_keys(20, (SIDE, SIDE), seed=1)
    options = {"n_test": 8, "n_pairs": 60, "steps": 40, "seed": 1, "progress": False}
    recovery = attacks.recover(weak, plain, **options)
    broken = recovery.table
    assert recovery.strongest == broken["correlation"].idxmax()
    assert np.array_equal(recovery.ciphertexts ^ weak[-8:], recovery.plain)
    for name, images in recovery.recovered.items():
        row = attacks.compare_recovered(images, plain[-8:], signed=name in ("ridge", "U-Net"))
        assert row["correlation"] == pytest.approx(broken.loc[name, "correlation"])
    assert tuple(broken.index) == attacks.ATTACKS
    assert (broken["low"] > broken["chance_high"]).all()
    assert (broken["low"] <= broken["correlation"]).all()
    assert (broken["correlation"] <= broken["high"]).all()
    learned = broken.loc[["ridge", "U-Net"]]
    assert (learned["named"] > learned["named_chance"]).all()
    assert broken["ssim"].isna().tolist() == [True, True, False, False]
    sound = attacks.recover(ideal_keys(rng, 20, SIDE), plain, **options).table
    assert (sound["named"] <= 3 / 8).all()  # More than three of eight: P = 0.002 each.
    assert (sound["correlation"].abs() < 0.3).all()
    again = attacks.recover(weak, plain, **options | {"attacks": ["ridge", "block means"]}).table
    assert again.equals(broken.loc[["ridge", "block means"]])


def test_comparison_with_plaintexts(plain):
    coarse = attacks.coarse(plain)
    noise = np.random.default_rng(4).normal(0, 40, coarse.shape)
    row = attacks.compare_recovered(coarse + noise, plain, seed=0)
    expected = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(coarse + noise, coarse, strict=True)
    ]
    assert row["correlation"] == pytest.approx(np.mean(expected))
    bootstrap = stats.bootstrap(
        (expected,), np.mean, method="percentile", rng=np.random.default_rng(1), n_resamples=20_000
    ).confidence_interval
    width = bootstrap.high - bootstrap.low
    assert row["low"] == pytest.approx(bootstrap.low, abs=width / 10)
    assert row["high"] == pytest.approx(bootstrap.high, abs=width / 10)
    assert row["chance_high"] < row["low"]
    assert row["named"] == 1
    assert row["named_chance"] == stats.binom.ppf(0.95, 20, 1 / 20) / 20
    levels = np.uint8(np.rint(np.clip(coarse + noise, 0, 255)))
    similar = [metrics.ssim(a, np.uint8(np.rint(b))) for a, b in zip(levels, coarse, strict=True)]
    assert row["ssim"] == pytest.approx(np.mean(similar))


def test_signs_count_only_where_the_attack_knows_them(plain):
    negative = 255 - attacks.coarse(plain)
    assert attacks.compare_recovered(negative, plain)["correlation"] == pytest.approx(-1)
    blind = attacks.compare_recovered(negative, plain, signed=False)
    assert blind["correlation"] == pytest.approx(1)
    assert blind["named"] == 1
    assert np.isnan(blind["ssim"])


def test_a_constant_names_nothing(plain):
    row = attacks.compare_recovered(np.full((20, 16, 16), 7.0), plain)
    assert row["correlation"] == row["named"] == row["chance_high"] == 0


def test_the_mean_image_names_at_most_one(plain):
    row = attacks.mean_image(plain[:12], plain[12:], seed=0)
    assert row["named"] <= 1 / 8
    assert row["chance_low"] - 0.2 < row["correlation"] < row["chance_high"] + 0.2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attacks": ["guess"]}, "unknown attack 'guess'"),
        ({"n_test": 2}, "at least 3 and below .* not 2 of 6 keys and 20 images"),
        ({"n_test": 6}, "not 6 of 6 keys"),
        ({"keys": np.zeros((6, SIDE, SIDE, 3), np.uint8)}, "keys to test on"),
        ({"images": np.zeros((6, SIDE, SIDE, 3), np.uint8)}, "images to test on"),
    ],
)
def test_bad_arguments_are_refused(change, words, plain, rng):
    arguments = {"keys": ideal_keys(rng, 6, SIDE), "images": plain, "n_test": 3, **change}
    with pytest.raises(ValueError, match=words):
        attacks.recover(arguments.pop("keys"), arguments.pop("images"), **arguments)


def test_a_comparison_of_other_shapes_is_refused(plain):
    for recovered, images in ((np.zeros((20, 64, 64)), plain), (np.zeros((2, 16, 16)), plain[:2])):
        with pytest.raises(ValueError, match="at least 3 plaintexts"):
            attacks.compare_recovered(recovered, images)


def test_a_picture_is_clipped_to_bytes():
    recovery = attacks.Recovery(None, {"ridge": np.array([[[-3.0, 7.5, 300.0]]])}, None, None)
    assert recovery.picture("ridge").tolist() == [[0, 7, 255]]
    assert recovery.picture("ridge").dtype == np.uint8
