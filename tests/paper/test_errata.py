"""What cannot be as printed: the evidence for every remark, computed again.

A check computes again, from the printed numbers or by arithmetic, what a remark says, and returns
the numbers that the remark must therefore name.
"""

import math
import statistics

import numpy as np
import pytest

from dkg import metrics
from dkg.paper import EQUATIONS, ERRATA, TABLES, TEXT_AVERAGES

from .printed import (
    KEY_BYTES,
    all_pairs_of_bytes,
    assert_named,
    entropy_by_setting,
    of_method,
    rounded,
    values,
)


def equation_1():
    def total_loss(on_target, on_key):
        generator = math.log(1 - on_key)
        discriminator = math.log(on_target) + math.log(1 - on_key)
        return generator + discriminator

    assert total_loss(on_target=0.1, on_key=0.9) < total_loss(on_target=0.9, on_key=0.1)
    return ()


def generator_downsampling():
    layers = TABLES["I"]["layer"]
    assert sum(layer.startswith("Down") for layer in layers) == 3
    # The last of the three is the "ordinary" convolution of section III-B1.
    transposed = sum(layer.startswith("Up") for layer in layers) - 1
    assert 256 // 2**3 * 2**transposed == 128
    assert 256 // 2**2 * 2**transposed == 256
    return "256 x 256", "128 x 128", TABLES["I"]["size"][0]


def table_i_total():
    table = TABLES["I"]
    total = sum(table["parameters"])
    assert total == table["total_parameters"][-2] + table["parameters"][-1]
    assert total != table["total_parameters"][-1]
    return total, table["total_parameters"][-1], table["total_parameters"][-2]


def table_ii_state5():
    assert TABLES["II"]["output_channels"][-1] == 128
    assert TABLES["II"]["parameters"][-1] == (4 * 4 + 1) * 128 * 128
    return TABLES["II"]["size"][-1], TABLES["II"]["parameters"][-1]


def equation_11_terms():
    width, height = 4, 3
    terms = [(i, j) for i in range(width + 1) for j in range(height + 1)]
    assert len(terms) == (width + 1) * (height + 1)
    assert "i = 0 .. W, j = 0 .. H" in EQUATIONS[11].form
    assert "i = 1 .. W, j = 1 .. H" in EQUATIONS[12].form
    return ("(W + 1) (H + 1)",)


def equation_11_difference():
    # Every pair once is what independent uniform bytes have on average.
    a, b = all_pairs_of_bytes()
    assert min(TABLES["IV"]["npcr"]) > 99.5
    assert metrics.npcr(a, b) > 99.5
    assert "D(i, j) = 1 if T1(i, j) = T2(i, j)" in EQUATIONS[11].form
    return (f"{(a == b).mean():.2%}",)


def equation_13_limits():
    assert "1 / (H W C)" in EQUATIONS[13].form
    assert "i = 1 .. M, j = 1 .. N" in EQUATIONS[13].form
    return "M = H", "N = W"


def equation_14_range():
    rows, columns = np.indices((256, 256))
    checkerboard = ((rows + columns) % 2 * 255).astype(np.uint8)
    assert metrics.ssim(checkerboard, 255 - checkerboard) == pytest.approx(-1, abs=0.01)
    return ("-1 to 1",)


def text_mse_averages():
    numbers = []
    for number in ("VIII", "IX", "X"):
        mean = statistics.mean(TABLES[number]["mse"])
        assert abs(mean - TEXT_AVERAGES[number]["mse"]) > 50
        numbers += [rounded("mse", mean), rounded("mse", TEXT_AVERAGES[number]["mse"])]
    return numbers


def text_ssim_averages():
    means = {number: statistics.mean(TABLES[number]["ssim"]) for number in ("VIII", "IX", "X")}
    assert round(means["VIII"], 4) == TEXT_AVERAGES["VIII"]["ssim"]
    assert f"{means['IX']:.5f}" == "0.00500"
    return (
        rounded("ssim", means["VIII"]),
        rounded("ssim", means["IX"]),
        f"{means['X']:.5f}",
        TEXT_AVERAGES["IX"]["ssim"],
        TEXT_AVERAGES["X"]["ssim"],
    )


def text_table_xiv_averages():
    npcr, uaci = (statistics.mean(TABLES["XIV"][column]) for column in ("npcr", "uaci"))
    return (
        *(f"{npcr:.2f}%", f"{uaci:.2f}%", f"{npcr:.5f}", f"{uaci:.4f}"),
        *(f"{math.floor(npcr * 100) / 100}%", f"{math.floor(uaci * 100) / 100}%"),
    )


def claim_correlation_near_zero():
    vertical = values("cipher_vertical")
    deviation = metrics.ideal_correlation(256).standard_deviation
    assert len(vertical) == 12
    assert min(vertical) > 1.96 * deviation
    mean = f"{statistics.mean(vertical):.4f}"
    return min(vertical), max(vertical), mean, f"{deviation:.4f}"


def key_space():
    rc4_key_bytes = 256  # Key scheduling reads one byte of key for each of its states.
    return f"{rc4_key_bytes} bytes", f"2^{8 * rc4_key_bytes}", KEY_BYTES


def claim_two_metrics():
    tests = [column for column in TABLES["XVII"] if column != "method"]
    passed = {
        method: sum(of_method("XVII", test)[method] >= 0.01 for test in tests)
        for method in TABLES["XVII"]["method"]
    }
    assert passed.pop("DeepKeyGen") == len(tests) == 4
    assert list(passed.values()).count(2) == 2
    passed["chaotic system"] = passed.pop("Chaotic System")
    return [f"{method} {count}" for method, count in passed.items()]


def claim_best_p_value():
    tests = ("binary_matrix_rank", "maurers_universal")
    return [of_method("XVII", test)["DeepKeyGen"] for test in tests]


def without_rsa(table):
    entropies = of_method(table, "entropy")
    rsa, low, high = entropies.pop("RSA"), min(entropies.values()), max(entropies.values())
    assert high - low < 0.02 < low - rsa
    return [f"{entropy:.4f}" for entropy in (rsa, low, high)]


def claim_key_entropies():
    return without_rsa("XVIII")


def claim_ciphertext_entropies():
    return without_rsa("XX")


def claim_best_entropy():
    entropy = entropy_by_setting()
    best = max((value, setting) for setting, value in entropy.items() if not math.isnan(value))
    assert best[1] == (20000, 0.0002, 1)
    return best[0], *best[1]


def claim_lower_learning_rate():
    entropy = entropy_by_setting()
    falls = [
        entropy[epochs, 0.002, 6]
        for epochs in (10000, 15000, 20000, 25000, 30000)
        if entropy[epochs, 0.002, 6] < entropy[epochs, 0.02, 6]
    ]
    return *falls, entropy[10000, 0.02, 6], f"{len(falls)} of 5"


def claim_most_above_7_9():
    above = [
        batch_size
        for (_, learning_rate, batch_size), value in entropy_by_setting().items()
        if learning_rate == 0.0002 and value > 7.9
    ]
    assert len(above) <= 15 / 2
    assert above.count(1) == 5
    assert len(above) - above.count(1) == 2
    return (f"{len(above)} of 15",)


CHECKS = {
    "equation-1": equation_1,
    "generator-downsampling": generator_downsampling,
    "table-I-total": table_i_total,
    "table-II-state5": table_ii_state5,
    "equation-11-terms": equation_11_terms,
    "equation-11-difference": equation_11_difference,
    "equation-13-limits": equation_13_limits,
    "equation-14-range": equation_14_range,
    "text-mse-averages": text_mse_averages,
    "text-ssim-averages": text_ssim_averages,
    "text-table-XIV-averages": text_table_xiv_averages,
    "claim-correlation-near-zero": claim_correlation_near_zero,
    "key-space": key_space,
    "claim-two-metrics": claim_two_metrics,
    "claim-best-p-value": claim_best_p_value,
    "claim-key-entropies": claim_key_entropies,
    "claim-ciphertext-entropies": claim_ciphertext_entropies,
    "claim-best-entropy": claim_best_entropy,
    "claim-lower-learning-rate": claim_lower_learning_rate,
    "claim-most-above-7.9": claim_most_above_7_9,
}


def test_every_remark_is_checked():
    assert list(CHECKS) == [remark.id for remark in ERRATA]


@pytest.mark.parametrize("remark", ERRATA, ids=lambda remark: remark.id)
def test_remark(remark):
    assert_named(remark, CHECKS[remark.id]())
