"""Learned inversion: what it reads, what it cannot read, and what it refuses."""

import numpy as np
import pytest
import torch

from dkg import attacks

from .helpers import ideal_keys, smooth_images

SIDE = 64
STEPS = 40


@pytest.fixture(scope="module")
def plain():
    return smooth_images(np.random.default_rng(2), 24, SIDE)


def test_coarse_is_the_mean_of_cells():
    image = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(1, 8, 12, 3)
    expected = [[image[0, r : r + 4, c : c + 4].mean() for c in (0, 4, 8)] for r in (0, 4)]
    np.testing.assert_allclose(attacks.coarse(image)[0], expected)
    # What is left over at the border is not used; a gray image has one channel.
    np.testing.assert_allclose(
        attacks.coarse(np.pad(image, [(0, 0), (0, 3), (0, 1), (0, 0)]))[0], expected
    )
    gray = image[..., 1]
    of_three = attacks.coarse(np.repeat(gray[..., np.newaxis], 3, axis=3))
    np.testing.assert_allclose(attacks.coarse(gray), of_three, rtol=1e-6)


def test_low_entropy_keys_are_what_they_say():
    keys = attacks.low_entropy_keys(2, (64, 32), seed=1)
    assert keys.shape == (2, 64, 32, 3)
    ones = np.unpackbits(keys).mean()
    # Five standard deviations of the share among 98,304 bits.
    assert abs(ones - 0.25) < 5 * (0.25 * 0.75 / keys.size / 8) ** 0.5
    assert not np.array_equal(keys[0], keys[1])


def test_pairs_are_encrypted_images_in_any_orientation(plain, rng):
    keys = ideal_keys(rng, 3, SIDE)
    ciphertexts, plaintexts = attacks.training_pairs(keys, plain[:2], 40, seed=3)
    possible = {key.tobytes() for key in keys}
    turned = {
        image[::down, ::across].tobytes()
        for image in plain[:2]
        for down in (1, -1)
        for across in (1, -1)
    }
    assert {(c ^ p).tobytes() for c, p in zip(ciphertexts, plaintexts, strict=True)} == possible
    assert {p.tobytes() for p in plaintexts} == turned
    again = attacks.training_pairs(keys, plain[:2], 40, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip((ciphertexts, plaintexts), again, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ridge", "U-Net"])
def test_both_models_read_a_broken_cipher_and_nothing_of_a_sound_one(method, plain, rng):
    """Unseen keys and images; the bound for noise is that of independent 16 x 16 values."""
    known, unseen = plain[:16], plain[16:]
    for weak in (True, False):
        keys = attacks.low_entropy_keys(24, (SIDE, SIDE), seed=5) if weak else None
        keys = ideal_keys(rng, 24, SIDE) if keys is None else keys
        pairs = attacks.training_pairs(keys[:16], known, 64, seed=1)
        model = attacks.fit(*pairs, method, steps=STEPS, seed=1, progress=False)
        recovered = model.predict(unseen ^ keys[16:])
        assert recovered.shape == (8, 16, 16)
        assert recovered.dtype == np.float32
        wanted = attacks.coarse(unseen)
        found = np.mean(
            [
                np.corrcoef(a.ravel(), b.ravel())[0, 1]
                for a, b in zip(recovered, wanted, strict=True)
            ]
        )
        assert found > 0.8 if weak else abs(found) < 0.3


def test_the_ridge_regression_is_the_solution_of_its_equations(plain):
    """On gray images with one key bit known to be 0, against NumPy's least squares."""
    rng = np.random.default_rng(4)
    gray = plain[:4, :, :, 0]
    ciphertexts = gray ^ rng.integers(0, 128, gray.shape, dtype=np.uint8)
    model = attacks.fit(ciphertexts, gray)
    bits = np.unpackbits(
        ciphertexts.reshape(4, 16, 4, 16, 4).transpose(0, 1, 3, 2, 4).reshape(-1, 16, 1), axis=2
    ).reshape(-1, 128)
    x = np.concatenate([bits - 0.5, np.ones((len(bits), 1))], axis=1)
    penalty = np.sqrt(10) * np.eye(129)[:128]
    weights = np.linalg.lstsq(
        np.concatenate([x, penalty]),
        np.concatenate([attacks.coarse(gray).ravel(), np.zeros(128)]),
        rcond=None,
    )[0]
    expected = (x @ weights).reshape(4, 16, 16)
    np.testing.assert_allclose(model.predict(ciphertexts), expected, atol=0.05)


def test_the_unet_is_the_same_for_a_seed_and_takes_other_sizes(plain, rng):
    ciphertexts = plain[:6] ^ attacks.low_entropy_keys(6, (SIDE, SIDE), seed=7)
    state = torch.get_rng_state()
    first, again, other = (
        attacks.fit(ciphertexts, plain[:6], "U-Net", steps=3, seed=seed, progress=False)
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    image = rng.integers(0, 256, (1, 41, 70, 3), dtype=np.uint8)
    predicted = [model.predict(image) for model in (first, again, other)]
    assert predicted[0].shape == (1, 10, 17)
    assert np.array_equal(predicted[0], predicted[1])
    assert not np.array_equal(predicted[0], predicted[2])


def test_the_unet_knows_no_place(plain, rng):
    """A ciphertext that is moved by an integer number of its coarsest cells gives a moved image."""
    model = attacks.fit(plain, plain, "U-Net", steps=2, seed=0, progress=False)
    image = rng.integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    moved = np.roll(image, (32, 32), axis=(1, 2))
    expected = np.roll(model.predict(image), (8, 8), axis=(1, 2))
    np.testing.assert_allclose(model.predict(moved), expected, atol=1e-2)


def test_what_was_learned_from_is_no_test(rng):
    keys = ideal_keys(rng, 4, 8)
    attacks.check_disjoint(keys[:2], keys[2:], "keys")
    with pytest.raises(ValueError, match=r"keys to test on .* number 1 of the test is number 0"):
        attacks.check_disjoint(keys[:2], keys[[3, 0]], "keys")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "forest"}, "one of ridge, U-Net, not 'forest'"),
        ({"plaintexts": np.zeros((2, 32, 36, 3), np.uint8)}, "same shape, not .*32, 32.* and .*36"),
        ({"ciphertexts": np.zeros((2, 32, 32, 3))}, "ciphertexts must be uint8.*float64"),
        ({"ciphertexts": np.zeros((2, 3, 32), np.uint8)}, "at least 4 x 4 pixels"),
        ({"steps": 0, "method": "U-Net"}, "steps must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    stack = np.zeros((2, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match=words):
        attacks.fit(**{"ciphertexts": stack, "plaintexts": stack, **arguments})


def test_other_images_than_those_learned_from_are_refused(plain):
    small = plain[:2, :28, :28]
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, not \\(28, 28\\)"):
        attacks.fit(small, small, "U-Net")
    model = attacks.fit(plain[:1], plain[:1])
    with pytest.raises(ValueError, match="fitted to RGB images, not gray images"):
        model.predict(plain[..., 0])
    with pytest.raises(ValueError, match="n must be at least 1"):
        attacks.training_pairs(plain, plain, 0)
