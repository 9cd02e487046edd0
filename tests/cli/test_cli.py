"""The command line: round trips, and a one-line message for everything that can go wrong."""

import json
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from dkg import __version__, cipher, metrics
from dkg.cli import app

RNG = np.random.default_rng()


def run(*arguments, status=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def error(*arguments):
    """Run a command that must fail, and return its one line on stderr."""
    message = run(*arguments, status=1).stderr
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    return message


def random_bytes(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def save(path, array):
    path.write_bytes(imagecodecs.png_encode(array))
    return path


def make_key(path, n=1):
    cipher.write_key(
        path, random_bytes(n, 256, 256, 3), weights_sha256="0" * 64, weights_public=False
    )
    return path


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key.png")


@pytest.fixture
def encrypted(tmp_path, key):
    image = save(tmp_path / "image.png", random_bytes(12, 10))
    run("encrypt", image, "--key", key, "-o", tmp_path / "out.png")
    return tmp_path / "out.png"


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Train the smallest network for one step, to have a file of weights."""
    from dkg.training import TrainConfig, train

    folder = tmp_path_factory.mktemp("network")
    config = TrainConfig(
        steps=1,
        residual_blocks=0,
        generator_width=1,
        discriminator_width=1,
        sample_steps=(),
        device="cpu",
    )
    train(config, random_bytes(1, 32, 32, 3), random_bytes(1, 32, 32, 3), folder, progress=False)
    return folder / "generator.safetensors"


def test_help_and_version_do_not_load_torch():
    script = (
        "import sys; from typer.testing import CliRunner; from dkg.cli import app\n"
        "for argument in ('--help', '--version'):\n"
        "    result = CliRunner().invoke(app, [argument]); print(result.output)\n"
        "    assert result.exit_code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for word in ("keygen", "encrypt", "decrypt", "analyze", f"dkg {__version__}"):
        assert word in result.stdout


def test_keygen_loads_no_library_that_it_does_not_need(tmp_path):
    """What it loads is looked at, not how long it takes."""
    seed = save(tmp_path / "seed.png", random_bytes(32, 32, 3))
    script = (
        "import sys; from typer.testing import CliRunner; from dkg.cli import app\n"
        "result = CliRunner().invoke(app, ['keygen', *sys.argv[1:]])\n"
        "assert result.exit_code == 0, result.output\n"
        "print(*sys.modules)"
    )
    arguments = ["--seed", seed, "--out", tmp_path / "key.png", "--device", "cpu"]
    loaded = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"torch", "dkg.keys", "dkg.metrics", "dkg.data.phantoms"} <= set(loaded)
    unwanted = {"matplotlib", "nibabel", "numba", "pandas", "pydicom", "skimage.metrics"}
    unwanted |= {"scipy.ndimage", "scipy.special", "scipy.stats", "skimage.filters"}
    assert not unwanted & set(loaded)


def test_wrong_usage_exits_with_2(tmp_path):
    assert "--key" in run("encrypt", tmp_path / "image.png", "-o", "out.png", status=2).stderr
    run("keygen", status=2)
    run("decypt", status=2)


# --- Round trips


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (37, 21), (300, 260), (37, 21, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_encrypt_and_decrypt(tmp_path, dtype, shape, suffix):
    key = make_key(tmp_path / "key.png")
    image = random_bytes(*shape, dtype=dtype)
    save(tmp_path / "image.png", image)
    out, back = tmp_path / "out.png", tmp_path / f"back{suffix}"
    run("encrypt", tmp_path / "image.png", "--key", key, "-o", out)
    run("decrypt", out, "--key", key, "-o", back)
    restored = cipher.read_samples(back)
    assert restored.dtype == dtype
    assert np.array_equal(restored, image)


def test_a_radiograph_of_the_original_size(tmp_path):
    image = random_bytes(4892, 4020)
    (tmp_path / "image.png").write_bytes(imagecodecs.png_encode(image, level=0))
    arguments = ("encrypt", tmp_path / "image.png", "-o", tmp_path / "out.png", "--key")
    short = make_key(tmp_path / "short.png", 99)
    assert "make the key from 2 more seed images" in error(*arguments, short)
    key = make_key(tmp_path / "key.png", 101)
    run(*arguments, key)
    run("decrypt", tmp_path / "out.png", "--key", key, "-o", tmp_path / "back.png")
    assert np.array_equal(cipher.read_samples(tmp_path / "back.png"), image)


def test_a_jpeg_comes_back_as_its_decoded_samples(tmp_path, key):
    Image.fromarray(random_bytes(20, 30, 3)).save(tmp_path / "image.jpg")
    run("encrypt", tmp_path / "image.jpg", "--key", key, "-o", tmp_path / "out.png")
    run("decrypt", tmp_path / "out.png", "--key", key, "-o", tmp_path / "back.png")
    with Image.open(tmp_path / "image.jpg") as image:
        assert np.array_equal(cipher.read_samples(tmp_path / "back.png"), np.asarray(image))


# --- Errors


def test_wrong_key(tmp_path, encrypted):
    other = make_key(tmp_path / "other.png")
    message = error("decrypt", encrypted, "--key", other, "-o", tmp_path / "back.png")
    assert f"{encrypted}: wrong key" in message
    assert not (tmp_path / "back.png").exists()


def flip_a_pixel(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 4
    path.write_bytes(data)


def flip_metadata(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"key_id") + 12] ^= 1
    path.write_bytes(data)


def resize(path):
    """Enlarge a ciphertext and keep its metadata, as some image programs do."""
    with Image.open(path) as image:
        info = PngImagePlugin.PngInfo()
        info.add_text("dkg", image.text["dkg"])
        image.resize((20, 24)).save(path, pnginfo=info)


def save_again(path, image_format):
    """Save a ciphertext as most image programs do: without its metadata."""
    with Image.open(path) as image:
        image.copy().save(path, image_format)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_pixel, "damaged: the checksum"),
        (flip_metadata, "damaged: the checksum"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "cut off"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("some text, named .png"), "not a ciphertext"),
        (lambda path: save(path, random_bytes(5, 5)), "carries no dkg metadata"),
        (lambda path: save_again(path, "JPEG"), "JPEG is lossy"),
        (resize, "was resized"),
        (lambda path: save_again(path, "PNG"), "another program has saved again"),
        (lambda path: path.unlink(), "No such file or directory"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
    ],
)
def test_ciphertexts_that_are_refused(tmp_path, encrypted, key, damage, message):
    damage(encrypted)
    said = error("decrypt", encrypted, "--key", key, "-o", tmp_path / "back.png")
    assert said.startswith(f"Error: {encrypted}: ")
    assert message in said
    assert not (tmp_path / "back.png").exists()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: save(path, random_bytes(5, 5, 4)), "4 channels"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_text("text"), "not a PNG, JPEG or TIFF file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: None, "No such file or directory"),
        (lambda path: make_key(path), "already a key"),
        (
            lambda path: path.write_bytes(imagecodecs.png_encode(random_bytes(50, 50))[:900]),
            "cannot be used as a PNG image",
        ),
    ],
)
def test_images_that_are_refused(tmp_path, key, write, message):
    path = tmp_path / "image.png"
    write(path)
    said = error("encrypt", path, "--key", key, "-o", tmp_path / "out.png")
    assert said.startswith(f"Error: {path}: ")
    assert message in said
    assert not (tmp_path / "out.png").exists()
    assert not list(tmp_path.glob("*.sqlite"))


def test_keys_that_are_refused(tmp_path, encrypted):
    image, back = tmp_path / "image.png", tmp_path / "back.png"
    for path, message in (
        (image, "not a key of dkg"),
        (encrypted, "is a 'dkg ciphertext' file, not a key"),
        (tmp_path / "missing.png", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        for command in (("encrypt", image), ("decrypt", encrypted)):
            said = error(*command, "--key", path, "-o", back)
            assert said.startswith(f"Error: {path}: ")
            assert message in said
    assert "is a 'dkg key' file, not a ciphertext" in error(
        "decrypt", tmp_path / "key.png", "--key", tmp_path / "key.png", "-o", back
    )


def test_outputs_that_are_refused(tmp_path, encrypted, key):
    for command in (("encrypt", tmp_path / "image.png"), ("decrypt", encrypted)):
        arguments = (*command, "--key", key, "-o")
        assert "does not exist" in error(*arguments, tmp_path / "no" / "new.png")
        assert "JPEG is lossy" in error(*arguments, tmp_path / "new.jpg")
        assert "is a folder" in error(*arguments, (make_folder(tmp_path / "folder.png")))
        existing = save(tmp_path / "existing.png", random_bytes(2, 2))
        assert "--force" in error(*arguments, existing)
        run(*arguments, existing, "--force")
        assert "replace the input" in error(*arguments, key, "--force")


def make_folder(path):
    path.mkdir(exist_ok=True)
    return path


def test_a_read_only_folder(tmp_path, key, monkeypatch):
    # The superuser may write to any folder, so the system's answer is replaced, not the mode.
    image = save(tmp_path / "image.png", random_bytes(5, 5))
    out = tmp_path / "out.png"
    monkeypatch.setattr(cipher.os, "access", lambda path, mode: False)
    said = error("encrypt", image, "--key", key, "-o", out)
    assert said == f"Error: {out}: the folder {tmp_path} is read-only\n"


def test_key_reuse(tmp_path, encrypted, key, monkeypatch):
    second = save(tmp_path / "second.png", random_bytes(6, 6))
    arguments = ("encrypt", second, "--key", key, "-o", tmp_path / "b.png")
    assert "already encrypted another image" in error(*arguments)
    warning = run(*arguments, "--allow-key-reuse").stderr
    assert "XOR of two ciphertexts under one key is the XOR of the two plain images" in warning
    # A key that was copied to another folder is found out by a registry of both.
    fresh, registry = make_key(tmp_path / "fresh.png"), tmp_path / "registry.sqlite"
    copy = make_folder(tmp_path / "copy") / "key.png"
    copy.write_bytes(fresh.read_bytes())
    named = ("--registry", registry)
    run("encrypt", second, "--key", fresh, "-o", tmp_path / "d.png", *named)
    third = ("encrypt", tmp_path / "image.png", "--key", copy, "-o", tmp_path / "e.png")
    said = error(*third, *named)
    assert "already encrypted another image" in said and str(registry) in said
    monkeypatch.setenv("DKG_REGISTRY", str(registry))
    assert str(registry) in error(*third)
    monkeypatch.delenv("DKG_REGISTRY")
    assert run(*third).stderr == "", "without a registry a copy is another key"
    # The same image once more is no reuse.
    first = ("encrypt", tmp_path / "image.png", "--key", make_key(tmp_path / "new.png"))
    assert run(*first, "-o", tmp_path / "c.png").stderr == ""
    assert run(*first, "-o", tmp_path / "c.png", "--force").stderr == ""


# --- Keys


def test_keygen(tmp_path, network):
    from dkg.keys import KeyGenerator

    seeds = [random_bytes(256, 256, 3) for _ in range(3)]
    folder = make_folder(tmp_path / "seeds")
    for name, seed in zip(("../seed.png", "b.png", "a.png"), seeds, strict=True):
        save(folder / name, seed)
    out = tmp_path / "key.png"
    arguments = ("keygen", "--weights", network, "-o", out, "--device", "cpu")
    result = run(*arguments, "--seed", tmp_path / "seed.png", "--seed", folder)
    read = cipher.read_key(out)
    generator = KeyGenerator.load(network, device="cpu")
    expected = generator.generate_many(np.stack([seeds[0], seeds[2], seeds[1]]))
    assert np.array_equal(read.keys, expected)
    assert (read.weights_sha256, read.weights_public) == (generator.sha256, False)
    assert (read.output, read.exact) == ("paper", True)
    assert f"{out}: key {cipher.key_identifier(expected)[:16]} of 589,824 bytes" in result.stdout
    assert "public" not in result.stderr

    assert "exists already" in error(*arguments, "--seed", tmp_path / "seed.png")
    run(*arguments, "--seed", tmp_path / "seed.png", "--force")
    assert len(cipher.read_key(out).keys) == 1


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
        read = cipher.read_key(tmp_path / "key.png")
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
    same = save(tmp_path / "same.png", cipher.read_samples(seed))
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
    assert cipher.read_key(out).weights_public
    seed[:, :128] = 0
    bordered = save(tmp_path / "bordered.png", seed)
    notes = run("keygen", "--seed", bordered, "-o", out, "--force").stderr
    # Half of the 1,024 cells are black, and the first of them is no repetition.
    assert f"{511 / 1024:.1%} of the key repeats" in notes


# --- Measures


def measures(*arguments):
    return [
        {row["measure"]: row for row in table["measures"]}
        for table in json.loads(run("analyze", "--json", *arguments).stdout)
    ]


def test_analyze_a_key(key):
    image = cipher.read_samples(key)
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
    x, y = cipher.read_samples(a), cipher.read_samples(b)
    rows = measures(a, b)[-1]
    for name in ("NPCR", "UACI", "MSE", "PSNR", "SSIM"):
        assert rows[name]["value"] == getattr(metrics, name.lower())(x, y)
    assert rows["NPCR"]["low"] == metrics.npcr_interval(120).low
    assert rows["UACI"]["low"] is None  # One of the two is a plain image.

    rows = measures(key, make_key(tmp_path / "other.png"))[-1]
    interval = metrics.uaci_interval(196_608)
    assert (rows["UACI"]["low"], rows["UACI"]["high"]) == (interval.low, interval.high)
    assert rows["UACI"]["inside"] == (rows["UACI"]["value"] in interval)


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


def test_analyze_randomness(tmp_path, key):
    from dkg.randomness import run_suite

    image = save(tmp_path / "small.png", np.zeros((8, 8), np.uint8))
    output = run("analyze", "--json", "--randomness", key, image).stdout
    first, second = json.loads(output)[:2]
    expected = run_suite(cipher.read_samples(key).tobytes())
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


def test_train_and_make_a_key_with_the_result(tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_DATA", "")
    run_folder = tmp_path / "run"
    command = ["train", "-o", run_folder, "--images", 2, "--domain", "row-shuffle"]
    small = ["--set", "steps=2", "--set", "generator_width=4", "--set", "residual_blocks=1"]
    first = run(*command, *small)
    assert "2 images of montgomery (synthetic), domain row-shuffle" in first.stderr
    assert "step 0 of 2: mean key entropy" in first.stderr
    assert "2 steps, seed " in first.stdout
    assert "2 steps, seed " in run(*command, *small).stdout
    assert "checkpoint.safetensors exists" in run(*command, *small, "--fresh", status=1).stderr
    assert "steps: 2 there" not in run(*command, *small, "--set", "steps=3").stderr
    other = run(*command, *small, "--set", "loss=lsgan", status=1).stderr
    assert "loss: 'gan' there, 'lsgan' asked for" in other

    seed = save(tmp_path / "seed.png", random_bytes(256, 256, 3))
    weights = run_folder / "generator.safetensors"
    out = tmp_path / "trained.png"
    made = run("keygen", "--weights", weights, "--seed", seed, "-o", out)
    assert "public" not in made.stderr
    assert cipher.read_key(out).keys.shape == (1, 256, 256, 3)


def test_train_refuses(tmp_path):
    assert "unknown training settings: stesp" in error("train", "-o", tmp_path, "--set", "stesp=1")
    assert "--set takes NAME=VALUE, not 'steps'" in error("train", "-o", tmp_path, "--set", "steps")
    assert "loss must be 'gan' or 'lsgan'" in error("train", "-o", tmp_path, "--set", "loss=wgan")
    assert "no domain 'noise'" in error("train", "-o", tmp_path, "--domain", "noise")


def test_train_zoo(monkeypatch):
    import pandas as pd

    from dkg import zoo

    def usage(*arguments):
        return " ".join(run("train", *arguments, status=2).stderr.split())

    assert "the folder of the run is needed" in usage()
    assert "go with --zoo" in usage("base-phantom-1")
    assert "the manifest has the settings" in usage("--zoo", "--set", "steps=3")
    assert "trains none" in usage("--zoo", "--check", "--jobs", "2")
    assert "is not overwritten" in run("train", "--zoo", "base-phantom-1", status=1).stderr

    asked = []
    monkeypatch.setattr(zoo, "train_missing", lambda *a, **_: asked.append(a) or [])
    assert "is trained to the end" in run("train", "--zoo", "--jobs", "3").stdout
    run("train", "--zoo", "network-a")
    assert asked == [(None, 3), (["network-a"], None)]

    rows = [("a", "SHA-256", "1f", "1f", True), ("a", "images", "x", "gone", None)]
    monkeypatch.setattr(zoo, "check", lambda: pd.DataFrame(rows, columns=columns))
    columns = ["network", "check", "manifest", "found", "good"]
    said = run("train", "--zoo", "--check").stdout
    assert "a: 1 of 2 checks good\n  open: images: x expected, gone found" in said
    rows.append(("b", "settings", "recipe", "loss is 'gan'", False))
    said = run("train", "--zoo", "--check", status=1).stdout
    assert "  BAD: settings: recipe expected, loss is 'gan' found" in said
    assert "3 checks: 1 bad, 1 open" in said


def test_train_lists_its_settings_without_an_output_folder():
    listed = run("train", "--settings").stdout
    assert "learning_rate" in listed and "section IV" in listed


def test_report_of_an_empty_folder_is_written_and_lists_what_is_missing(tmp_path, monkeypatch):
    from dkg.paper import COMPARISONS

    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    result = run("report", status=1)
    page = tmp_path / "report" / "report.html"
    assert result.stdout == f"{page}\n"
    assert page.is_file()
    assert result.stderr.startswith("Error: no record: ")
    assert result.stderr.count("\n") == 1
    listed = result.stderr.removeprefix("Error: no record: ").strip().split(", ")
    assert sorted(listed) == sorted(COMPARISONS)


@pytest.mark.parametrize("problems", [{}, {"no record": ["table-III"]}])
def test_report_is_published_only_when_asked_and_complete(tmp_path, monkeypatch, problems):
    from dkg.reproduction import report

    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    monkeypatch.setattr(report, "write", lambda: problems)
    monkeypatch.setattr(report, "publish", lambda: [tmp_path / "README.md"])
    status = 1 if problems else 0
    assert "README.md" not in run("report", status=status).stdout
    published = "README.md" in run("report", "--publish", status=status).stdout
    assert published == (not problems)


# --- DICOM images

CT = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"


def test_dicom_with_a_key_file(tmp_path, key):
    out, back = tmp_path / "out.dcm", tmp_path / "back.dcm"
    result = run("dicom", "encrypt", CT, "--key", key, "-o", out)
    assert result.stdout == f"{out}: {CT} encrypted with {key}\n"
    assert "patient attributes stay readable: " in result.stderr
    for word in ("PatientName", "PatientID", "--attributes basic-profile"):
        assert word in result.stderr.splitlines()[0]
    assert "not readable either" in result.stderr
    assert "172 private elements" in result.stderr
    result = run("dicom", "decrypt", out, "--key", key, "-o", back)
    assert result.stdout == f"{back}: {out} decrypted with {key}\n"
    assert back.read_bytes() == CT.read_bytes()

    run("dicom", "encrypt", CT, "--key", key, "-o", out, "--force")
    assert "exists already" in error("dicom", "encrypt", CT, "--key", key, "-o", out)
    profile = ("--attributes", "basic-profile", "--force")
    assert "already encrypted" in error("dicom", "encrypt", CT, "-k", key, "-o", out, *profile)
    result = run("dicom", "encrypt", CT, "-k", key, "-o", out, *profile, "--allow-key-reuse")
    assert "Warning: this key has encrypted another image" in result.stderr
    assert "removed or replaced as the basic profile of PS3.15" in result.stderr
    assert "PatientName" in result.stderr
    assert b"CompressedSamples^CT1" in CT.read_bytes()
    assert b"CompressedSamples^CT1" not in out.read_bytes()
    run("dicom", "decrypt", out, "--key", key, "-o", back, "--force")
    assert back.read_bytes() == CT.read_bytes()


def test_dicom_with_seed_images(tmp_path, network):
    folder = tmp_path / "seeds"
    folder.mkdir()
    for name in "abc":
        save(folder / f"{name}.png", random_bytes(256, 256, 3))
    image = CT.with_name("examples_palette.dcm")  # Takes two keys.
    out, back = tmp_path / "out.dcm", tmp_path / "back.dcm"
    options = ("--weights", network, "--device", "cpu", "-o", out)
    message = error("dicom", "encrypt", image, "--seed", folder / "a.png", *options)
    assert f"{image}: needs 2 keys, one from each seed image, and there is 1" in message
    run("dicom", "encrypt", image, "--seed", folder, *options)
    made = tmp_path / "out-key.png"
    assert len(cipher.read_key(made).keys) == 2
    run("dicom", "decrypt", out, "--key", made, "-o", back)
    assert back.read_bytes() == image.read_bytes()

    named = tmp_path / "named.png"
    run("dicom", "encrypt", image, "--seed", folder, *options, "--key", named, "--force")
    assert np.array_equal(cipher.read_key(named).keys, cipher.read_key(made).keys)


def test_dicom_errors(tmp_path, key):
    out = tmp_path / "out.dcm"
    assert "a key is needed" in error("dicom", "encrypt", CT, "-o", out)
    assert "must end in .dcm" in error("dicom", "encrypt", CT, "-k", key, "-o", tmp_path / "a.png")
    assert f"{key}: not a DICOM file" in error("dicom", "encrypt", key, "-k", key, "-o", out)
    message = error("dicom", "encrypt", CT, "-k", key, "-o", out, "--attributes", "strip")
    assert "--attributes is keep or basic-profile, not 'strip'" in message
    assert "No such file" in error("dicom", "encrypt", tmp_path / "x.dcm", "-k", key, "-o", out)
    run("dicom", "encrypt", CT, "-k", key, "-o", out)
    other = make_key(tmp_path / "other.png")
    back = tmp_path / "back.dcm"
    assert f"{out}: wrong key" in error("dicom", "decrypt", out, "-k", other, "-o", back)
    assert f"{CT}: not an image that dkg" in error("dicom", "decrypt", CT, "-k", key, "-o", back)
    assert not back.exists()
