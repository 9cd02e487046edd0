"""The other key generators, against published vectors, other implementations and closed forms."""

import ast
import math
import random
import runpy
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler
from scipy import stats

from dkg import baselines, domains, metrics, paths
from dkg import reproduction as results
from dkg.baselines import GENERATORS, NAIVE, RSA_MODULUS
from dkg.data import phantoms
from dkg.paper import TABLES
from dkg.randomness import binary_matrix_rank

ALPHA = 1e-4  # Fixed before the first run, for each statistical comparison.
EVERY = [
    pytest.param(f, id=f"{kind}-{name}")
    for kind, table in (("textbook", GENERATORS), ("naive", NAIVE))
    for name, f in table.items()
]
BIASED = {"Chaotic System"}
UNBIASED = [name for name in GENERATORS if name not in BIASED]


@pytest.fixture(scope="module")
def chest():
    return phantoms.chest_xray(1)[0]


def one_gray_level_away(image):
    changed = image.copy()
    changed[100, 120] ^= 1
    return changed


# Published vectors


def test_lcg_gives_the_sequence_that_numerical_recipes_prints():
    # Numerical Recipes in C, 2nd ed., section 7.1: the states after 0.
    states = [0x3C6EF35F, 0x47502932, 0xD1CCF6E9, 0xAAF95334, 0x6252E503, 0x9F2EC686]
    states += [0x57FE6C2D, 0xA3D95FA8, 0x81FDBEE7, 0x94F0AF1A, 0xCBF633B1]
    highest = [state >> 24 for state in states]
    np.testing.assert_array_equal(baselines.lcg(0, 11), highest)
    for before, after in zip(states, highest[1:], strict=False):
        assert baselines.lcg(before, 1) == after


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
def test_lcg_equals_a_plain_loop(state):
    expected, x = [], state
    for _ in range(300):
        x = (1664525 * x + 1013904223) % 2**32
        expected.append(x // 2**24)
    np.testing.assert_array_equal(baselines.lcg(state, 300), expected)


def test_mersenne_twister_gives_the_reference_output():
    # The first two lines of mt19937ar.out.
    key = np.array([0x123, 0x234, 0x345, 0x456], np.uint32)
    expected = [1067595299, 955945823, 477289528, 4107218783, 4228976476]
    expected += [3344332714, 3355579695, 227628506, 810200273, 2591290167]
    outputs = baselines.mersenne_twister(key, 40).view("<u4")
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.slow
@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=8).filter(lambda key: key[-1]))
def test_mersenne_twister_equals_pythons_own(key):
    # Python's seed is one number, cut into 32-bit words with the lowest first.
    python = random.Random(sum(word << 32 * i for i, word in enumerate(key)))
    expected = [python.getrandbits(32) for _ in range(700)]
    outputs = baselines.mersenne_twister(np.array(key, np.uint32), 2800).view("<u4")
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize(
    ("key", "vectors"),
    [
        (
            "0102030405",
            {
                0: "b2396305f03dc027ccc3524a0a1118a8",
                240: "28cb1132c96ce286421dcaadb8b69eae",
                4096: "ff25b58995996707e51fbdf08b34d875",
            },
        ),
        (
            "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
            {
                0: "eaa6bd25880bf93d3f5d1e4ca2611d91",
                240: "114ae344ded71b35f2e60febad727fd8",
                4096: "f3e4c0a2e02d1d01f7f0a74618af2b48",
            },
        ),
    ],
)
def test_rc4_gives_the_vectors_of_rfc_6229(key, vectors):
    stream = baselines.rc4(bytes.fromhex(key), 4112).tobytes()
    assert {offset: stream[offset : offset + 16].hex() for offset in vectors} == vectors


def test_aes_256_ctr_gives_the_vector_of_sp_800_38a():
    # F.5.5, CTR-AES256.Encrypt.
    key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
    plain = (
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    cipher = (
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
    )
    stream = baselines.aes_256_ctr(
        bytes.fromhex(key), 64, counter_block=bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    )
    assert bytes(a ^ b for a, b in zip(bytes.fromhex(plain), stream, strict=True)).hex() == cipher


def test_chacha20_gives_the_vectors_of_rfc_8439():
    # Appendix A.1, test vectors 1 and 2: blocks 0 and 1 under the key and nonce zero.
    blocks = (
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
        "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
        "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
    )
    assert baselines.chacha20(bytes(32), 128).tobytes().hex() == blocks


# RSA


def test_the_rsa_modulus_is_what_the_challenge_says_of_it():
    assert len(str(RSA_MODULUS)) == 617 and RSA_MODULUS.bit_length() == 2048
    assert RSA_MODULUS % 3 == 1  # As the product of two primes that are 2 modulo 3.
    assert pow(2, RSA_MODULUS - 1, RSA_MODULUS) != 1  # It is no prime,
    assert all(RSA_MODULUS % divisor for divisor in range(2, 10**5))  # nor has it a small factor.


@given(st.integers(2, RSA_MODULUS - 2))
def test_rsa_gives_the_lowest_bytes_of_repeated_cubes(x):
    expected = [pow(x, 3**step, RSA_MODULUS) % 256 for step in range(1, 6)]
    np.testing.assert_array_equal(baselines.rsa(x, 5), expected)


# The chaotic system


@pytest.mark.slow
def test_chaotic_system_is_the_keystream_of_the_chaotic_domain(chest):
    masks = domains.chaotic(chest[None], "rgb")[0] ^ chest
    expected = masks.transpose(2, 0, 1).ravel()
    np.testing.assert_array_equal(GENERATORS["Chaotic System"](chest, chest.size), expected)


def test_chaotic_system_depends_on_the_sum_of_the_gray_pixels_only():
    rng = np.random.default_rng()
    gray = rng.integers(0, 256, (16, 16), dtype=np.uint8)
    key = GENERATORS["Chaotic System"](gray, 1000)
    shuffled = rng.permutation(gray.ravel()).reshape(gray.shape)
    np.testing.assert_array_equal(GENERATORS["Chaotic System"](shuffled, 1000), key)
    colour = np.stack([gray] * 3, axis=-1)
    np.testing.assert_array_equal(GENERATORS["Chaotic System"](colour, 1000), key)


def test_a_byte_of_the_chaotic_system_nearly_follows_from_the_one_before(chest):
    key = GENERATORS["Chaotic System"](chest, 65_536).astype(np.int64)
    before, after = key[:-1], key[1:]
    near = [np.minimum(d % 256, -d % 256) <= 2 for d in (after - 2 * before, after + 2 * before)]
    # Of independent bytes, at most 10 in 256 are as near.
    assert np.mean(near[0] | near[1]) > 0.9


# What all of them have in common


def test_names_are_those_of_the_papers_tables():
    for number in ("XVII", "XVIII", "XIX", "XX"):
        methods = set(TABLES[number]["method"]) - {"DeepKeyGen"}
        assert methods | {"AES-256-CTR", "ChaCha20"} <= set(GENERATORS)
        assert set(NAIVE) <= methods


@pytest.mark.slow
@pytest.mark.parametrize("generate", EVERY)
def test_the_same_image_gives_the_same_bytes_and_another_one_others(generate, chest):
    key = generate(chest, 3000)
    assert key.dtype == np.uint8 and key.shape == (3000,)
    np.testing.assert_array_equal(generate(chest.copy(), 3000), key)
    assert (generate(one_gray_level_away(chest), 3000) != key).any()
    key[:] = 0  # A key is the caller's own: this must neither fail nor change the next one.
    assert generate(chest, 3000).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBIASED)
def test_one_gray_level_of_one_pixel_changes_the_key_as_two_ideal_keys_differ(name, chest):
    n = 16_384
    a = GENERATORS[name](chest, n)
    b = GENERATORS[name](one_gray_level_away(chest), n)
    assert metrics.npcr(a, b) in metrics.npcr_interval(n, ALPHA)
    assert metrics.uaci(a, b) in metrics.uaci_interval(n, ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBIASED)
def test_the_entropy_is_that_of_ideal_bytes(name, chest):
    n = 16_384
    entropy = metrics.entropy(GENERATORS[name](chest, n))
    assert entropy in metrics.ideal_entropy(n).interval(ALPHA)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("n_bytes", [0, 1, 63, 64, 65])
def test_fewer_bytes_are_the_start_of_more(name, n_bytes, chest):
    key = GENERATORS[name](chest, n_bytes)
    assert key.shape == (n_bytes,)
    np.testing.assert_array_equal(key, GENERATORS[name](chest, 200)[:n_bytes])


@pytest.mark.parametrize("generate", EVERY)
@pytest.mark.parametrize("n_bytes", [0, 1, 2, 64, 65, 66])
def test_every_length_is_given(generate, n_bytes, chest):
    assert generate(chest, n_bytes).shape == (n_bytes,)


def test_the_layout_of_an_image_in_memory_does_not_matter(chest):
    assert baselines.seed_bytes(np.asfortranarray(chest), 32) == baselines.seed_bytes(chest, 32)


@pytest.mark.parametrize("generate", EVERY)
@pytest.mark.parametrize(
    ("image", "n_bytes", "error", "words"),
    [
        ([[1, 2]], 8, TypeError, "uint8.*got dtype int64"),
        (np.zeros((4, 4, 3)), 8, TypeError, "uint8.*got dtype float64"),
        (np.zeros((4, 4, 4), np.uint8), 8, ValueError, r"got \(4, 4, 4\)"),
        (np.zeros(16, np.uint8), 8, ValueError, r"got \(16,\)"),
        (np.zeros((0, 4), np.uint8), 8, ValueError, r"empty array.*\(0, 4\)"),
        (np.zeros((4, 4), np.uint8), -1, ValueError, "must not be negative, not -1"),
        (np.zeros((4, 4), np.uint8), 8.0, TypeError, "float"),
    ],
)
def test_bad_input_is_refused(generate, image, n_bytes, error, words):
    with pytest.raises(error, match=words):
        generate(image, n_bytes)


@pytest.mark.parametrize(
    ("generate", "seed", "words"),
    [
        (baselines.lcg, 2**32, "4294967296"),
        (baselines.lcg, -1, "not -1"),
        (baselines.rsa, 1, "not 1"),
        (baselines.rsa, RSA_MODULUS - 1, "must be in"),
        (baselines.rc4, bytes(9), "72"),
        (baselines.aes_256_ctr, bytes(16), "128"),
        (baselines.chacha20, bytes(16), "128"),
        (baselines.mersenne_twister, np.array([1], np.uint32), "not 1"),
    ],
)
def test_bad_seeds_are_refused(generate, seed, words):
    with pytest.raises(ValueError, match=words):
        generate(seed, 8)


# The naive forms: what their docstring says


def repeated_entropy(probabilities, n_draws):
    """Mean and standard deviation of the entropy of `n_draws` independent bytes.

    The mean with the bias of Miller and Madow (1955), the variance with both its first terms.
    """
    p = np.array(probabilities)
    entropy = -(p * np.log2(p)).sum()
    spread = (p * np.log2(p) ** 2).sum() - entropy**2
    cells = (p.size - 1) / 2
    return stats.norm(
        entropy - cells / (n_draws * math.log(2)),
        math.sqrt(spread / n_draws + cells / (n_draws * math.log(2)) ** 2),
    )


def test_naive_chaotic_system_repeats_each_byte_for_three_channels(chest):
    channels = NAIVE["Chaotic System"](chest, 3000).reshape(-1, 3)
    expected = GENERATORS["Chaotic System"](chest, 1000)
    for channel in channels.T:
        np.testing.assert_array_equal(channel, expected)


def test_naive_mersenne_twister_has_the_entropy_of_rounded_numbers(chest):
    key = NAIVE["Mersenne Twister"](chest, 196_608)
    assert (key.reshape(3, -1) == key[:65_536]).all()
    law = repeated_entropy([0.5 / 255] + [1 / 255] * 254 + [0.5 / 255], 65_536)
    low, high = law.interval(1 - ALPHA)
    assert low < metrics.entropy(key) < high
    printed = TABLES["XVIII"]["entropy"][TABLES["XVIII"]["method"].index("Mersenne Twister")]
    assert f"{law.mean():.4f}" == f"{printed:.4f}"


def test_naive_rsa_is_text_in_lines_of_64(chest):
    text = NAIVE["RSA"](chest, 16_384).tobytes().decode("ascii")
    lines = text.split("\n")
    assert all(len(line) == 64 for line in lines[:-1])
    characters = len(text) - len(lines) + 1
    bits_per_character = metrics.entropy(np.frombuffer(text.replace("\n", "").encode(), np.uint8))
    low, high = repeated_entropy([1 / 64] * 64, characters).interval(1 - ALPHA)
    assert low < bits_per_character < high


def test_naive_rsa_gives_the_papers_rank_p_value_for_62_matrices(chest):
    method = TABLES["XVII"]["method"].index("RSA")
    printed = TABLES["XVII"]["binary_matrix_rank"][method]
    key = NAIVE["RSA"](chest, 63 * 128)
    near = [
        n
        for n in range(38, 64)
        # Three digits are printed, cut or rounded.
        if abs(binary_matrix_rank(key[: n * 128].tobytes()).p_value - printed) < 0.01e-88
    ]
    assert near == [62]


# A new generator: one function and one line in GENERATORS


@pytest.fixture
def one_more(monkeypatch):
    """The table with one more generator."""

    def constant(seed_image, n_bytes):
        return np.full(n_bytes, seed_image.flat[0], np.uint8)

    monkeypatch.setitem(GENERATORS, "One byte", constant)
    return "One byte"


@pytest.mark.slow
@pytest.mark.skipif(
    not (paths.notebooks() / "07_comparison.ipynb").is_file(),
    reason="the package is installed without its notebooks",
)
def test_a_new_generator_is_in_every_measurement_of_notebook_07(one_more, tmp_path, monkeypatch):
    """Even one whose keys are one byte, which every test of randomness rejects."""
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **options: path.touch())  # Is slow.
    notebook = nbformat.read(paths.notebooks() / "07_comparison.ipynb", as_version=4)
    shown, names = [], {"display": lambda value: shown.append(value)}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        code = ast.parse(cell.source)
        # What the notebook asserts of times is not the question here.
        code.body = [statement for statement in code.body if not isinstance(statement, ast.Assert)]
        last = code.body.pop() if code.body and isinstance(code.body[-1], ast.Expr) else None
        exec(compile(code, cell.id, "exec"), names)
        if last:
            shown.append(eval(compile(ast.Expression(last.value), cell.id, "eval"), names))
        if "parameters" in cell.metadata.get("tags", ()):
            names |= {"n_keys": 1, "n_rsa_keys": 0}

    tables = [value for value in shown if isinstance(value, (pd.DataFrame, Styler))]
    assert sum(one_more in table.index for table in tables) == 2  # Tests and times.
    figures = [value for value in shown if isinstance(value, Figure)]
    words = [
        {text.get_text().split(":")[0] for ax in f.axes for text in _texts(ax)} for f in figures
    ]
    assert [one_more in text for text in words] == [True] * 7
    made = results.load_all(tmp_path / "results")
    for id in ("table-XVII", "table-XVIII", "table-XIX", "table-XX", "figure-11"):
        assert one_more in str(made[id].more), id
    assert one_more in made["claim-randomness"].more["tests"]


def _texts(ax):
    return [ax.title, *ax.get_xticklabels(), *ax.get_yticklabels()]


@pytest.mark.slow
def test_a_new_generator_is_in_the_benchmark(one_more, monkeypatch, capsys):
    script = paths.root() / "benchmarks" / "key_generators.py"
    if not script.is_file():
        pytest.skip("the package is installed without its benchmarks")
    monkeypatch.delitem(GENERATORS, "RSA")  # It takes seconds.
    monkeypatch.setattr(sys, "argv", [str(script), "--rounds", "1"])
    runpy.run_path(str(script), run_name="__main__")
    assert f"\n{one_more} " in capsys.readouterr().out
