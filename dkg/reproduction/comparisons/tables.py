"""Comparisons with the numbers of Tables I to XXI and with the averages that the text states."""

from collections.abc import Iterator
from typing import Any

from dkg.paper import TABLES, TEXT_AVERAGES
from dkg.reproduction.comparisons import shared
from dkg.reproduction.comparisons.comparison import Comparison

METHODS = TABLES["XVII"]["method"]


def comparisons() -> Iterator[Comparison]:
    """Yield the comparisons of all tables."""
    for table in ("I", "II"):
        yield _layers(table, "parameters", "parameters of the layer")
        yield _layers(table, "total_parameters", "parameters so far")
    yield from _keys()
    yield from _images()
    for network in "abcd":
        what = f"convolutions or blocks in network {network.upper()}"
        yield _layers("XVI", f"network_{network}", what)
    yield from _methods()
    yield from _hyperparameters()


def _layers(table: str, column: str, what: str) -> Comparison:
    return Comparison(
        record=f"table-{table}",
        name=column,
        what=what,
        labels=TABLES[table]["layer"],
        paper=TABLES[table][column],
        kind="construction",
        rule="exact",
        tolerance=(0.0,) * len(TABLES[table]["layer"]),
        reason=shared.COUNT_REASON,
        printed=True,
        images=False,
        trained=False,
    )


def _row(table: str, column: str, what: str, old: float, unit: str = "", **more: Any) -> Comparison:
    """Return a row of keys or images that is judged by its mean."""
    values = TABLES[table][column]
    member = {"III": "key", "IV": "pair"}.get(table, "image")
    settings = {"reason": shared.OF_A_MEAN} | more
    return Comparison(
        record=f"table-{table}",
        name=column,
        what=what,
        unit=unit,
        labels=tuple(f"{member} {i}" for i in range(1, len(values) + 1)),
        paper=values,
        rule="interval",
        tolerance=(0.0,) * len(values),
        printed=True,
        over="row",
        old_tolerance=(old,) * len(values),
        **settings,
    )


_INPUT: dict[str, Any] = {"kind": "input", "reason": shared.OF_IMAGES, "trained": False}


def _keys() -> Iterator[Comparison]:
    """Yield Tables III and IV."""
    yield _row("III", "entropy", "entropy of a key", shared.KEY_ENTROPY, "bits")
    for column, values in TABLES["IV"].items():
        what = (
            f"{column.upper()} of the keys of two seed images that differ in one pixel, by one "
            "gray level"
        )
        yield _row("IV", column, what, shared.spread(values), "%")


def _with_mean(
    table: str, column: str, what: str, mean: str, old: float, unit: str = "", **more: Any
) -> Iterator[Comparison]:
    """Yield a row of eight images, and the average that the text states."""
    yield _row(table, column, what, old, unit, **more)
    settings = {"reason": shared.OF_A_MEAN} | more
    yield Comparison(
        record=f"table-{table}",
        name=f"mean_{column}",
        what=f"{mean} (text)",
        unit=unit,
        labels=("mean",),
        paper=(TEXT_AVERAGES[table][column],),
        rule="interval",
        tolerance=(0.0,),
        printed=True,
        over="mean",
        n=8,
        decides=False,
        old_tolerance=(old,),
        **settings,
    )


def _images() -> Iterator[Comparison]:
    """Yield Tables V to XV."""
    for table in ("V", "VI", "VII"):
        old = shared.spread(TABLES[table]["plain_entropy"])
        for kind, more in (("plain", _INPUT), ("cipher", {})):
            what = f"entropy of the {kind}text"
            name, mean = f"{kind}_entropy", f"mean {what}s"
            yield from _with_mean(table, name, what, mean, old, "bits", **more)
            old = shared.CIPHER_ENTROPY
    for table in ("VIII", "IX", "X"):
        for column, measure in (("mse", "mean square error"), ("ssim", "SSIM")):
            what = f"{measure} of plaintext and ciphertext"
            old = shared.spread(TABLES[table][column])
            yield from _with_mean(table, column, what, f"average {measure}", old, paired=True)
    for table in ("XI", "XII", "XIII"):
        for column, values in TABLES[table].items():
            yield _correlation(table, column, values)
    for table, images in (("XIV", "ciphertexts"), ("XV", "plaintexts")):
        for column in ("npcr", "uaci"):
            what = f"{column.upper()} of the {images}"
            keys = "under the keys of two seed images that differ in one pixel, by one gray level"
            old = shared.spread(TABLES[table][column])
            yield from _with_mean(table, column, f"{what} {keys}", f"mean {what}", old, "%")


def _correlation(table: str, column: str, values: tuple[float, ...]) -> Comparison:
    kind, direction = column.split("_")
    what = f"absolute correlation of 256 pairs of {direction} neighbours, {kind}text"
    if kind == "plain":
        return _row(table, column, what, shared.spread(values), **_INPUT)
    reason = f"{shared.OF_A_MEAN}. Absolute values, as the paper prints no negative one"
    return _row(table, column, what, 1.96 * 2**0.5 / 255**0.5, reason=reason)


def _methods() -> Iterator[Comparison]:
    """Yield Tables XVII, XVIII, XX and XIX."""
    for column, p_values in TABLES["XVII"].items():
        if column != "method":
            test = column.replace("_", " ").replace("maurers", "Maurer’s")
            yield Comparison(
                record="table-XVII",
                name=column,
                what=f"P-value, {test}",
                labels=METHODS,
                paper=p_values,
                rule="decision",
                tolerance=(0.01,) * 6,
                reason="the level of section IV-E: a P-value says passed or failed, and no "
                "more; that of a random sequence is uniform, so its value cannot be reproduced",
                printed=True,
                fixed=METHODS[:-1],
            )
    for table, what, old in (
        ("XVIII", "key", shared.KEY_ENTROPY),
        ("XX", "ciphertext", shared.CIPHER_ENTROPY),
    ):
        yield Comparison(
            record=f"table-{table}",
            name="entropy",
            what=f"entropy of the {what}",
            unit="bits",
            labels=METHODS,
            paper=TABLES[table]["entropy"],
            rule="interval",
            tolerance=(0.0,) * 6,
            reason=f"{shared.OF_A_NUMBER}; for the other generators, for one new key",
            printed=True,
            fixed=METHODS[:-1],
            old_tolerance=(*(1.96 * 2**0.5 * 0.0001 + 0.00005,) * 5, old),
        )
    *seconds, own = TABLES["XIX"]["seconds"]
    yield Comparison(
        record="table-XIX",
        name="time_beside_deepkeygen",
        what="time for a key, divided by DeepKeyGen's in the same run",
        labels=METHODS[:-1],
        paper=tuple(round(time / own, 4) for time in seconds),
        kind="implementation",
        rule="factor",
        tolerance=(3.0,) * 5,
        reason="another machine, language or library moves such a ratio by a small factor; 3 is "
        "half an order of magnitude. It compares programs, and is no verdict on the paper",
        printed=True,
        images=False,
        trained=False,
    )


def _hyperparameters() -> Iterator[Comparison]:
    """Yield Table XXI, a comparison for each learning rate and batch size."""
    entropies: dict[tuple[float, int], dict[int, float]] = {}
    for epochs, rate, batch, entropy in zip(*TABLES["XXI"].values(), strict=True):
        entropies.setdefault((rate, batch), {})[epochs] = entropy
    for (rate, batch), by_epochs in entropies.items():
        known = [entropy for entropy in by_epochs.values() if entropy == entropy]
        old = max(shared.KEY_ENTROPY, shared.spread(known)) if len(known) > 1 else 0.5
        yield Comparison(
            record="table-XXI",
            name=f"entropy_rate_{rate:g}_batch_{batch}",
            what=f"mean entropy of keys, learning rate {rate:g}, batch size {batch}",
            unit="bits",
            labels=tuple(f"{epochs:,} steps" for epochs in by_epochs),
            paper=tuple(by_epochs.values()),
            rule="interval",
            tolerance=(0.0,) * len(by_epochs),
            reason=f"{shared.OF_A_NUMBER}; of a setting that was trained once, the scatter between "
            "trainings is that of the base recipe",
            printed=True,
            n=8,
            old_tolerance=(old,) * len(by_epochs),
        )
