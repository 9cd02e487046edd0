"""Measures of keys and images, beside those of random bytes."""

import json

import numpy as np
import pytest

from dkg import encryption, metrics

from .conftest import error, make_key, random_bytes, run, save


def measures(*arguments):
    return [
        {row["measure"]: row for row in table["measures"]}
        for table in json.loads(run("analyze", "--json", *arguments).stdout)
    ]


def test_analyze_a_key(key):
    image = encryption.read_samples(key)
    [rows] = measures(key)
    assert rows["entropy"]["value"] == metrics.entropy(image)
    assert rows["entropy"]["ideal"] == metrics.ideal_entropy(196_608).mean
    assert rows["chi-square"]["value"] == metrics.chi_square(image).statistic
    for direction in ("horizontal", "vertical", "diagonal"):
        value = rows[f"correlation, {direction}"]["value"]
        assert value == metrics.adjacent_correlation(image, direction, None)
    assert all(
        row["inside"] == (row["low"] <= row["value"] <= row["high"]) for row in rows.values()
    )
    table = run("analyze", key).stdout
    assert f"{key} (key), 256 x 256 x 3" in table
    for name in rows:
        assert name in table


def test_analyze_a_pair(tmp_path, key, encrypted):
    a, b = save(tmp_path / "a.png", random_bytes(30, 20)), encrypted
    assert "not compared" in run("analyze", a, b).stderr
    a = save(tmp_path / "a.png", random_bytes(12, 10))
    x, y = encryption.read_samples(a), encryption.read_samples(b)
    rows = measures(a, b)[-1]
    for name in ("NPCR", "UACI", "MSE", "PSNR", "SSIM"):
        assert rows[name]["value"] == getattr(metrics, name.lower())(x, y)
    assert rows["NPCR"]["low"] == metrics.npcr_interval(120).low
    assert rows["UACI"]["low"] is None  # One of the two is a plain image.

    rows = measures(key, make_key(tmp_path / "other.png"))[-1]
    interval = metrics.uaci_interval(196_608)
    assert (rows["UACI"]["low"], rows["UACI"]["high"]) == (interval.low, interval.high)
    assert rows["UACI"]["inside"] == (rows["UACI"]["value"] in interval)


def test_analyze_shows_what_the_averaged_ciphertext_shows(tmp_path):
    random = np.random.default_rng(5)
    plain = np.zeros((256, 256), np.uint8)
    plain[:128], plain[128:] = 10, 240
    image = save(tmp_path / "plain.png", plain ^ random.integers(0, 8, plain.shape, np.uint8))
    # The top bit of this key is set in three of four bytes, that of the other one in half of them.
    for name, share in (("biased", 0.75), ("balanced", 0.5)):
        key = random.integers(0, 128, plain.shape, np.uint8)
        key |= (128 * (random.random(plain.shape) < share)).astype(np.uint8)
        ciphertext = save(tmp_path / f"{name}.png", encryption.read_samples(image) ^ key)
        row = measures(image, ciphertext)[-1]["block correlation"]
        expected = metrics.block_correlation(
            encryption.read_samples(image), encryption.read_samples(ciphertext)
        )
        assert row["value"] == expected
        assert row["high"] == -row["low"] == pytest.approx(1.96 / 255**0.5, rel=1e-4)
        assert abs(row["value"]) > 0.9 if name == "biased" else abs(row["value"]) < 0.3
    assert "averaged ciphertext shows" in run("analyze", image, ciphertext).stdout
    assert "averaged ciphertext" not in run("analyze", image).stdout


def test_analyze_says_the_same_again(key):
    assert run("analyze", key, key).stdout == run("analyze", key, key).stdout


def test_analyze_finds_what_is_not_random(tmp_path):
    flat = save(tmp_path / "flat.png", np.zeros((256, 256, 3), np.uint8))
    rows = measures(flat)[0]
    assert rows["entropy"]["value"] == 0
    assert rows["entropy"]["inside"] is False
    assert rows["chi-square"]["inside"] is False
    assert rows["correlation, vertical"]["value"] is None  # A constant has none.
    assert "outside" in run("analyze", flat).stdout
    assert measures(flat, flat)[-1]["PSNR"]["value"] is None  # Infinite, which JSON cannot say.


def test_analyze_one_pixel(tmp_path):
    rows = measures(save(tmp_path / "one.png", random_bytes(1, 1)))[0]
    assert rows["local entropy"]["value"] is None
    assert rows["correlation, diagonal"]["value"] is None


@pytest.mark.slow
def test_analyze_randomness(tmp_path, key):
    from dkg.randomness import run_suite

    image = save(tmp_path / "small.png", np.zeros((8, 8), np.uint8))
    output = run("analyze", "--json", "--randomness", key, image).stdout
    first, second = json.loads(output)[:2]
    expected = run_suite(encryption.read_samples(key).tobytes())
    assert len(first["randomness"]) == 188
    for row, (_, line) in zip(first["randomness"], expected.iterrows(), strict=True):
        assert (row["test"], row["variant"]) == (line["test"], line["variant"])
        if line["reason"]:
            assert row["reason"] == line["reason"]
            assert row["passed"] is None
        else:
            assert row["p_value"] == pytest.approx(line["p_value"])
            assert row["passed"] == line["passed"]
    reasons = {row["test"]: row["reason"] for row in second["randomness"]}
    assert "387,840" in reasons["maurers_universal"]
    text = run("analyze", "--randomness", key, image).stdout
    assert "of 148" in text
    assert "not applicable: the sequence has 512 bits" in text
    assert "SP 800-22" not in run("analyze", key).stdout


def test_analyze_refuses(tmp_path):
    deep = save(tmp_path / "deep.png", random_bytes(9, 9, dtype=np.uint16))
    assert f"{deep}: the measures are for 8-bit samples" in error("analyze", deep)
    assert "No such file" in error("analyze", tmp_path / "missing.png")
