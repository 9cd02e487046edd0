"""What is odd in the paper: the evidence for every remark, computed again.

A check computes again, from the printed numbers or by arithmetic, what a remark says, and returns
the numbers that the remark must therefore name.
"""

import math
import statistics

import numpy as np
import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from scipy import stats

from dkg import metrics, randomness
from dkg.paper import OBSERVATIONS, TABLES, TRANSFORMATION_DOMAINS
from dkg.randomness.linear import rank_probability

from .printed import KEY_BYTES, PIXELS, all_pairs_of_bytes, assert_named, of_method, values


def table_i_residual_blocks():
    row = TABLES["I"]["layer"].index("Residual block")
    assert TABLES["I"]["number"][row] == 6
    assert TABLES["I"]["parameters"][row] == 6 * 3 * 3 * 64 * 64
    return (TABLES["I"]["parameters"][row],)


def npcr_of_bytes():
    printed = values("npcr")
    pixels = 100 * (1 - 256.0**-3)
    expected = metrics.ideal_npcr(KEY_BYTES).mean
    assert all(abs(value - expected) < abs(value - pixels) for value in printed)
    cut = math.floor(pixels * 1e5) / 1e5
    return len(printed), min(printed), max(printed), f"{expected:.4f}%", f"{cut}%"


def uaci_low():
    printed = values("uaci")
    ideal = metrics.ideal_uaci(PIXELS)
    assert max(printed) < ideal.mean - 50 * ideal.standard_deviation
    return min(printed), max(printed), f"{ideal.mean:.4f}%", f"{ideal.standard_deviation:.4f}%"


def table_xv_spread():
    npcr = TABLES["XV"]["npcr"]
    deviation = statistics.stdev(npcr)
    ideal = metrics.ideal_npcr(PIXELS).standard_deviation
    assert stats.chi2.sf((len(npcr) - 1) * (deviation / ideal) ** 2, len(npcr) - 1) < 1e-10
    bytes_ideal = metrics.ideal_npcr(KEY_BYTES).standard_deviation
    return min(npcr), max(npcr), f"{deviation:.4f}%", f"{ideal:.4f}%", f"{bytes_ideal:.4f}%"


def table_xiv_key_pairs():
    key_a, key_b = all_pairs_of_bytes()
    image = (np.arange(PIXELS) * 7 % 251).astype(np.uint8)
    assert metrics.npcr(image ^ key_a, image ^ key_b) == metrics.npcr(key_a, key_b)
    assert len(set(TABLES["XIV"]["npcr"])) == 6
    return ("six different",)


def correlations_not_negative():
    directions = ("horizontal", "vertical", "diagonal")
    correlations = [value for name in directions for value in values(f"cipher_{name}")]
    assert min(correlations) > 0
    return f"the {len(correlations)} correlations", f"2^-{len(correlations)}"


def deviations(entropy, n_bytes):
    ideal = metrics.ideal_entropy(n_bytes)
    return abs(entropy - ideal.mean) / ideal.standard_deviation


def ideal_entropies():
    ideals = [metrics.ideal_entropy(n_bytes) for n_bytes in (PIXELS, KEY_BYTES)]
    return [f"{number:.4f}" for i in ideals for number in (i.mean, i.standard_deviation)]


def chaotic_system_gray():
    keys = of_method("XVIII", "entropy")
    high = TRANSFORMATION_DOMAINS["security"].index("high")
    assert keys["Chaotic System"] == TRANSFORMATION_DOMAINS["domain_entropy"][high]
    assert deviations(keys["Chaotic System"], PIXELS) < 2 < 10
    assert deviations(keys["Chaotic System"], KEY_BYTES) > 10
    for method in ("LCG", "RC4"):
        assert deviations(keys[method], KEY_BYTES) < 2
        assert deviations(keys[method], PIXELS) > 5
    cipher = TABLES["V"]["cipher_entropy"]
    assert all(deviations(value, PIXELS) > 5 for value in cipher)
    used = (keys["Chaotic System"], keys["LCG"], f"{keys['RC4']:.4f}", min(cipher), max(cipher))
    return *used, *ideal_entropies()


def mersenne_twister_entropy():
    key = of_method("XVIII", "entropy")["Mersenne Twister"]
    cipher = of_method("XX", "entropy")["Mersenne Twister"]
    assert min(deviations(key, n_bytes) for n_bytes in (PIXELS, KEY_BYTES)) > 5
    assert deviations(cipher, KEY_BYTES) < 2
    return key, f"{cipher:.4f}", *ideal_entropies()


def deepkeygen_entropy():
    key = of_method("XVIII", "entropy")["DeepKeyGen"]
    others = TABLES["III"]["entropy"]
    assert key > max(others)
    mean, deviation = statistics.mean(others), statistics.stdev(others)
    return f"{key:.4f}", min(others), max(others), f"{mean:.5f}", f"{deviation:.5f}"


def table_xvii_templates():
    # The generator's reference seed, and the first key of RFC 6229's test vectors.
    twister = np.random.RandomState(5489).bytes(KEY_BYTES)
    rc4 = Cipher(ARC4(bytes.fromhex("0102030405")), mode=None).encryptor().update(bytes(KEY_BYTES))
    assert rc4[:8].hex() == "b2396305f03dc027"
    for method, stream in {"Mersenne Twister": twister, "RC4": rc4}.items():
        assert of_method("XVII", "non_overlapping_template")[method] == 0
        assert min(randomness.non_overlapping_template(stream).p_values) > 1e-6
    return ("148",)


def table_xvii_excursions():
    zeros = [m for m, p in of_method("XVII", "random_excursions_variant").items() if p == 0]
    assert zeros == ["LCG", "Mersenne Twister", "RSA"]
    bits = 8 * KEY_BYTES
    cycles = max(0.005 * math.sqrt(bits), 500)
    # The number of cycles of a random walk is distributed as |N(0, 1)| sqrt(n).
    too_few = 1 - 2 * stats.norm.sf(cycles / math.sqrt(bits))
    return bits, f"{cycles:.0f}", f"{too_few:.0%}"


def table_xvii_one_p_value():
    bits = np.random.RandomState(5489).bytes(KEY_BYTES)
    assert len(randomness.random_excursions_variant(bits).variants) == 18
    return len(randomness.aperiodic_templates(9)), 18


def table_xvii_rank():
    printed = of_method("XVII", "binary_matrix_rank")["RSA"]
    low = 1 - rank_probability(32, 32) - rank_probability(31, 32)
    # All matrices in the third of three classes: chi-square with two degrees of freedom.
    p_values = {n: math.exp(-n * (1 / low - 1) / 2) for n in range(1, 1537)}
    (n,) = [n for n, p in p_values.items() if abs(p - printed) < 0.01e-88]
    factor = p_values[n - 1] / p_values[n]
    assert math.isclose(factor, p_values[n] / p_values[n + 1])
    bits = 8 * KEY_BYTES
    matrix = 32 * 32
    assert bits // matrix == 1536
    numbers = n, n - 1, n + 1, f"{factor:.0f}", bits, bits // matrix, n * matrix
    return *numbers, (n + 1) * matrix - 1, f"{bits / (n * matrix):.0f}"


def table_xvii_universal():
    p_values = of_method("XVII", "maurers_universal")
    three = [p_values[method] for method in ("LCG", "Mersenne Twister", "RC4")]
    spread = max(three) - min(three)
    probability = 3 * spread**2 - 2 * spread**3
    return *(f"{p:.4f}" for p in three), f"{spread:.4f}", f"{probability * 1e6:.1f} in a million"


CHECKS = {
    "table-I-residual-blocks": table_i_residual_blocks,
    "npcr-of-bytes": npcr_of_bytes,
    "uaci-low": uaci_low,
    "table-XV-spread": table_xv_spread,
    "table-XIV-key-pairs": table_xiv_key_pairs,
    "correlations-not-negative": correlations_not_negative,
    "chaotic-system-gray": chaotic_system_gray,
    "mersenne-twister-entropy": mersenne_twister_entropy,
    "deepkeygen-entropy": deepkeygen_entropy,
    "table-XVII-templates": table_xvii_templates,
    "table-XVII-excursions": table_xvii_excursions,
    "table-XVII-one-p-value": table_xvii_one_p_value,
    "table-XVII-rank": table_xvii_rank,
    "table-XVII-universal": table_xvii_universal,
}


def test_every_remark_is_checked():
    assert list(CHECKS) == [remark.id for remark in OBSERVATIONS]


@pytest.mark.parametrize("remark", OBSERVATIONS, ids=lambda remark: remark.id)
def test_remark(remark):
    assert_named(remark, CHECKS[remark.id]())
