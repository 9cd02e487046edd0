"""Keys from seed images, and the messages about them."""

import numpy as np

from dkg import cipher, encryption

from .conftest import error, make_folder, random_bytes, run, save


def test_keygen(tmp_path, network):
    from dkg.keys import KeyGenerator

    seeds = [random_bytes(256, 256, 3) for _ in range(3)]
    folder = make_folder(tmp_path / "seeds")
    for name, seed in zip(("../seed.png", "b.png", "a.png"), seeds, strict=True):
        save(folder / name, seed)
    out = tmp_path / "key.png"
    arguments = ("keygen", "--weights", network, "-o", out, "--device", "cpu")
    result = run(*arguments, "--seed", tmp_path / "seed.png", "--seed", folder)
    read = encryption.read_key(out)
    generator = KeyGenerator.load(network, device="cpu")
    expected = generator.generate_many(np.stack([seeds[0], seeds[2], seeds[1]]))
    assert np.array_equal(read.keys, expected)
    assert (read.weights_sha256, read.weights_public) == (generator.sha256, False)
    assert (read.output, read.exact) == ("paper", True)
    assert f"{out}: key {cipher.key_identifier(expected)[:16]} of 589,824 bytes" in result.stdout
    assert "public" not in result.stderr

    assert "exists already" in error(*arguments, "--seed", tmp_path / "seed.png")
    run(*arguments, "--seed", tmp_path / "seed.png", "--force")
    assert len(encryption.read_key(out).keys) == 1


def test_keygen_of_other_outputs(tmp_path, network):
    from dkg.keys import KeyGenerator

    seed = random_bytes(256, 256, 3)
    arguments = ("keygen", "--weights", network, "-o", tmp_path / "key.png", "--device", "cpu")
    arguments += ("--force", "--seed", save(tmp_path / "seed.png", seed))
    for options, flags in (
        ({"output": "low-order"}, ("--output", "low-order")),
        ({"exact": False}, ("--no-exact",)),
    ):
        run(*arguments, *flags)
        read = encryption.read_key(tmp_path / "key.png")
        expected = KeyGenerator.load(network, device="cpu", **options).generate(seed)
        assert np.array_equal(read.keys[0], expected)
        assert (read.output, read.exact) == (
            options.get("output", "paper"),
            options.get("exact", True),
        )
    assert "unless they are computed with exact=True" in error(
        *arguments, "--output", "low-order", "--no-exact"
    )


def test_identical_seeds_are_refused(tmp_path, network):
    seed = save(tmp_path / "seed.png", random_bytes(256, 256, 3))
    same = save(tmp_path / "same.png", encryption.read_samples(seed))
    arguments = ("keygen", "--weights", network, "-o", tmp_path / "key.png", "--seed", seed)
    for other in (seed, same):
        assert f"{other}: is the same seed image as {seed}" in error(*arguments, "--seed", other)
    assert not (tmp_path / "key.png").exists()


def test_keygen_refuses(tmp_path, network):
    seed = save(tmp_path / "seed.png", random_bytes(256, 256, 3))
    out = ("-o", tmp_path / "key.png")
    good = ("--weights", network)
    assert "no seed image" in error(
        "keygen", *good, *out, "--seed", make_folder(tmp_path / "empty")
    )
    assert "No such file" in error("keygen", *good, *out, "--seed", tmp_path / "missing.png")
    assert "neither a file" in error("keygen", "--weights", "no-such", *out, "--seed", seed)
    assert f"Error: {seed}: " in error("keygen", "--weights", seed, *out, "--seed", seed)
    assert "must end in .png" in error("keygen", *good, "-o", tmp_path / "key.jpg", "--seed", seed)
    assert "replace the input" in error("keygen", *good, "-o", seed, "--seed", seed, "--force")


def test_keygen_says_when_weights_are_public_and_when_the_key_repeats(tmp_path, monkeypatch):
    from dkg import keys

    class Copy:
        """Gives the seed image as the key, so that the test decides what the key is."""

        name, sha256, public = "shipped", "0" * 64, True

        @classmethod
        def load(cls, weights, **options):
            return cls()

        def generate(self, seed):
            return seed

    monkeypatch.setattr(keys, "KeyGenerator", Copy)
    seed = random_bytes(256, 256, 3)
    out = tmp_path / "key.png"
    notes = run("keygen", "--seed", save(tmp_path / "noise.png", seed), "-o", out).stderr
    assert "the weights shipped are public" in notes
    assert "repeats" not in notes
    assert encryption.read_key(out).weights_public
    seed[:, :128] = 0
    bordered = save(tmp_path / "bordered.png", seed)
    notes = run("keygen", "--seed", bordered, "-o", out, "--force").stderr
    # Half of the 1,024 cells are black, and the first of them is no repetition.
    assert f"{511 / 1024:.1%} of the key repeats" in notes
