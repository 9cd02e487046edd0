"""Comparisons with what the text says that Figures 1 to 13 show; figures print no numbers."""

from collections.abc import Iterator

from dkg.paper import TABLES, TRANSFORMATION_DOMAINS
from dkg.reproduction.comparisons import shared
from dkg.reproduction.comparisons.comparison import Comparison

ROUND_TRIP = "share of the bytes that come back after decryption with the right key"


def comparisons() -> Iterator[Comparison]:
    """Yield the comparisons of all figures."""
    yield shared.all_bytes_back(
        record="figure-1",
        what=f"{ROUND_TRIP}, from the modality to the workstation",
        labels=("image",),
    )
    yield shared.all_bytes_back(record="figure-2", what=ROUND_TRIP, labels=("image",))
    yield Comparison(
        record="figure-3",
        name="parameters",
        what="parameters of the drawn networks, against the sums of Tables I and II",
        labels=("generator", "discriminator"),
        paper=(sum(TABLES["I"]["parameters"]), sum(TABLES["II"]["parameters"])),
        tolerance=(0.0, 0.0),
        reason=shared.COUNT_REASON,
        printed=True,
        images=False,
    )
    yield shared.all_bytes_back(
        record="figure-4",
        name="same_key",
        what="share of the key's bytes that are the same when the four steps are run again with "
        "the same network and seed image",
        labels=("key",),
        reason="the physician must be able to make the key again, byte for byte",
    )
    yield from _other_training()
    yield _uniform_histogram("figure-6", "key", ("key",))
    yield _uniform_histogram("figure-7", "ciphertext", shared.THREE_SETS)
    yield _uniform_histogram("figure-11", "ciphertext", TABLES["XVII"]["method"])
    yield from _wrong_keys("figure-8", ("key B", "key C", "key D"))
    yield from _wrong_keys("figure-9", ("key B",))
    others = tuple(
        f"encrypted with {i}, decrypted with {j}" for i in "ABCD" for j in "ABCD" if i != j
    )
    yield from _wrong_keys("figure-10", others)
    yield shared.all_bytes_back(record="figure-12", what=ROUND_TRIP, labels=shared.THREE_SETS)
    yield _unrelated("figure-12", "ssim", "SSIM of plaintext and ciphertext", shared.THREE_SETS)
    yield from _domains()


def _other_training() -> Iterator[Comparison]:
    """Yield Fig. 5."""
    pairs = tuple(f"keys {i} and {j}" for i in range(1, 5) for j in range(i + 1, 5))
    yield Comparison(
        record="figure-5",
        name="npcr",
        what="NPCR of the keys of two trainings, same seed image",
        unit="%",
        labels=pairs,
        paper=(shared.CRITICAL_NPCR,) * 6,
        rule="at least",
        tolerance=(0.0,) * 6,
        reason=shared.CRITICAL_NPCR_REASON,
    )
    yield shared.no_block_correlation(
        record="figure-5",
        name="correlation",
        what="size of the correlation of the keys' block means (16 x 16 pixels)",
        labels=pairs,
        more_reason="; 'content, color and contour' differ only if nothing is shared",
    )


def _uniform_histogram(record: str, what: str, labels: tuple[str, ...]) -> Comparison:
    return Comparison(
        record=record,
        name="chi_square",
        what=f"chi-square of the histogram of a {what} against the uniform one",
        labels=labels,
        paper=(293.25,) * len(labels),
        rule="at most",
        tolerance=(0.0,) * len(labels),
        reason="the 5 % critical value of chi-square with 255 degrees of freedom; 'uniform' is the "
        "paper's word",
    )


def _unrelated(record: str, name: str, what: str, labels: tuple[str, ...]) -> Comparison:
    return Comparison(
        record=record,
        name=name,
        what=what,
        labels=labels,
        paper=(0.0,) * len(labels),
        rule="at most",
        tolerance=(0.01,) * len(labels),
        reason="the paper's ciphertexts have an SSIM of at most 0.0072 with their plaintexts "
        "(Table IX); rounded up: a picture as unlike the plaintext as that shows nothing",
    )


def _wrong_keys(record: str, labels: tuple[str, ...]) -> Iterator[Comparison]:
    """Yield one of Figs. 8 to 10."""
    yield Comparison(
        record=record,
        name="ssim_right_key",
        what="SSIM of the plaintext and the image decrypted with the right key",
        labels=("right key",),
        paper=(1.0,),
        tolerance=(0.0,),
        reason="XOR is exact",
        images=False,
    )
    yield _unrelated(
        record,
        "ssim_wrong_key",
        "SSIM of the plaintext and the image decrypted with a key that the attacker has trained",
        labels,
    )
    yield shared.no_block_correlation(
        record=record,
        name="block_correlation_wrong_key",
        what="size of the correlation of 16 x 16 block means of plaintext and wrongly decrypted "
        "image",
        labels=labels,
        more_reason="; more than that shows through to an eye that averages",
    )


def _domains() -> Iterator[Comparison]:
    """Yield Fig. 13."""
    one_domain = 0.03, "the tolerance of key entropies, for want of a second domain"
    for column, what, (tolerance, reason) in (
        ("domain_entropy", "domain", one_domain),
        ("key_entropy", "key", shared.KEY_ENTROPY),
        ("cipher_entropy", "ciphertext", shared.CIPHER_ENTROPY),
    ):
        yield Comparison(
            record="figure-13",
            name=column,
            what=f"mean {what} entropy",
            unit="bits",
            labels=("low-security domain", "high-security domain"),
            paper=TRANSFORMATION_DOMAINS[column],
            tolerance=(tolerance, tolerance),
            reason=reason,
            printed=True,
        )
