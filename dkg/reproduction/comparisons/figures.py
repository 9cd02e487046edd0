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
        kind="construction",
        rule="exact",
        tolerance=(0.0, 0.0),
        reason=shared.COUNT_REASON,
        printed=True,
        images=False,
        trained=False,
    )
    yield shared.all_bytes_back(
        record="figure-4",
        name="same_key",
        what="share of the key's bytes that are the same when the four steps are run again with "
        "the same network and seed image",
        labels=("key",),
        reason="a key that is made again must be the same, byte for byte",
    )
    yield from _other_training()
    yield shared.uniform_histogram("figure-6", "key", ("key",))
    yield shared.uniform_histogram("figure-7", "ciphertext", shared.THREE_SETS)
    methods = TABLES["XVII"]["method"]
    yield shared.uniform_histogram("figure-11", "ciphertext", methods, fixed=methods[:-1])
    yield from _wrong_keys("figure-8", ("key B", "key C", "key D"))
    yield from _wrong_keys("figure-9", ("key B",))
    # XOR commutes: encrypted with A and decrypted with B is the same image as the reverse.
    others = tuple(f"keys {i} and {j}" for i in "ABCD" for j in "ABCD" if i < j)
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
        paper=(shared.critical_npcr(12),) * 6,
        rule="at least",
        tolerance=(0.0,) * 6,
        reason=shared.CRITICAL_NPCR_REASON,
        trained=False,
        noise=True,
        old_tolerance=(0.0,) * 6,
    )
    yield shared.no_block_correlation(
        record="figure-5",
        name="correlation",
        what="absolute correlation of the keys' block means (16 x 16 pixels)",
        labels=pairs,
        trained=False,
        more_reason="; 'content, color and contour' differ only if nothing is shared",
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
        paired=True,
        reason="the paper's ciphertexts have an SSIM of at most 0.0072 with their plaintexts "
        "(Table IX), rounded up",
    )


def _wrong_keys(record: str, labels: tuple[str, ...]) -> Iterator[Comparison]:
    """Yield one of Figs. 8 to 10."""
    yield Comparison(
        record=record,
        name="ssim_right_key",
        what="SSIM of the plaintext and the image decrypted with the right key",
        labels=("right key",),
        paper=(1.0,),
        kind="construction",
        rule="exact",
        tolerance=(0.0,),
        reason="XOR is exact",
        images=False,
        trained=False,
    )
    yield _unrelated(
        record,
        "ssim_wrong_key",
        "SSIM of the plaintext and the image decrypted with an imitator's key",
        labels,
    )
    yield shared.no_block_correlation(
        record=record,
        name="block_correlation_wrong_key",
        what="absolute correlation of 16 x 16 block means of plaintext and wrongly decrypted image",
        labels=labels,
        paired=True,
        more_reason="; more than that is visible after blurring",
    )


def _domains() -> Iterator[Comparison]:
    """Yield Fig. 13."""
    labels = ("low-security domain", "high-security domain")
    yield Comparison(
        record="figure-13",
        name="domain_entropy",
        what="mean domain entropy",
        unit="bits",
        labels=labels,
        paper=TRANSFORMATION_DOMAINS["domain_entropy"],
        kind="input",
        tolerance=(0.03, 0.03),
        reason="the old tolerance of key entropies, as each domain is made once",
        printed=True,
        trained=False,
    )
    for what, old in (("key", shared.KEY_ENTROPY), ("cipher", shared.CIPHER_ENTROPY)):
        yield Comparison(
            record="figure-13",
            name=f"{what}_entropy",
            what=f"mean {what}{'text' * (what == 'cipher')} entropy",
            unit="bits",
            labels=labels,
            paper=TRANSFORMATION_DOMAINS[f"{what}_entropy"],
            rule="interval",
            tolerance=(0.0, 0.0),
            reason=f"{shared.OF_A_NUMBER}; the low-security domain has one training, and the "
            "scatter between trainings is taken from the high-security one",
            printed=True,
            n=8,
            old_tolerance=(old, old),
        )
