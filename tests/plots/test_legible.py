"""Every figure can be read: no text overlaps another, is cut off, small or pale."""

import inspect
import zlib
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from dkg import models, plots, randomness
from dkg import reproduction as results
from dkg.paper import TABLES
from dkg.plots.style import PAGE, contrast

KINDS = ("chest X-ray", "ultrasound", "brain MRI")
NETWORKS = ("base-phantom-1", "AES-256-CTR")
RNG = np.random.default_rng()
# The four of Table XVII.
TESTS = (
    "non overlapping template",
    "binary matrix rank",
    "Maurer's universal",
    "random excursions variant",
)


def image(side=256):
    return RNG.integers(0, 256, (side, side, 3), dtype=np.uint8)


def named(*names):
    return {name: image(64) for name in names}


def peaked():
    """An image with the black background of a brain MRI."""
    picture = image(64) // 2
    picture[:32] = 0
    return picture


def uniform(*shape):
    return RNG.random(shape)


def sensitivity():
    rows = [
        (change, size, curve, 90 * uniform(), 30 * uniform())
        for change, curves in (
            ("gray levels changed at one pixel", NETWORKS),
            ("pixels made brighter by one gray level", NETWORKS),
            ("training step (one pixel inverted)", ("short training", "trainings")),
        )
        for curve in curves
        for size in (1, 100, 65_536)
    ]
    return pd.DataFrame(rows, columns=["change", "size", "curve", "npcr", "uaci"])


def sweep():
    return pd.DataFrame(TABLES["XXI"]).rename(columns={"epochs": "steps"})


def log():
    losses = {"generator_loss": 0.7, "discriminator_loss": 0.5}
    losses |= {"accuracy_real": 1.0, "accuracy_fake": 0.25}
    samples = [{"event": "sample", "step": 5000 * i, "key_entropy": 7 + i / 5} for i in range(5)]
    steps = range(1000, 20_001, 1000)
    return samples + [{"event": "log", "step": s, "key_entropy": 7.5, **losses} for s in steps]


def recovered():
    attacks = ["mean image", "block means", "principal component", "ridge", "U-Net"]
    row = {"correlation": 0.6, "low": 0.5, "high": 0.7, "chance_low": 0.1, "chance_high": 0.2}
    row |= {"named": 0.75, "named_low": 0.5, "named_high": 1.0, "named_chance": 0.25}
    table = pd.DataFrame([row] * len(attacks), index=attacks)
    return dict.fromkeys((*NETWORKS, "logistic map"), table)


def assessed():
    columns = [f"{table} {letter}" for table in ("III", "IV", "V", "XI") for letter in "abcdefgh"]
    rows = pd.MultiIndex.from_product([[f"hypothesis {i}" for i in range(8)], columns])
    chosen = uniform(2, len(rows)) < 0.5
    return pd.DataFrame({"inside": chosen[0], "changed": chosen[1]}, index=rows)


def distances():
    ways = ["as the text has it", "rows and columns swapped"]
    columns = pd.MultiIndex.from_product([["plain", "cipher"], ways])
    return pd.DataFrame(uniform(8, 4), index=range(1, 9), columns=columns)


def scores():
    kinds = ["low-order digits", "top eight bits (paper)", "AES-256-CTR", "logistic map"]
    measures = ["bits of entropy", "NPCR, one level", "equal bits", "SP 800-22", "ms a key"]
    passed = pd.DataFrame(uniform(4, 5) < 0.5, kinds, measures).astype(object)
    passed["ms a key"] = None
    return pd.DataFrame("99.6 %", kinds, measures), passed


def costs():
    kinds = ["standard", "narrow", "separable", "Xception"]
    names = ["parameters", "operations", "memory", "time"]
    table = pd.DataFrame([[100.0] * 4, [26.0] * 4, [14.0] * 4, [68.0] * 4], kinds, names)
    quality = pd.DataFrame({"trained": [7.9] * 4, "untrained": [7.1] * 4}, kinds)
    measures = ("entropy (bits)", "NPCR, two seeds (%)", "leak")
    return table, dict.fromkeys(measures, quality), dict.fromkeys(measures, 8.0)


def contrasts():
    rows = [(n, f, 8 - 1 / f, 0.3) for n in ("one", "two", "three") for f in (0.35, 1, 2.8)]
    return pd.DataFrame(rows, columns=["network", "factor", "bits", "leak"])


def battery():
    streams = [RNG.bytes(2_000) for _ in range(4)]
    return randomness.run_battery(iter(streams), progress=False)


PAIRS = {f"Table {t}": ([99.5, 99.6], [21.0, 22.0]) for t in ("IV", "XIV", "XV")}
PICTURES = (
    "plaintext",
    "ciphertext",
    "its means over\n8 x 8 pixels",
    "its principal component\nover 4 x 4 pixels",
    "the same of\nan AES ciphertext",
)
SIDES = {4: 0.1, 8: 0.4, 16: 0.8, 32: 0.9}
LINES = ("block means", "principal component", "the same of the key alone", "the same of AES")
REMEDIES = ("top eight bits (paper)", "low-order digits")
CIPHERS = ["deepkeygen-low-order", "chacha20-poly1305", *(f"aes-256-{i:03}" for i in range(10))]
ATTACKS = [
    "game: chosen plaintexts",
    "known pairs: permutation",
    *(f"attack {i}" for i in range(16)),
]
GROUPS = [
    "sensitivity to the plaintext",
    "SP 800-22, ciphertexts",
    "entropy",
    "bit planes",
    "texture",
]
BITS = {"JPEG, quality 90": 67.5, "one gray level": 98.7, "noise": -0.02}

FIGURES = {
    "adjacent_scatter": lambda: plots.adjacent_scatter(named("plaintext", "ciphertext"), 100),
    "application_scenario": lambda: plots.application_scenario(*(image() for _ in range(5))),
    "architecture": lambda: plots.architecture(
        models.Generator(), models.Discriminator(), image(), image(), image()
    ),
    "beside_chance": lambda: plots.beside_chance(
        pd.DataFrame(
            {
                "name": ["entropy", "NPCR", "correlation, horizontal, 10,000 pairs", "runs"],
                "value": [7.99, 0.0, 0.5, np.inf],
                "ideal_low": [7.98, 99.0, -0.1, 0.0],
                "ideal_high": [8.0, 100.0, 0.1, 0.0],
            }
        )
    ),
    "beside_paper": lambda: plots.beside_paper(
        {test: {key: [0.5, 0.02] for key in "ABCDE"} for test in TESTS},
        {test: {"A": 0.25} for test in TESTS},
        "P-value",
        lowest=1e-6,
        line=(0.01, "level 0.01"),
    ),
    "bit_spectra": lambda: plots.bit_spectra(
        {name: 900 * uniform(5000) for name in ("key", "AES keystream", "logistic map")}, 500.0
    ),
    "changed_pixels": lambda: plots.changed_pixels(
        {name: (image(), image()) for name in ("one gray level", "inverted", "another seed image")}
    ),
    "cipher_matrix": lambda: plots.cipher_matrix(
        pd.DataFrame(4 * np.random.default_rng(0).random((len(GROUPS), 12)), GROUPS, CIPHERS),
        pd.DataFrame(np.random.default_rng(1).integers(0, 2, (18, 12)), ATTACKS, CIPHERS),
        3.0,
    ),
    "cost_and_quality": lambda: plots.cost_and_quality(*costs()),
    "decryption_matrix": lambda: plots.decryption_matrix(
        {(i, j): image(64) for i in "ABCD" for j in (*"ABCD", "no key")}
    ),
    "distance_by_lag": lambda: plots.distance_by_lag(distances()),
    "distance_from_ideal": lambda: plots.distance_from_ideal(
        {
            name: pd.DataFrame({"npcr": [99.61, 50.0], "uaci": [33.46, 20.0]})
            for name in ("low-order digits", "top eight bits (paper)", "AES-256-CTR")
        }
    ),
    "edges_by_blur": lambda: plots.edges_by_blur(
        {name: {1: [0.2, 0.4], 4: [0.1, 0.3]} for name in NETWORKS}
    ),
    "encryption_system": lambda: plots.encryption_system(*(image() for _ in range(6))),
    "entropy_by_step": lambda: plots.entropy_by_step(
        {f"base-phantom-{i}": log() for i in range(3)},
        dict.fromkeys(range(5000, 20001, 5000), 7.9),
        pd.DataFrame({"repeat": [1, 2], "steps": [5000, 20_000], "entropy": [7.7, 7.6]}),
    ),
    "entropy_strip": lambda: plots.entropy_strip(
        {kind: 5 + uniform(20) for kind in KINDS}, dict.fromkeys(KINDS, (5.5, 5.9))
    ),
    "front_page": lambda: plots.front_page(image(), {"DeepKeyGen": image(), "AES": image()}),
    "grid_origins": lambda: plots.grid_origins(
        {"horizontal": uniform(20) / 5, "vertical": uniform(20) / 5},
        {name: ([0.04], [0.18]) for name in PAIRS},
    ),
    "histogram_grid": lambda: plots.histogram_grid(
        {f"{1000 * i:,} steps": image() for i in range(7)}, columns=5
    ),
    "hospital_workflow": lambda: plots.hospital_workflow(*(image() for _ in range(5))),
    "hypotheses_and_numbers": lambda: plots.hypotheses_and_numbers(assessed(), "hypothesis 0"),
    "image_grid": lambda: plots.image_grid(
        named("image, blurred", "network alone, blurred", "its negative", "as stored, blurred"),
        details=["its negative"],
    ),
    "image_histograms": lambda: plots.image_histograms(
        named("plain image", "chaotic, rgb", "chaotic, gray", "row shuffle", "AES-CTR")
    ),
    "image_rows": lambda: plots.image_rows(
        {
            row: named("plaintext", "ciphertext, smoothed", "another seed", "seed as JPEG")
            for row in REMEDIES
        }
    ),
    "key_generation_steps": lambda: plots.key_generation_steps(image(), image(), image(), 20_000),
    "keys_of_trainings": lambda: plots.keys_of_trainings(
        image(),
        {f"key {i}: 20,000 steps": image() for i in range(4)},
        dict.fromkeys(("NPCR (%)", "UACI (%)"), 99.58 + uniform(4, 4) / 10)
        | dict.fromkeys(("correlation of bytes", "correlation of block means"), uniform(4, 4) / 9),
    ),
    "leak_by_block_side": lambda: plots.leak_by_block_side(
        named(*PICTURES), dict.fromkeys(LINES, SIDES), SIDES
    ),
    "leak_by_seeds_tried": lambda: plots.leak_by_seeds_tried(
        named("plaintext", "one other seed", "64 other seeds"),
        {key: {1: 0.4, 4: 0.7, 16: 0.8, 64: 0.9} for key in NETWORKS},
        0.12,
    ),
    "leak_of_keys": lambda: plots.leak_of_keys(
        {f"encrypted with {i}, decrypted with D": pd.Series(uniform(8)) for i in "ABC"},
        0.12,
        "Domain and structure leaked",
        named={f"encrypted with {i}, decrypted with D": 33.3 for i in "ABC"},
    ),
    "logistic_orbits": lambda: plots.logistic_orbits(
        uniform(60, 2), ["start 0.3", "start 0.3 + 1e-9"]
    ),
    "measures_by_contrast": lambda: plots.measures_by_contrast(
        contrasts(), {"bits": 7.98, "leak": 0.1}
    ),
    "npcr_and_uaci": lambda: plots.npcr_and_uaci(
        {
            name: {"npcr": [1.0, 99.6], "uaci": [0.01, 30.0]}
            for name in ("paper, Table IV", "one gray level", "inverted", "AES-256-CTR")
        },
        {"npcr": 99.61, "uaci": 33.46},
    ),
    "p_value_heatmap": lambda: plots.p_value_heatmap(battery()),
    "p_value_histograms": lambda: plots.p_value_histograms(battery()),
    "paper_and_ours": lambda: plots.paper_and_ours(results.record("table-III", entropy=[7.98] * 4)),
    "pass_rates": lambda: plots.pass_rates(
        pd.DataFrame(
            {name: [1.0, 0.4, np.nan] for name in ("DeepKeyGen", "AES-256-CTR", "logistic map")},
            index=["runs", "non_overlapping_template", "maurers_universal"],
        )
    ),
    "plain_and_cipher_histograms": lambda: plots.plain_and_cipher_histograms(
        {kind: (peaked(), image(64)) for kind in KINDS}
    ),
    "possible_pairs": lambda: plots.possible_pairs(
        PAIRS, dict(zip("abcd", [*PAIRS.values()] * 2, strict=False)), lambda n: n / 4, 0.02
    ),
    "random_walks": lambda: plots.random_walks(
        {name: np.cumsum(uniform(5000) - 0.5) for name in NETWORKS}, 40.0
    ),
    "rank_correlations": lambda: plots.rank_correlations(
        pd.DataFrame(2 * np.random.default_rng(0).random((len(GROUPS), 18)) - 1, GROUPS, ATTACKS)
    ),
    "recovered_by": lambda: plots.recovered_by(recovered()),
    "scorecard": lambda: plots.scorecard(*scores()),
    "sensitivity_curves": lambda: plots.sensitivity_curves(sensitivity(), (99.58, 21.46)),
    "shares": lambda: plots.shares(
        dict.fromkeys(NETWORKS, BITS),
        "bits of the key that an approximate seed gives (%)",
        chance=0,
    ),
    "shares_beside_expected": lambda: plots.shares_beside_expected(
        pd.DataFrame(
            uniform(3, 3),
            [f"{name}, P = 0.34" for name in ("key", "AES keystream", "logistic map")],
            ["rank 32", "rank 31", "rank 30 and less"],
        ),
        [0.3, 0.6, 0.1],
    ),
    "spectra_and_correlations": lambda: plots.spectra_and_correlations(
        {name: 1 + uniform(64, 64) for name in NETWORKS},
        {key: [0.4, -0.1, 0.2, 0.3, 0.0, 0.2] for key in NETWORKS},
    ),
    "standard_deviations": lambda: plots.standard_deviations(
        {f"{name}: 3 of 148 below 0.01": 9 * uniform(99) for name in ("key", "AES", "map")}
    ),
    "step_times": lambda: plots.step_times(
        {
            "sending": {"key made by the network": [0.1, 0.3], "image encrypted": [0.05]},
            "opening": {"image fetched (C-GET)": [0.04]},
        }
    ),
    "sweep_heatmaps": lambda: plots.sweep_heatmaps(
        {"paper (Table XXI)": sweep(), "ours (gray: not trained)": sweep().iloc[:20]}
    ),
    "training_curves": lambda: plots.training_curves(log(), "base-phantom-1"),
}

NO_FIGURE = {"blurred", "live_curves", "stretched"}


def drawn_texts(figure):
    """Each visible text, once, with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = {
        child
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        if not (ax.axison and axis.get_visible())
        for child in axis.findobj(Text)
    }
    # A locator keeps labels of ticks outside the limits, which are not drawn.
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            shown = set(axis._update_ticks())
            ticks = [*axis.majorTicks, *axis.minorTicks]
            hidden |= {text for t in ticks if t not in shown for text in t.findobj(Text)}

    def box(text):
        """The box of a text without the empty lines below it."""
        extent = text.get_window_extent(renderer)
        lines = text.get_text().count("\n") + 1
        empty = lines - text.get_text().rstrip("\n").count("\n") - 1
        return Bbox.from_extents(
            extent.x0, extent.y0 + extent.height * empty / lines, extent.x1, extent.y1
        )

    texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    return [(t, box(t)) for t in texts if t not in hidden], canvas


def overlap(a, b):
    """Two boxes overlap by more than a pixel of rounding."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1


def ground(text, box, pixels):
    """The colour around a text: the most frequent one in its box."""
    height = len(pixels)
    rows = slice(max(0, int(height - box.y1)), max(1, int(np.ceil(height - box.y0))))
    part = pixels[rows, max(0, int(box.x0)) : int(np.ceil(box.x1)), :3].reshape(-1, 3)
    colors, counts = np.unique(part, axis=0, return_counts=True)
    return colors[counts.argmax()] / 255


@pytest.fixture(autouse=True)
def output(request, tmp_path, monkeypatch):
    monkeypatch.setenv("DKG_OUTPUT", str(tmp_path))
    # What is drawn follows from the test's name, as where texts lie may depend on it.
    seed = zlib.crc32(request.node.name.encode())
    monkeypatch.setitem(globals(), "RNG", np.random.default_rng(seed))


def test_every_figure_is_looked_at():
    functions = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    assert functions - NO_FIGURE == set(FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_read(name):
    figure = FIGURES[name]()
    texts, canvas = drawn_texts(figure)
    pixels = np.asarray(canvas.buffer_rgba())
    height, width = pixels.shape[:2]
    assert figure.get_figwidth() <= PAGE
    for text, box in texts:
        words = text.get_text()
        inside = min(box.x0, box.y0, width - box.x1, height - box.y1)
        assert inside >= -1, f"{words!r} leaves the figure"
        assert text.get_fontsize() >= 9, f"{words!r} is small"
        color = to_rgba(text.get_color(), text.get_alpha())
        ratio = contrast(color, ground(text, box, pixels))
        assert ratio >= 4.5, f"{words!r} is pale: {ratio:.1f}"
    for (first, a), (second, b) in combinations(texts, 2):
        assert not overlap(a, b), f"{first.get_text()!r} lies on {second.get_text()!r}"
