"""Families of measures on ciphers whose outcome is known."""

import math

import numpy as np
import pytest

from dkg import metrics, randomness
from dkg.evaluation.measures import MEASURES, Sample, encrypt_all
from dkg.evaluation.measures import randomness as suite

from .conftest import Refusing, Xor


def rows_of(name, sample, rng):
    return {row.name: row for row in MEASURES[name].run(sample, rng)}


class Identity(Xor):
    def encrypt(self, image, key):
        return image.copy()

    decrypt = encrypt


@pytest.fixture
def sample(images, rng):
    return encrypt_all(Xor(), images, rng)


def test_names_are_unique_and_every_family_has_its_rows(sample, rng):
    names = []
    for family in MEASURES.values():
        rows = family.run(sample, rng)
        assert rows
        if family.name != "deviation":
            assert {row.group for row in rows} == {family.title}
        names += [row.name for row in rows]
    assert len(names) == len(set(names))
    assert all(family.name == name for name, family in MEASURES.items())


def test_values_are_the_means_of_the_metrics(sample, rng):
    rows = rows_of("histogram", sample, rng) | rows_of("distance", sample, rng)
    ciphertexts = sample.ciphertexts
    assert rows["entropy"].value == np.mean([metrics.entropy(c) for c in ciphertexts])
    assert rows["chi-square"].value == np.mean(
        [metrics.chi_square(c).statistic for c in ciphertexts]
    )
    for name, function in (("MSE", metrics.mse), ("PSNR", metrics.psnr), ("SSIM", metrics.ssim)):
        assert rows[name].value == np.mean([function(a, b) for a, b in sample.pairs])
    rows = rows_of("correlation", sample, rng)
    for direction in ("horizontal", "vertical", "diagonal"):
        assert rows[f"correlation, {direction}"].value == np.mean(
            [metrics.adjacent_correlation(c, direction, None) for c in ciphertexts]
        )


def test_what_needs_more_pixels_says_so(sample, rng):
    local = rows_of("histogram", sample, rng)["local entropy"]
    assert math.isnan(local.value) and local.n == 0
    assert "30 blocks" in local.where
    row = rows_of("correlation", sample, rng)["correlation, vertical, 10,000 pairs"]
    assert "not defined for 2 images" in row.where
    assert "needs 16,384 bytes" in rows_of("sp800-90b", sample, rng)["min-entropy"].where


def test_the_identity_shows_everything(images, rng):
    sample = encrypt_all(Identity(), images, rng)
    rows = rows_of("distance", sample, rng)
    assert rows["MSE"].value == 0 and rows["SSIM"].value == pytest.approx(1)
    assert math.isinf(rows["PSNR"].value)
    assert rows_of("bit-planes", sample, rng)["plaintext in bit plane 1"].value == pytest.approx(1)
    row = rows_of("correlation", sample, rng)["correlation, horizontal"]
    assert row.value > 0.8 and row.looks_random is False


def test_a_keystream_does_not_spread_a_changed_pixel(sample, rng):
    rows = rows_of("plaintext-sensitivity", sample, rng)
    gray, color = (image.size for image in sample.images)
    assert rows["NPCR"].value == pytest.approx(np.mean([100 / gray, 100 / color]))
    assert rows["UACI"].looks_random is False


def test_a_changed_key_changes_everything(sample, rng):
    rows = rows_of("key-sensitivity", sample, rng)
    assert rows["NPCR, key changed"].value > 99
    assert rows["NPCR, decryption with a changed key"].value > 99


def test_a_cipher_without_change_key_says_so(images, rng):
    class NoChange(Xor):
        change_key = None

    [row] = MEASURES["key-sensitivity"].run(encrypt_all(NoChange(), images, rng), rng)
    assert row.n == 0 and "no change_key" in row.where


def test_xor_loses_just_what_is_cut_and_an_authenticated_cipher_refuses(images, rng):
    rows = rows_of("robustness", encrypt_all(Xor(), images, rng), rng)
    for percent in (1, 5, 10, 25, 50):
        for kind in ("cropping", "salt-and-pepper noise"):
            row = rows[f"wrong bytes after {percent} % {kind}"]
            damaged = float(row.where.rpartition("damaged ")[2].rstrip(" %"))
            assert row.value == pytest.approx(damaged, abs=0.005)
            assert row.ideal is None
    rows = rows_of("robustness", encrypt_all(Refusing(), images, rng), rng)
    for row in rows.values():
        assert row.n == 0 and "refused in 2 of 2" in row.where


def test_extra_rows_are_not_measured(images, rng):
    sample = encrypt_all(Refusing(), images, rng)
    assert [c.shape for c in sample.ciphertexts] == [image.shape for image in images]
    rows = rows_of("key-sensitivity", sample, rng)
    assert "refused in 2 of 2" in rows["NPCR, decryption with a changed key"].where


def test_sp_800_22_is_the_suite_of_the_package(sample, rng):
    rows = rows_of("sp800-22", sample, rng)
    for test in ("monobit", "runs", "non_overlapping_template"):
        failed = []
        for ciphertext in sample.ciphertexts:
            table = randomness.run_suite(ciphertext.tobytes(), [test])
            if table["passed"].notna().all():
                failed.append(100 * (table["p_value"].min() * len(table) < 0.01))
        row = rows[test.replace("_", " ")]
        assert row.n == len(failed)
        assert row.value == np.mean(failed)
    assert "all bytes" in rows["monobit"].where
    assert (
        rows["Maurer's universal"].n == 0 and "not applicable" in rows["Maurer's universal"].where
    )


def test_a_keystream_is_the_ciphertext_of_zeros(images, rng):
    class Counter(Xor):
        def encrypt(self, image, key):
            return image ^ np.resize(np.arange(256, dtype=np.uint8), image.shape)

        decrypt = encrypt

    rows = rows_of("keystream", encrypt_all(Counter(), images, rng), rng)
    assert rows["P-values below 0.01, keystream"].looks_random is False
    assert rows["spectral, keystream"].value == 100


@pytest.mark.slow
def test_min_entropy_is_the_smallest_estimate(rng):
    ciphertexts = [rng.integers(0, 256, (128, 128), np.uint8) for _ in range(2)]
    [row] = MEASURES["sp800-90b"].run(Sample([], ciphertexts, []), rng)
    first = [randomness.min_entropy(c)["bits_per_byte"].min() for c in ciphertexts]
    assert suite.ENTROPY_BYTES == 128 * 128
    assert row.value == pytest.approx(np.mean(first))
    halved = [c & 15 for c in ciphertexts]
    [row] = MEASURES["sp800-90b"].run(Sample([], halved, []), rng)
    assert row.value < 4 and row.looks_random is False


def test_ciphertexts_alone_are_enough_for_their_measures(images, rng):
    alone = Sample([], encrypt_all(Xor(), images, rng).full, [])
    for family in MEASURES.values():
        if family.needs == "ciphertexts" and family.name != "sp800-90b":
            assert family.run(alone, rng)
    assert "plaintext in bit plane 8" not in rows_of("bit-planes", alone, rng)


def test_costs(sample, rng):
    rows = rows_of("speed", sample, rng)
    assert rows["encryption speed"].value > 0
    assert rows["time relative to AES-256-CTR"].value > 0
    assert MEASURES["speed"].timed
    [row] = MEASURES["key-space"].run(sample, rng)
    assert row.value == 32 and "the seed" in row.where

    class Silent(Xor):
        key_bits, guess = None, None

    [row] = MEASURES["key-space"].run(encrypt_all(Silent(), sample.images, rng), rng)
    assert row.n == 0 and "does not say" in row.where
