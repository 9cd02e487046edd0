"""The imitation attacks: they succeed with the same network, and fail against AES."""

import numpy as np
import pytest

from dkg import attacks, domains, metrics
from dkg.attacks import AES, NO_KEY
from dkg.training import TrainConfig
from dkg.zoo import Recipe

from .helpers import CHANCE, StandIn, ideal_keys, smooth_images

N = 3  # Seed images and plaintexts.


@pytest.mark.slow
def test_the_same_network_decrypts_and_the_control_does_not(images, seeds):
    result = attacks.domain_and_structure_leakage(
        StandIn(1),
        {"B": StandIn(1), "C": StandIn(2)},
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


@pytest.mark.slow
def test_numbers_are_those_of_the_pair_and_the_image(images, seeds, rng):
    """Compared with the measures themselves, for wrong keys that let the images through."""
    leaky = ideal_keys(rng, N)
    leaky &= 0x1F  # The three highest bits of the image stay as they are.
    victim, attacker = StandIn(keys=np.zeros_like(leaky)), StandIn(keys=leaky, blocks=2)
    result = attacks.transformation_domain_leakage(
        victim, {"B": attacker}, seeds, images[:N], candidates=images
    )
    assert result.candidates == len(images)
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


@pytest.mark.slow
def test_ideal_keys_hide_which_image_it_is(rng):
    """With 12 candidates chance names 9 or more of 12 images with a probability of 4e-8."""
    plain = smooth_images(rng, 12, side=128)
    result = attacks.structure_leakage(
        StandIn(keys=ideal_keys(rng, 12, side=128)),
        {"B": StandIn(keys=ideal_keys(rng, 12, side=128), domain="chaotic-gray")},
        plain,
        plain,
    )
    numbers = result.numbers.loc["A"].loc["B"]
    assert (numbers["block_correlation"].abs() < 5 / 63**0.5).all()
    for by in ("blocks", "edges"):
        assert (numbers[f"rank_by_{by}"] == 1).sum() < 9
        assert numbers[f"rank_by_{by}"].between(1, 12).all()


@pytest.mark.slow
def test_both_orders_of_two_keys_are_one_image(images, seeds):
    result = attacks.domain_and_structure_leakage(
        StandIn(),
        {"B": StandIn(1), "C": StandIn(2)},
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


@pytest.mark.slow
def test_the_controls_key_is_fresh(images, seeds):
    """Without a seed nobody can make the control's key again."""
    first, second = (
        attacks.structure_leakage(
            StandIn(), {"B": StandIn(domain="aes-ctr")}, seeds[:1], images[:1], candidates=images
        ).keys[AES]
        for _ in range(2)
    )
    assert (first != second).mean() > 0.9


def test_networks_must_fit_the_scenario(images, seeds):
    base, other_domain, other_structure = StandIn(), StandIn(domain="aes-ctr"), StandIn(blocks=2)
    wrong = (
        (attacks.transformation_domain_leakage, other_domain, "domain must be the same as"),
        (attacks.transformation_domain_leakage, base, "structure must be another than"),
        (attacks.structure_leakage, base, "domain must be another than"),
        (
            attacks.structure_leakage,
            StandIn(blocks=2, domain="aes-ctr"),
            "structure must be the same as",
        ),
        (attacks.domain_and_structure_leakage, other_domain, "domain must be the same as"),
        (attacks.domain_and_structure_leakage, other_structure, "structure must be the same as"),
        (attacks.domain_and_structure_leakage, StandIn(domain=None), "does not say which domain"),
    )
    for scenario, attacker, message in wrong:
        with pytest.raises(ValueError, match=message):
            scenario(base, {"B": attacker}, seeds, images[:N])


@pytest.mark.slow
def test_bad_input_is_named(images, seeds):
    def run(plain=images[:N], candidates=images, attackers=None, seeds=seeds):
        attackers = {"B": StandIn()} if attackers is None else attackers
        return attacks.domain_and_structure_leakage(
            StandIn(), attackers, seeds, plain, candidates=candidates
        )

    with pytest.raises(ValueError, match="at least one attacker"):
        run(attackers={})
    with pytest.raises(ValueError, match="cannot be named 'A'"):
        run(attackers={"A": StandIn()})
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


def test_every_key_decrypts_its_own_ciphertext_only(rng):
    plain, *keys = ideal_keys(rng, 3)
    shown = attacks.mutual_decryptions(plain, dict(zip("AB", keys, strict=True)))
    assert list(shown) == [("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")]
    assert [(image == plain).all() for image in shown.values()] == [True, False, False, True]


def recipe(seed, **options):
    config = TrainConfig(
        steps=2,
        seed=seed,
        residual_blocks=0,
        generator_width=2,
        discriminator_width=2,
        device="cpu",
        threads=1,
        sample_steps=(),
    )
    return Recipe(config=config, n_images=2, origin="synthetic", **options)


@pytest.mark.slow
def test_training_with_the_victims_random_seed_gives_its_keys(images, seeds, tmp_path):
    """What the "one-time pad" rests on: the same seed of the training is the same network."""
    victim, b, c = (
        recipe(seed).train(tmp_path / name).generator
        for name, seed in (("victim", 7), ("B", 7), ("C", None))
    )
    result = attacks.domain_and_structure_leakage(
        victim, {"B": b, "C": str(c)}, seeds[:1], images[:1], candidates=images
    )
    pairs = result.summary()
    assert pairs.loc[("A", "B"), "ssim"] == 1
    assert pairs.loc[("A", "C"), "ssim"] < 1
    assert victim == tmp_path / "victim" / "generator.safetensors"
    trained = result.networks["A"].metadata["training"]
    assert trained["step"] == 2
    assert trained["description"]["domain"] == "chaotic-rgb"
    with pytest.raises(ValueError, match="no domain 'rot13'"):
        recipe(7, domain="rot13")


@pytest.mark.slow
def test_pairs_in_words_have_every_two_networks_once(images, seeds):
    networks = {"B": StandIn(2), "C": StandIn(3)}
    result = attacks.domain_and_structure_leakage(
        StandIn(1), networks, seeds, images[:N], candidates=images
    )
    assert result.wrong_pairs == [("A", "B"), ("A", "C"), ("B", "C")]
    assert list(result.pairs) == [
        "key A, then key A",
        "key A, then key B",
        "key A, then key C",
        "key B, then key C",
        "key A, then no key",
        "key B, then no key",
        "key C, then no key",
        "AES-256-CTR, then key B",
        "AES-256-CTR, then key C",
    ]
    table, summary = result.table(), result.summary()
    assert table.index.tolist() == list(result.pairs)
    assert table.loc["key A, then key B", "SSIM"] == summary.loc[("A", "B"), "ssim"]
    leaks = result.leaks("A", "B")
    assert len(leaks) == N and (leaks >= 0).all()
    assert leaks.mean() == pytest.approx(summary.loc[("A", "B"), "block_correlation"])
