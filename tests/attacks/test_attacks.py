"""Attacks: each has a case where it must succeed and a control where it must fail."""

import dataclasses

import numpy as np
import pytest
import torch
from skimage.filters import gaussian

from dkg import attacks, cipher, data, domains, encryption, metrics, models, paths
from dkg.attacks import AES, NO_KEY, Training
from dkg.baselines import GENERATORS
from dkg.keys import KeyGenerator, list_weights, weights_entry
from dkg.training import TrainConfig

N, M = 3, 8
RANDOM = np.random.default_rng(0)  # Of the whole file, so that every full run draws the same.
CHANCE = 5 / 255**0.5  # Five standard deviations of the correlation of 256 block means.


def smooth_images(n, side=256):
    """Images with bright and dark regions, unlike each other; three equal channels."""
    fields = [gaussian(RANDOM.normal(size=(side, side)), 16) for _ in range(n)]
    gray = [np.uint8(np.clip(128 + 60 * field / field.std(), 0, 255)) for field in fields]
    return np.repeat(np.stack(gray)[..., None], 3, axis=3)


def network(blocks=1, domain="chaotic-rgb", seed=None):
    """A small network with random weights, as a file of `dkg train` would describe it."""
    generator = models.Generator(blocks, width=2)
    random = torch.Generator()
    random.manual_seed(int(RANDOM.integers(2**63)) if seed is None else seed)
    models.initialise(generator, random)
    description = {} if domain is None else {"domain": domain}
    metadata = {
        "architecture": {"residual_blocks": blocks, "width": 2, "convs_per_block": 1},
        "training": {"description": description},
    }
    return KeyGenerator(generator, torch.device("cpu"), "a network", "", False, metadata)


class Keys(KeyGenerator):
    """A network of which only the keys are known."""

    def __init__(self, keys, **kwargs):
        known = network(**kwargs)
        super().__init__(known._generator, known._device, "keys", "", False, known.metadata)
        self.keys = keys

    def generate_many(self, images):
        return self.keys


def ideal_keys(n=N, side=256):
    return RANDOM.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def images():
    return smooth_images(M)


@pytest.fixture(scope="module")
def seeds():
    return smooth_images(N)


def test_the_same_network_decrypts_and_the_control_does_not(images, seeds):
    result = attacks.domain_and_structure_leakage(
        network(seed=1),
        {"B": network(seed=1), "C": network(seed=2)},
        seeds,
        images[:N],
        candidates=images,
    )
    assert np.array_equal(result.decrypted("A", "B", 1), images[1])
    assert not np.array_equal(result.decrypted("A", "C", 1), images[1])
    pairs = result.summary()
    same = pairs.loc[("A", "B")]
    for name in ("ssim", "correlation", "block_correlation"):
        assert same[name] == pytest.approx(1)
    assert same["mutual_information"] == pytest.approx(2)
    for name in ("equal_key_bits", "named_by_blocks", "named_by_edges"):
        assert same[name] == 100
    assert same["rank_by_blocks"] == same["rank_by_edges"] == 1
    assert pairs.loc[("A", "C"), "equal_key_bits"] < 100

    control = result.numbers.loc[AES]
    assert set(control.index.get_level_values("decrypted_with")) == {"B", "C"}
    assert (control["block_correlation"].abs() < CHANCE).all()
    # A key bit and a fair coin agree in half of 1,572,864 cases; five standard deviations.
    assert control["equal_key_bits"].to_numpy() == pytest.approx(50, abs=5 * 50 / 1_572_864**0.5)
    assert control["mutual_information"].to_numpy() == pytest.approx(1, abs=0.05)


def test_numbers_are_those_of_the_pair_and_the_image(images, seeds):
    """Held against the measures themselves, for wrong keys that let the images through."""
    leaky = ideal_keys()
    leaky &= 0x1F  # The three highest bits of the image stay as they are.
    victim, attacker = Keys(np.zeros_like(leaky)), Keys(leaky, blocks=2)
    result = attacks.transformation_domain_leakage(
        victim, {"B": attacker}, seeds, images[:N], candidates=images
    )
    assert result.candidates == M
    for i in range(N):
        decrypted = images[i] ^ leaky[i]
        assert np.array_equal(result.decrypted("A", "B", i), decrypted)
        row = result.numbers.loc[("A", "B", i)]
        assert row["ssim"] == metrics.ssim(images[i], decrypted)
        assert row["block_correlation"] == metrics.block_correlation(images[i], decrypted)
        assert row["correlation"] == pytest.approx(
            np.corrcoef(images[i].ravel(), decrypted.ravel())[0, 1]
        )
        bits = np.unpackbits(leaky[i])
        assert row["equal_key_bits"] == pytest.approx(100 * (bits == 0).mean())
    assert (result.summary().loc[("A", "B"), ["named_by_blocks", "named_by_edges"]] == 100).all()
    # This victim's key is zero, so that its ciphertext is the plaintext.
    assert (result.numbers.loc["A", NO_KEY]["ssim"] == 1).all()


def test_ideal_keys_hide_which_image_it_is():
    """With 12 candidates chance names 9 or more of 12 images with a probability of 4e-8."""
    plain = smooth_images(12, side=128)
    result = attacks.structure_leakage(
        Keys(ideal_keys(12, side=128)),
        {"B": Keys(ideal_keys(12, side=128), domain="chaotic-gray")},
        plain,
        plain,
    )
    numbers = result.numbers.loc["A"].loc["B"]
    assert (numbers["block_correlation"].abs() < 5 / 63**0.5).all()
    for by in ("blocks", "edges"):
        assert (numbers[f"rank_by_{by}"] == 1).sum() < 9
        assert numbers[f"rank_by_{by}"].between(1, 12).all()


def test_both_orders_of_two_keys_are_one_image(images, seeds):
    result = attacks.domain_and_structure_leakage(
        network(),
        {"B": network(), "C": network()},
        seeds[:1],
        images[:1],
        candidates=images,
        seed=5,
    )
    for first, second in (("A", "B"), ("A", "C"), ("B", "C")):
        forth, back = (result.numbers.loc[pair] for pair in ((first, second), (second, first)))
        assert forth.equals(back)
    assert list(result.numbers.loc["B"].index.get_level_values(0)) == ["A", "B", "C", NO_KEY]
    assert (result.keys[AES] == domains.aes_ctr(np.zeros_like(images[:1]), 5)).all()


def test_the_controls_key_is_fresh(images, seeds):
    """Without a seed nobody can make the control's key again."""
    first, second = (
        attacks.structure_leakage(
            network(), {"B": network(domain="aes-ctr")}, seeds[:1], images[:1], candidates=images
        ).keys[AES]
        for _ in range(2)
    )
    assert (first != second).mean() > 0.9


def test_networks_must_fit_the_scenario(images, seeds):
    base, other_domain, other_structure = network(), network(domain="aes-ctr"), network(2)
    wrong = (
        (attacks.transformation_domain_leakage, other_domain, "domain must be the same as"),
        (attacks.transformation_domain_leakage, base, "structure must be another than"),
        (attacks.structure_leakage, base, "domain must be another than"),
        (attacks.structure_leakage, network(2, "aes-ctr"), "structure must be the same as"),
        (attacks.domain_and_structure_leakage, other_domain, "domain must be the same as"),
        (attacks.domain_and_structure_leakage, other_structure, "structure must be the same as"),
        (attacks.domain_and_structure_leakage, network(domain=None), "does not say which domain"),
    )
    for scenario, attacker, message in wrong:
        with pytest.raises(ValueError, match=message):
            scenario(base, {"B": attacker}, seeds, images[:N])


def test_bad_input_is_named(images, seeds):
    def run(plain=images[:N], candidates=images, attackers=None, seeds=seeds):
        attackers = {"B": network()} if attackers is None else attackers
        return attacks.domain_and_structure_leakage(
            network(), attackers, seeds, plain, candidates=candidates
        )

    with pytest.raises(ValueError, match="at least one attacker"):
        run(attackers={})
    with pytest.raises(ValueError, match="cannot be named 'A'"):
        run(attackers={"A": network()})
    with pytest.raises(ValueError, match="3 plaintexts need as many seed images, not 2"):
        run(seeds=seeds[:2])
    with pytest.raises(ValueError, match="the first 3 candidates must be the plaintexts"):
        run(candidates=images[1:])
    with pytest.raises(ValueError, match="at least 3 images, not 2"):
        run(plain=images[:2], candidates=None, seeds=seeds[:2])
    with pytest.raises(ValueError, match="plain must be uint8"):
        run(plain=images[0])
    with pytest.raises(FileNotFoundError, match="no-such-network"):
        run(attackers={"B": "no-such-network"})


def training(source, **settings):
    config = TrainConfig(
        steps=2,
        residual_blocks=0,
        generator_width=2,
        discriminator_width=2,
        device="cpu",
        threads=1,
        sample_steps=(),
    )
    return Training(config=dataclasses.replace(config, **settings), source=source)


def test_training_with_the_victims_random_seed_gives_its_keys(images, seeds, tmp_path):
    """What the "one-time pad" rests on: the same seed of the training is the same network."""
    source = data.ImageSet("montgomery", smooth_images(2, side=64), "synthetic")
    victim = dataclasses.replace(training(source, seed=7), out=tmp_path / "victim")
    result = attacks.domain_and_structure_leakage(
        victim,
        {"B": training(source, seed=7), "C": training(source)},
        seeds[:1],
        images[:1],
        candidates=images,
    )
    pairs = result.summary()
    assert pairs.loc[("A", "B"), "ssim"] == 1
    assert pairs.loc[("A", "C"), "ssim"] < 1
    assert (tmp_path / "victim" / "generator.safetensors").is_file()
    trained = result.networks["A"].metadata["training"]
    assert trained["step"] == 2
    assert trained["description"]["domain"] == "chaotic-rgb"
    with pytest.raises(ValueError, match="no domain 'rot13'"):
        dataclasses.replace(victim, domain="rot13").run()


def test_match_is_the_block_correlation_where_candidates_share_nothing():
    """Images and their negatives share a constant, so that the mean takes nothing off."""
    a, b = smooth_images(2)
    candidates = np.stack([a, 255 - a, b, 255 - b])
    noisy = np.stack([candidates[0] ^ ideal_keys(1)[0] & 0x3F, ideal_keys(1)[0]])
    scores = attacks.match(noisy, candidates)
    expected = [[abs(metrics.block_correlation(x, c)) for c in candidates] for x in noisy]
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_match_finds_images_and_negatives_by_their_edges(images):
    shown = np.concatenate([images, 255 - images])
    for by in ("blocks", "edges"):
        scores = attacks.match(shown, images, by)
        assert scores.shape == (2 * M, M)
        assert scores.argmax(axis=1).tolist() == [*range(M), *range(M)]


def test_match_of_nothing_is_zero_and_bad_input_is_named(images):
    black = np.zeros_like(images[:1])
    for by in ("blocks", "edges"):
        assert (attacks.match(black, images, by) == 0).all()
    with pytest.raises(ValueError, match="'blocks' or 'edges', not 'eyes'"):
        attacks.match(images, images, "eyes")
    with pytest.raises(ValueError, match="differ in shape"):
        attacks.match(images[:, :128], images)
    with pytest.raises(ValueError, match="48 x 48"):
        attacks.match(images[:, :40], images[:, :40])


def test_the_rank_of_the_right_candidate(images):
    for by in ("blocks", "edges"):
        assert attacks.rank(images, images, np.arange(M), by).tolist() == [1] * M
        # Nothing fits all candidates equally badly, and a tie is no answer.
        assert attacks.rank(np.zeros_like(images[:2]), images, 0, by).tolist() == [M, M]


def test_every_key_decrypts_its_own_ciphertext_only():
    plain, *keys = ideal_keys(3)
    shown = attacks.mutual_decryptions(plain, dict(zip("AB", keys, strict=True)))
    assert list(shown) == [("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")]
    assert [(image == plain).all() for image in shown.values()] == [True, False, False, True]


@pytest.mark.parametrize(("share", "rows"), [(0, 0), (50, 128), (100, 256)])
def test_a_known_part_gives_the_other_image_and_no_more(share, rows):
    first, second, key, another_key = ideal_keys(4)
    found = attacks.known_part(first, first ^ key, second ^ key, share)
    np.testing.assert_array_equal(found[:rows], second[:rows])
    np.testing.assert_array_equal(found[rows:], (second ^ key)[rows:])
    # The defence: a key for each image.
    found = attacks.known_part(first, first ^ key, second ^ another_key, share)
    assert abs(metrics.equal_bits(found, second) - 50) < 5 * 50 / (8 * second.size) ** 0.5
    with pytest.raises(ValueError, match="share must be 0 to 100 percent, not 101"):
        attacks.known_part(first, first, second, 101)


def test_flipped_bits_arrive_in_the_plaintext_and_the_tag_notices():
    plain, key = ideal_keys(2)
    ciphertext, metadata = encryption.encrypt(plain, key[np.newaxis])
    changed = attacks.flip_square(ciphertext, 10, 96, 64, 0b1010_0000)
    difference = changed ^ key ^ plain
    assert set(np.unique(difference)) == {0, 0b1010_0000}
    assert np.count_nonzero(difference) == 64 * 64 * 3
    assert difference[10:74, 96:160].all()
    assert (encryption.decrypt(ciphertext, metadata, key[np.newaxis]) == plain).all()
    with pytest.raises(cipher.CipherError, match="the ciphertext"):
        encryption.decrypt(changed, metadata, key[np.newaxis])
    for square in ((193, 0, 64), (0, -1, 64), (0, 0, 257), (0, 0, -1)):
        with pytest.raises(ValueError, match="does not lie in an image of 256 x 256 pixels"):
            attacks.flip_square(ciphertext, *square, 128)
    with pytest.raises(ValueError, match="bits must be 0 to 255, not 256"):
        attacks.flip_square(ciphertext, 0, 0, 64, 256)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (5, [205, 255, 5]),
        (200, [255, 255, 200]),
        (-300, [0, 0, 0]),
        (0, [200, 255, 0]),
        ("one gray level", [201, 254, 1]),
        ("inverted", [55, 0, 255]),
    ],
)
def test_one_pixel_changes_and_stays_in_range(change, expected):
    images = np.full((2, 8, 9, 3), (200, 255, 0), np.uint8)
    of_one = attacks.change_pixel(images[0], (7, 8), change)
    of_all = attacks.change_pixel(images, (np.arange(2), [7, 0], [8, 1]), change)
    assert of_one[7, 8].tolist() == of_all[0, 7, 8].tolist() == of_all[1, 0, 1].tolist() == expected
    of_one[7, 8] = of_all[[0, 1], [7, 0], [8, 1]] = (200, 255, 0)
    assert (of_one == images[0]).all() and (of_all == images).all()
    assert (images == (200, 255, 0)).all()


@pytest.mark.parametrize("pixel", [(8, 0), (0, 9), (-1, 0), (0,), (0, 0, 0), ([0, 8], [0, 0])])
def test_a_pixel_outside_and_an_unknown_change_are_refused(pixel):
    image = np.zeros((8, 9, 3), np.uint8)
    with pytest.raises(ValueError, match=r"does not lie in images of shape \(8, 9, 3\)"):
        attacks.change_pixel(image, pixel, 1)
    with pytest.raises(ValueError, match="'one gray level' or 'inverted', not 'mirrored'"):
        attacks.change_pixel(image, (0, 0), "mirrored")


def test_the_seed_is_found_with_the_network_and_not_without():
    seeds, plain = smooth_images(4), smooth_images(1)[0]
    generator = network()
    found = attacks.guess_seed(plain ^ generator.generate(seeds[2]), generator, seeds)
    assert found.order[0] == 2
    assert sorted(found.order) == [0, 1, 2, 3]
    assert np.array_equal(found.decrypted, plain)
    differences = [np.abs(np.diff(plain.astype(int), axis=axis)).mean() for axis in (0, 1)]
    assert found.roughness[2] == pytest.approx(np.mean(differences))
    assert (np.diff(found.roughness[found.order]) >= 0).all()

    # Under a key that no seed gives, every guess is noise: 85.3 gray levels, the ideal UACI.
    control = attacks.guess_seed(plain ^ ideal_keys(1)[0], generator, seeds)
    noise = metrics.ideal_uaci(1).mean / 100 * 255
    assert control.roughness == pytest.approx(noise, abs=1)
    with pytest.raises(ValueError, match="candidates must be uint8"):
        attacks.guess_seed(plain, generator, seeds[0])


@pytest.mark.parametrize("method", ["mean", "total variation"])
@pytest.mark.parametrize("bits", [1, 8])
def test_denoising_shows_the_image_under_uneven_keys_only(method, bits):
    """The highest key bit is 1 in 1 of 4 cases; the rest of the key is ideal."""
    plain = smooth_images(1)[0]
    fair = ideal_keys(1)[0]
    uneven = fair & (ideal_keys(1)[0] | 0x7F)
    shown, hidden = (attacks.denoise(plain ^ key, method, bits=bits) for key in (uneven, fair))
    assert shown.dtype == np.uint8
    assert shown.shape == (256, 256)
    leak, no_leak = (metrics.block_correlation(plain[..., 0], image) for image in (shown, hidden))
    assert leak > CHANCE
    assert leak > 2 * abs(no_leak)


def test_denoising_of_a_constant_and_of_bad_input():
    flat = np.full((64, 64, 3), 9, np.uint8)
    assert (attacks.denoise(flat) == 0).all()
    for arguments, message in (
        ({"method": "magic"}, "'mean' or 'total variation', not 'magic'"),
        ({"bits": 0}, "bits must be 1 to 8"),
        ({"strength": 0}, "strength must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            attacks.denoise(flat, **arguments)
    with pytest.raises(ValueError, match="must be uint8"):
        attacks.denoise(flat / 255)


def test_the_mean_over_wrong_keys_shows_what_they_share():
    """The highest bit of the keys is 1 in 1 of 4 cases: half of the noise of it averages out."""
    plain = smooth_images(1)[0]
    fair = ideal_keys(33)
    uneven = fair & (ideal_keys(33) | 0x7F)
    for keys, leaks in ((uneven, True), (fair, False)):
        ciphertext = plain ^ keys[0]
        few, many = (attacks.mean_decryption(ciphertext, keys[1 : 1 + n]) for n in (2, 32))
        np.testing.assert_array_equal(
            few, np.rint((ciphertext ^ keys[1]) / 2.0 + (ciphertext ^ keys[2]) / 2.0)
        )
        size = abs(metrics.block_correlation(plain, many))
        assert size > 0.5 if leaks else size < CHANCE
    assert np.array_equal(attacks.mean_decryption(ciphertext, keys[:1]), plain)
    with pytest.raises(ValueError, match="same shape"):
        attacks.mean_decryption(ciphertext, keys[:, :128])
    with pytest.raises(ValueError, match="keys must be uint8"):
        attacks.mean_decryption(ciphertext, keys[0])


def test_approximate_seeds_are_near_and_as_asked():
    image = smooth_images(1)[0].clip(2, 253)  # So that noise of 2 levels has room.
    for how, amount, furthest in (("JPEG", 90, 30), ("resized", 192, 30), ("noise", 2, 2)):
        near = attacks.approximate_seed(image, how, amount)
        assert near.dtype == np.uint8 and near.shape == image.shape
        difference = np.abs(near.astype(int) - image)
        assert 0 < difference.max() <= furthest, how
    # A fifth of the differences of -2 to 2 are 0; five standard deviations of 196,608.
    assert (near == image).mean() == pytest.approx(0.2, abs=5 * (0.16 / image.size) ** 0.5)
    near = attacks.approximate_seed(image, "inverted pixels", 7)
    changed = (near != image).any(axis=2)
    assert changed.sum() == 7
    assert (near[changed] == 255 - image[changed]).all()
    for how, amount in (("resized", 256), ("noise", 0), ("inverted pixels", 0)):
        assert np.array_equal(attacks.approximate_seed(image, how, amount), image)
    assert np.array_equal(*(attacks.approximate_seed(image, "noise", 9, seed=3) for _ in range(2)))
    for how, amount in (("JPEG", 0), ("resized", 0), ("noise", 256), ("inverted pixels", -1)):
        with pytest.raises(ValueError, match=f"amount must lie in .*not {amount}"):
            attacks.approximate_seed(image, how, amount)
    with pytest.raises(ValueError, match="how must be one of JPEG"):
        attacks.approximate_seed(image, "rotated", 1)
    with pytest.raises(ValueError, match="must be uint8"):
        attacks.approximate_seed(image[0], "noise", 1)


def test_spectrum_of_noise_is_flat_and_of_cells_has_peaks():
    noise = attacks.power_spectrum(ideal_keys(4, side=64))
    assert noise.shape == (64, 64)
    assert noise[32, 32] == pytest.approx(0, abs=1e-9)
    # Parseval: the mean over all frequencies is 1.
    assert noise.mean() == pytest.approx(1)
    # A sum of 12 independent exponential variables over 12; above 5 in 4e-16 of all cases.
    assert noise.max() < 5
    cells = np.tile(ideal_keys(1, side=4), (1, 16, 16, 1))
    peaks = attacks.power_spectrum(cells)
    there = np.zeros((64, 64), bool)
    there[::16, ::16] = True
    assert peaks[~there].max() < 1e-9
    assert peaks.mean() == pytest.approx(1)
    with pytest.raises(ValueError, match="constant in a channel"):
        attacks.power_spectrum(np.zeros_like(cells))


def test_a_small_network_predicts_structured_keys_and_not_aes():
    aes = domains.aes_ctr(np.zeros((4, 128, 128, 3), np.uint8), 2**200 + 1)
    control = attacks.predict_bytes(aes[:3], aes[3:], samples=20_000)
    # Bits of 6,667 bytes scatter by less than 0.01 where every probability is about 1/256.
    assert control.histogram == pytest.approx(8, abs=0.03)
    assert control.bits_gained < 0.01

    # A byte is its left neighbour and noise of 4 bits, so that 4 bits of 8 can be saved.
    noise = ideal_keys(4, side=128) & 15
    walk = np.cumsum(noise.astype(np.int64) - 7, axis=2)
    structured = np.uint8(np.abs(walk % 510 - 255))
    found = attacks.predict_bytes(structured[:3], structured[3:], samples=60_000)
    assert 1 < found.bits_gained < 4.5
    assert found.place == pytest.approx(found.histogram, abs=0.3)

    # A byte that depends on its place alone: the histogram of the place says all there is.
    cells = np.tile(ideal_keys(1, side=4), (4, 32, 32, 1))
    assert attacks.predict_bytes(cells[:3], cells[3:], samples=3000).place < 1


def test_predictions_depend_on_the_seed_alone_and_bad_input_is_named():
    keys = ideal_keys(2, side=32)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, second, other = (
        attacks.predict_bytes(keys[:1], keys[1:], samples=1000, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second != other
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    with pytest.raises(ValueError, match="known must be uint8"):
        attacks.predict_bytes(keys[0], keys[1:])
    with pytest.raises(ValueError, match="unseen must have at least 8 x 8"):
        attacks.predict_bytes(keys, keys[:, :4])
    with pytest.raises(ValueError, match="samples must be at least 1000, not 999"):
        attacks.predict_bytes(keys, keys, samples=999)


def test_a_mark_gives_a_key_that_the_maker_knows(tmp_path):
    honest = KeyGenerator.load()
    images = smooth_images(5)
    made = attacks.plant_backdoor(honest, images[1:], tmp_path / "generator.safetensors", seed=0)
    marked = made.marked(images[:1])  # An image that it was not trained with.
    assert (marked[0, :32, :32] == made.mark).all()
    assert (marked[0, 32:] == images[0, 32:]).all()

    def known(key):
        """Share of bits that the maker knows, in percent; 50 by chance."""
        return metrics.equal_bits(key, made.key)

    assert known(made.generator.generate(marked[0])) > 80
    assert known(made.generator.generate(images[0])) < 60
    assert known(honest.generate(marked[0])) < 60
    # The file says of itself what the honest one says, but its hash is another.
    assert made.generator.metadata == honest.metadata
    assert made.generator.sha256 != honest.sha256
    assert not made.generator.public


def test_a_shipped_network_with_a_backdoor_is_refused(tmp_path, monkeypatch):
    """The defence: the manifest holds the hash of every shipped file."""
    entry = weights_entry(list_weights()[0])
    planted = tmp_path / entry["file"]
    attacks.plant_backdoor(KeyGenerator.load(), smooth_images(1), planted, steps=1, seed=0)
    manifest = (paths.WEIGHTS / "manifest.toml").read_text()
    (tmp_path / "manifest.toml").write_text(manifest)
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"SHA-256 is .* but the manifest has"):
        KeyGenerator.load()


def test_bad_input_of_a_backdoor_is_named(tmp_path):
    out = tmp_path / "generator.safetensors"
    with pytest.raises(ValueError, match="images must be of shape"):
        attacks.plant_backdoor(network(), ideal_keys(1, side=64), out)
    with pytest.raises(ValueError, match="steps must be at least 1, not 0"):
        attacks.plant_backdoor(network(), ideal_keys(1), out, steps=0)
    assert not out.exists()


def test_the_weave_shows_a_picture_that_a_mean_loses():
    """Half of the places turn the top bit over and half do not, so their mean is gray."""
    picture = np.kron(RANDOM.integers(0, 2, (16, 16)), np.ones((16, 16))).astype(np.uint8)
    plain = np.repeat(255 * picture[..., None], 3, axis=2)
    key = RANDOM.integers(0, 128, plain.shape, dtype=np.uint8)
    key[::2] |= 128
    component = attacks.weave_component(plain ^ key)
    expected = picture[::4, ::4]
    assert abs(np.corrcoef(component.ravel(), expected.ravel())[0, 1]) > 0.95
    assert abs(metrics.block_correlation(plain, plain ^ key)) < 0.3
    fair = RANDOM.integers(0, 256, plain.shape, dtype=np.uint8)
    of_noise = attacks.weave_component(plain ^ fair, side=16)
    assert abs(np.corrcoef(of_noise.ravel(), picture[::16, ::16].ravel())[0, 1]) < 6 / 16


@pytest.mark.parametrize(
    ("shape", "side", "words"),
    [((64, 64), 4, "3\\)"), ((64, 64, 3), 6, "multiple of 4"), ((64, 60, 3), 16, "divides")],
)
def test_the_weave_refuses_what_has_none(shape, side, words):
    with pytest.raises(ValueError, match=words):
        attacks.weave_component(np.zeros(shape, np.uint8), side)


def test_a_nearly_right_seed_reads_the_image_under_a_networks_key_only():
    """The defences: a hash of the seed image, here as an AES key, and low-order keys."""
    seed, plain = data.load("montgomery", n=1).images[0], smooth_images(1)[0]
    networks = (KeyGenerator.load(exact=False), KeyGenerator.load(output="low-order"))
    jpeg, one_pixel = (
        attacks.approximate_seed(seed, how, amount)
        for how, amount in (("JPEG", 90), ("inverted pixels", 1))
    )

    def near_and_right(generate, near):
        right, guess = generate(seed), generate(near)
        leak = metrics.block_correlation(plain, plain ^ right ^ guess)
        return metrics.equal_bits(right, guess), abs(leak)

    for near in (jpeg, one_pixel):
        bits, leak = near_and_right(networks[0].generate, near)
        assert bits > 55 and leak > 0.8

    def aes(image):
        return GENERATORS["AES-256-CTR"](image, image.size).reshape(image.shape)

    for generate in (networks[1].generate, aes):
        bits, leak = near_and_right(generate, one_pixel)
        assert abs(bits - 50) < 7 * 50 / (8 * plain.size) ** 0.5
        assert leak < CHANCE
