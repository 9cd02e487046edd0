"""The claims about low-order keys, each followed by its comparisons."""

from dkg.reproduction.comparisons import shared
from dkg.reproduction.comparisons.comparison import Claim, Comparison

LOW_ORDER_KEYS: tuple[Claim | Comparison, ...] = (
    Claim(
        record="beyond-hardened-flat",
        words="Seed images with flat regions give low-order keys like any other seed image.",
        holds="No key repeated an 8 x 8 block; flat seed images had unrelated keys.",
        fails="A key repeated itself where the seed image is flat, or two flat seed images had "
        "related keys.",
        limits="Thirteen flat seed images; the record compares other remedies.",
    ),
    Comparison(
        record="beyond-hardened-flat",
        name="repeated_cells",
        what="share of the key's cells of 8 x 8 pixels that occur earlier in the key",
        unit="%",
        labels=("black", "white", "upper half black", "black frame", "overexposed"),
        paper=(0.0,) * 5,
        rule="at most",
        tolerance=(0.0,) * 5,
        reason="two cells of 192 uniform bytes are practically never equal",
        images=False,
        trained=False,
    ),
    Comparison(
        record="beyond-hardened-flat",
        name="npcr_flat",
        what="smallest NPCR of the keys of two flat seed images",
        unit="%",
        labels=("of thirteen",),
        paper=(99.609375,),
        tolerance=(0.07,),
        reason="the mean of uniform keys and five of their standard deviations (0.0141), as it is "
        "the smallest of 78 pairs",
        images=False,
        trained=False,
    ),
    Claim(
        record="beyond-hardened-bytes",
        words="Low-order keys look like uniform bytes, whatever the seed image and the network.",
        holds="No test distinguished the keys from uniform bytes.",
        fails="A test rejected the keys, perhaps by chance.",
        limits="Passing tests is no proof. An untrained network, SHAKE-256 and ChaCha20 are "
        "measured beside the keys: a test that they pass as well says nothing about training.",
    ),
    Comparison(
        record="beyond-hardened-bytes",
        name="entropy",
        what="mean entropy of the keys",
        unit="bits",
        labels=(*shared.THREE_SETS, "flat"),
        paper=(7.999064,) * 4,
        tolerance=(0.00025,) * 4,
        reason="the mean of 196,608 uniform bytes, and three standard deviations of a single key",
        images=False,
        trained=False,
    ),
    Comparison(
        record="beyond-hardened-bytes",
        name="tests_passed",
        what="tests of SP 800-22, of fifteen, that the keys pass as its section 4.2 asks",
        labels=("proportion that pass", "P-values uniform"),
        paper=(15.0,) * 2,
        rule="at least",
        tolerance=(0.0,) * 2,
        reason="section 4.2 of the standard. Every line of a test of one or two lines must pass; "
        "of the three tests of 8, 18 and 148 lines, as many may fail as of uniform bits in 1 case "
        "of 1,000",
        images=False,
        trained=False,
    ),
    Comparison(
        record="beyond-hardened-bytes",
        name="bits_gained",
        what="bits per byte that a small network predicts beyond the histogram of the bytes",
        unit="bits",
        labels=("keys that it was not trained on",),
        paper=(0.0,),
        rule="at most",
        tolerance=(0.01,),
        reason="the bound of beyond-learned-attack",
        images=False,
        trained=False,
    ),
    Comparison(
        record="beyond-hardened-bytes",
        name="repeated_windows",
        what="windows of eight bytes in the keys of a network that occur more than once",
        labels=("every network",),
        paper=(0.0,),
        rule="at most",
        tolerance=(0.0,),
        reason="uniform keys of ten million bytes hold such a pair in 3 of a million cases",
        images=False,
        trained=False,
    ),
    Claim(
        record="beyond-hardened-sensitivity",
        words="Changing one pixel of the seed image by one gray level, or the whole image, "
        "gives an unrelated low-order key.",
        holds="NPCR, UACI and correlation of the keys were those of independent uniform keys.",
        fails="Fewer pairs of keys were inside the acceptance intervals than of independent "
        "uniform keys.",
        limits="Corners and random pixels. Chosen seed images that differ by a constant after "
        "the noise map give related keys: the network is not a hash function.",
    ),
    *(
        Comparison(
            record="beyond-hardened-sensitivity",
            name=f"{column}_inside",
            what=f"share of the pairs of keys with {column.upper()} inside the acceptance interval "
            "at 5 %",
            unit="%",
            labels=("one gray level at one pixel", "two seed images"),
            paper=(95.0,) * 2,
            rule="at least",
            tolerance=(6.4, 1.0),
            reason="uniform keys are inside in 95 % of cases. 104 pairs of the first kind scatter "
            "by 2.1, and three standard deviations are allowed; the second are thousands",
            images=False,
            trained=False,
        )
        for column in ("npcr", "uaci")
    ),
    Comparison(
        record="beyond-hardened-sensitivity",
        name="uncorrelated",
        what="share of the pairs of keys whose bytes correlate by less than 1.96 standard "
        "deviations",
        unit="%",
        labels=("two seed images",),
        paper=(95.0,),
        rule="at least",
        tolerance=(1.0,),
        reason="uniform keys do in 95 % of cases",
        images=False,
        trained=False,
    ),
    Claim(
        record="beyond-hardened-attacks",
        words="Attacks that use structure, an approximate seed image or a trained model recover "
        "nothing under low-order keys.",
        holds="The attacks on structure, with approximate seed images and by trained models "
        "recovered nothing.",
        fails={
            "block_correlation": "block means of a ciphertext, or of its decryption with another "
            "key, show the plaintext",
            "named": "an attack on the ciphertext alone identifies more plaintexts than chance",
            "bits_right": "an approximate seed image gives more of the key's bits than chance",
        },
        limits="Only these attacks, as this package implements them.",
    ),
    shared.no_block_correlation(
        record="beyond-hardened-attacks",
        what="mean absolute correlation of 16 x 16 block means with the plaintext",
        labels=(
            "ciphertext alone",
            "with the key of another seed image",
            "with the key of an approximate seed image",
        ),
    ),
    Comparison(
        record="beyond-hardened-attacks",
        name="named",
        what="share of ciphertexts of unseen keys and images whose plaintext is identified among "
        "16",
        unit="%",
        labels=("block means", "principal component", "ridge", "U-Net"),
        paper=(6.25,) * 4,
        rule="at most",
        tolerance=(18.75,) * 4,
        reason="the bound of beyond-inversion",
    ),
    Comparison(
        record="beyond-hardened-attacks",
        name="bits_right",
        what="share of the key's bits that an approximate seed image gives",
        unit="%",
        labels=(
            "JPEG, quality 90",
            "noise of 2 levels",
            "one pixel inverted",
            "one pixel by one level",
        ),
        paper=(50.0,) * 4,
        rule="at most",
        tolerance=(1.0,) * 4,
        reason="the bound of beyond-approximate-seed",
    ),
    Claim(
        record="beyond-hardened-limits",
        words="With low-order keys an image is safe even if the network is public.",
        holds="Neither a guess of the seed image nor a key used twice revealed the image.",
        fails={
            "seed image among those that are tried": "with the known network, a guessed seed image "
            "reveals the image",
            "key used twice, one image known": "a key that is used twice reveals the second image",
        },
        limits="The same is true of ChaCha20 keyed with a hash of the seed image.",
    ),
    shared.right_by_chance(
        record="beyond-hardened-limits",
        name="bytes_read",
        what="share of the plaintext's bytes that are recovered",
        labels=("seed image among those that are tried", "key used twice, one image known"),
    ),
)
