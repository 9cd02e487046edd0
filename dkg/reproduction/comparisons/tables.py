"""Comparisons with the numbers of Tables I to XXI and with the averages that the text states."""

from collections.abc import Iterator

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
        tolerance=(0.0,) * len(TABLES[table]["layer"]),
        reason=shared.COUNT_REASON,
        printed=True,
        images=False,
    )


def _keys() -> Iterator[Comparison]:
    """Yield Tables III and IV."""
    tolerance, reason = shared.KEY_ENTROPY
    yield Comparison(
        record="table-III",
        name="entropy",
        what="entropy of a key",
        unit="bits",
        labels=tuple(f"key {i}" for i in range(1, 9)),
        paper=TABLES["III"]["entropy"],
        tolerance=(tolerance,) * 8,
        reason=reason,
        printed=True,
    )
    for column, values in TABLES["IV"].items():
        yield Comparison(
            record="table-IV",
            name=column,
            what=f"{column.upper()} of the keys of two seeds that differ in one pixel, by one gray "
            "level",
            unit="%",
            labels=tuple(f"pair {i}" for i in range(1, 9)),
            paper=values,
            tolerance=(shared.spread(values),) * 8,
            reason=shared.SPREAD_REASON.replace("images", "pairs of keys"),
            printed=True,
        )


def _with_mean(
    table: str,
    column: str,
    what: str,
    mean: str,
    unit: str = "",
    tolerance: float | None = None,
    reason: str = shared.SPREAD_REASON,
) -> Iterator[Comparison]:
    """Yield a column of eight images, and the average that the text states.

    The tolerance of both is the column's spread if none is given.
    """
    values = TABLES[table][column]
    tolerance = shared.spread(values) if tolerance is None else tolerance
    yield Comparison(
        record=f"table-{table}",
        name=column,
        what=what,
        unit=unit,
        labels=tuple(f"image {i}" for i in range(1, 9)),
        paper=values,
        tolerance=(tolerance,) * 8,
        reason=reason,
        printed=True,
    )
    yield Comparison(
        record=f"table-{table}",
        name=f"mean_{column}",
        what=f"{mean}, as the text has it",
        unit=unit,
        labels=("mean",),
        paper=(TEXT_AVERAGES[table][column],),
        tolerance=(tolerance,),
        reason=f"{reason}; not narrowed for the mean, since the images of a set are not "
        "independent",
        printed=True,
    )


def _images() -> Iterator[Comparison]:
    """Yield Tables V to XV."""
    for table in ("V", "VI", "VII"):
        for kind, own in (("plain", ()), ("cipher", shared.CIPHER_ENTROPY)):
            what = f"entropy of the {kind}text"
            yield from _with_mean(table, f"{kind}_entropy", what, f"mean {what}s", "bits", *own)
    for table in ("VIII", "IX", "X"):
        for column, measure in (("mse", "mean square error"), ("ssim", "SSIM")):
            what = f"{measure} of plaintext and ciphertext"
            yield from _with_mean(table, column, what, f"average {measure}")
    for table in ("XI", "XII", "XIII"):
        for column, values in TABLES[table].items():
            yield _correlation(table, column, values)
    for table, images in (("XIV", "ciphertexts"), ("XV", "plaintexts")):
        for column in ("npcr", "uaci"):
            what = f"{column.upper()} of the {images}"
            keys = "under the keys of two seeds that differ in one pixel, by one gray level"
            yield from _with_mean(table, column, f"{what} {keys}", f"mean {what}", "%")


def _correlation(table: str, column: str, values: tuple[float, ...]) -> Comparison:
    kind, direction = column.split("_")
    tolerance, reason = shared.spread(values), shared.SPREAD_REASON
    if kind == "cipher":
        tolerance = 1.96 * 2**0.5 / 255**0.5
        reason = (
            "the correlation of 256 pairs of independent pixels has a standard deviation of "
            "0.0626; two of them differ by less than 0.1736 in 95 % of cases. Absolute values are "
            "compared, as the paper prints no negative one"
        )
    return Comparison(
        record=f"table-{table}",
        name=column,
        what=f"correlation of 256 pairs of {direction} neighbours, {kind}text",
        labels=tuple(f"image {i}" for i in range(1, 5)),
        paper=values,
        tolerance=(tolerance,) * 4,
        reason=reason,
        printed=True,
    )


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
                reason="the level of section IV-E: a P-value says random or not random, and no "
                "more; one of a random sequence is uniform, so that its size cannot be reproduced",
                printed=True,
            )
    for table, what, (tolerance, reason) in (
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
            tolerance=(*(1.96 * 2**0.5 * 0.0001 + 0.00005,) * 5, tolerance),
            reason="196,608 ideal bytes scatter with a standard deviation of 0.0001 bit, so two "
            "keys of one generator differ by less than 0.0003 in 95 % of cases, rounding included; "
            f"for DeepKeyGen: {reason}",
            printed=True,
        )
    seconds = TABLES["XIX"]["seconds"]
    yield Comparison(
        record="table-XIX",
        name="time_beside_deepkeygen",
        what="time for a key, divided by DeepKeyGen's in the same run",
        labels=METHODS,
        paper=tuple(round(time / seconds[-1], 4) for time in seconds),
        rule="factor",
        tolerance=(3.0,) * 6,
        reason="another machine, language or library moves such a ratio by a small factor; 3 is "
        "half an order of magnitude. Seconds of an unknown machine cannot be held against ours",
        printed=True,
        images=False,
    )


def _hyperparameters() -> Iterator[Comparison]:
    """Yield Table XXI, a comparison for each learning rate and batch size."""
    least, why = shared.KEY_ENTROPY
    entropies: dict[tuple[float, int], dict[int, float]] = {}
    for epochs, rate, batch, entropy in zip(*TABLES["XXI"].values(), strict=True):
        entropies.setdefault((rate, batch), {})[epochs] = entropy
    for (rate, batch), by_epochs in entropies.items():
        known = [entropy for entropy in by_epochs.values() if entropy == entropy]
        tolerance = max(least, shared.spread(known)) if len(known) > 1 else 0.5
        yield Comparison(
            record="table-XXI",
            name=f"entropy_rate_{rate:g}_batch_{batch}",
            what=f"mean entropy of keys, learning rate {rate:g}, batch size {batch}",
            unit="bits",
            labels=tuple(f"{epochs:,} steps" for epochs in by_epochs),
            paper=tuple(by_epochs.values()),
            tolerance=(tolerance,) * len(by_epochs),
            reason="1.96 sqrt(2) standard deviations over the five lengths of this column of the "
            f"paper, and no less than 0.03: {why}"
            if len(known) > 1
            else "the paper has one number here, and NaN after it: half a bit says whether the "
            "keys have collapsed",
            printed=True,
        )
