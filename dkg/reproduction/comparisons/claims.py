"""The claims that the paper makes in words, each followed by its comparisons."""

from dkg.reproduction.comparisons import shared
from dkg.reproduction.comparisons.comparison import Claim, Comparison

CLAIMS_OF_THE_PAPER: tuple[Claim | Comparison, ...] = (
    Claim(
        record="claim-one-time-pad",
        where="IV-A2, IV-D3",
        words="Each training gives another network and so another key: a type of one-time pad.",
        holds="No training could be repeated here.",
        fails="A training with the same random seed and images on the same machine gives the same "
        "network and the same key again: the key is deterministic, and at most as secret as that "
        "random seed, the training images and the seed image. It is not a one-time pad, whose key "
        "is truly random and as long as all plaintexts together.",
        limits="Shown on a short training; repeatability does not depend on the length.",
    ),
    shared.right_by_chance(
        record="claim-one-time-pad",
        name="same_key_again",
        what="share of the key's bytes that a second training with the same random seed reproduces",
        labels=("second training",),
    ),
    Claim(
        record="claim-seed-sensitivity",
        where="IV-A5",
        words="A change of one pixel of the seed image changes over 99.5 % of the key.",
        holds="Changing one pixel of the seed image changed over 99.5 % of the key.",
        fails="When one pixel of the seed image changes, less than 99.5 % of the key changes. An "
        "approximate seed image gives an approximate key.",
        limits="Measured at single pixels of a few seed images.",
    ),
    Comparison(
        record="claim-seed-sensitivity",
        name="npcr",
        what="mean NPCR of the keys of two seed images that differ in one pixel",
        unit="%",
        labels=("by one gray level", "inverted"),
        paper=(99.5,) * 2,
        rule="at least",
        tolerance=(0.0,) * 2,
        reason="the paper's own bound: 'over 99.5% differences'",
        printed=True,
    ),
    Claim(
        record="claim-ciphertext-only",
        where="IV-C1",
        words="The ciphertext alone does not show the plaintext.",
        holds="No attack tried here found a trace of the plaintext in the ciphertext.",
        fails="Averages or a trained model recover a coarse image from the ciphertext alone: "
        "unbalanced key bits leak the plaintext.",
        limits="Judged by the strongest of four attacks: block means, principal component, and "
        "learned inversion by ridge regression and by a small U-Net. Where they find nothing, "
        "another attack may succeed.",
    ),
    shared.no_block_correlation(
        record="claim-ciphertext-only",
        what="mean absolute correlation of 16 x 16 block means of plaintext and ciphertext",
        labels=("mean over the images",),
        over="mean",
        paired=True,
    ),
    Comparison(
        record="claim-ciphertext-only",
        name="named",
        what="share of ciphertexts whose plaintext the strongest of four attacks identifies among "
        "16",
        unit="%",
        labels=("strongest attack",),
        paper=(6.25,),
        rule="at most",
        tolerance=(18.75,),
        reason="sixteen ciphertexts and 16 candidates: chance identifies more than four, 25 %, in "
        "2 cases of 1,000 for each attack, and in fewer than 1 of 100 for the best of four",
    ),
    Claim(
        record="claim-known-plaintext",
        where="IV-C2",
        words="A known plaintext-ciphertext pair does not reveal other plaintexts.",
        holds="Nothing was recovered under the same key.",
        fails="One known pair gives the whole key, and every other image under that key is "
        "decrypted without loss.",
        limits="This requires a key that is used twice. If each image has an independent key, the "
        "pair reveals nothing about the next one; the paper states no rule on key reuse.",
    ),
    shared.right_by_chance(
        record="claim-known-plaintext",
        name="bytes_read",
        what="share of another image's bytes that are recovered with the key of a known pair",
        labels=("another image, same key",),
    ),
    Claim(
        record="claim-chosen-plaintext",
        where="IV-C3",
        words="A small change of the plaintext changes the whole ciphertext (chosen-plaintext, "
        "differential attack).",
        holds="A changed pixel changed the whole ciphertext.",
        fails="One changed pixel of the plaintext changes that pixel of the ciphertext and no "
        "other. The paper changes the seed image, and with it the key, instead of the plaintext.",
        limits="This holds for every XOR cipher under one key; it is harmless only if no key is "
        "used twice.",
    ),
    Comparison(
        record="claim-chosen-plaintext",
        name="npcr",
        what="NPCR of the ciphertexts of two plaintexts that differ in one pixel, same key",
        unit="%",
        labels=("one pixel of 65,536",),
        paper=(shared.critical_npcr(1),),
        rule="at least",
        tolerance=(0.0,),
        reason=shared.CRITICAL_NPCR_REASON,
        noise=True,
        images=False,
        trained=False,
    ),
    Claim(
        record="claim-chosen-ciphertext",
        where="IV-C4",
        words="A decryption oracle does not reveal the target plaintext.",
        holds="Nothing was recovered under the same key.",
        fails="One chosen ciphertext, all zeros, is decrypted to the key itself.",
        limits="This requires an oracle that uses the target's key and does not check an "
        "authentication tag.",
    ),
    shared.right_by_chance(
        record="claim-chosen-ciphertext",
        name="bytes_read",
        what="share of the target's bytes that are recovered after one chosen ciphertext was "
        "decrypted",
        labels=("target image, same key",),
    ),
    Claim(
        record="claim-key-space",
        where="IV-C1, IV-E",
        words="The key space is (2^8)^196608, far above RC4 and RSA.",
        holds="At least 128 bits must be guessed.",
        fails="The paper counts all arrays of 196,608 bytes, whatever cipher makes them. "
        "An attacker must guess the seed image, a picture from a set that may be "
        "public, and the network, which follows from a random seed of 64 bits or fewer in common "
        "tools.",
        limits="If the network is secret and was trained from a long random seed, guessing it is "
        "infeasible; secrecy then rests on it alone.",
    ),
    Comparison(
        record="claim-key-space",
        name="bits_to_guess",
        what="bits to guess when the network is known and the seed image comes from a known set; "
        "and for a secret network, the bits of its random seed",
        unit="bits",
        labels=("seed image of a known set", "random seed of the training"),
        paper=(128.0,) * 2,
        rule="at least",
        tolerance=(0.0,) * 2,
        reason="the strength that NIST SP 800-57 asks for from 2031 on",
        images=False,
        trained=False,
    ),
    Claim(
        record="claim-randomness",
        where="IV-E",
        words="The keys pass the randomness tests; only DeepKeyGen passes all that the paper uses.",
        holds="The keys pass the tests at the rate that SP 800-22 asks for.",
        fails="The keys fail tests of SP 800-22 that an AES keystream passes.",
        limits="Passing shows that no defect was found, not that a generator is secure; an AES "
        "keystream is the control.",
    ),
    Comparison(
        record="claim-randomness",
        name="tests_passed",
        what="tests of SP 800-22, of fifteen, that the keys pass at the proportion of its section "
        "4.2",
        labels=("DeepKeyGen",),
        paper=(15.0,),
        rule="at least",
        tolerance=(0.0,),
        reason="'can always achieve a good performance on all evaluation metrics'",
    ),
    Claim(
        record="claim-domain-security",
        where="V-C",
        words="The transformation domain determines the security: a better domain gives better "
        "keys, and hides the contours that a worse one reveals.",
        holds="At the median over trainings the high-security domain was better on every measure, "
        "but not necessarily in each training.",
        fails="The high-security domain was not better on every measure.",
        limits="One training on the low-security domain, and one set of images.",
    ),
    Comparison(
        record="claim-domain-security",
        name="gain",
        what="high-security domain minus low-security domain: key entropy and ciphertext entropy; "
        "low minus high: how well the plaintext's edges are found in the ciphertext",
        labels=("key entropy, bits", "ciphertext entropy, bits", "edges found, correlation"),
        paper=(0.0,) * 3,
        rule="at least",
        tolerance=(0.0,) * 3,
        reason="'worse' and 'better' imply a sign, not a size",
    ),
    Claim(
        record="claim-imitator",
        where="III-E, IV-D",
        words="An attacker who knows the transformation domain, the network structure or both "
        "cannot train a network whose keys reveal the plaintext.",
        holds="No imitator's key decrypted the image or revealed it in part.",
        fails="An imitator's key does not decrypt the image exactly, but reveals more of it than "
        "chance allows.",
        limits="A training with the same random seed and images on the same machine gives the same "
        "network (claim-one-time-pad).",
    ),
    shared.no_block_correlation(
        record="claim-imitator",
        what="mean absolute correlation of 16 x 16 block means of plaintext and image "
        "decrypted with an imitator's key",
        labels=("domain known", "structure known", "both known"),
    ),
    Claim(
        record="claim-discriminator-balance",
        where="III-B2",
        words="When the networks reach a balance, the discriminator's accuracy is close to 50 %.",
        holds="The discriminator could no longer tell keys from the transformation domain.",
        fails="The discriminator still tells keys from the transformation domain at the end.",
        limits="Measured over the last quarter of the shipped trainings.",
    ),
    Comparison(
        record="claim-discriminator-balance",
        name="accuracy",
        what="discriminator's accuracy over the last quarter of the training",
        unit="%",
        labels=("mean of both kinds",),
        paper=(50.0,),
        tolerance=(10.0,),
        reason="'close to': a fifth of the way to certainty",
    ),
)

LIGHTWEIGHT = ("MobileNet", "Xception")

FUTURE_WORK: tuple[Claim | Comparison, ...] = (
    Claim(
        record="beyond-lightweight",
        where="VI, as future work",
        words="Lightweight networks, MobileNet or Xception, make DeepKeyGen more efficient.",
        holds="They have less to store and to compute, a key takes less time, and the keys are no "
        "worse.",
        fails={
            "parameters": "at least one has more than half of the parameters",
            "multiplications": "at least one needs more than half of the multiplications",
            "time": "a key does not always take a tenth less time",
            "entropy_gained": "keys of at least one have less entropy",
            "npcr": "keys of at least one change too little with the seed image",
            "block_correlation": "ciphertexts of at least one show the plaintext",
        },
        limits="One training of each kind, of the length in the record. Times are shares of the "
        "standard network's, measured in turns on the machine that ran this; they differ from "
        "machine to machine.",
    ),
    *(
        Comparison(
            record="beyond-lightweight",
            name=column,
            what=f"{what}, share of the standard network's",
            unit="%",
            labels=LIGHTWEIGHT,
            paper=(50.0,) * 2,
            rule="at most",
            tolerance=(0.0,) * 2,
            reason="half is the least saving that deserves the word lightweight; for a layer of 3 "
            "x 3 MobileNet's paper (2017) has an eighth to a ninth",
            images=False,
            trained=False,
        )
        for column, what in (
            ("parameters", "parameters of the convolutions"),
            ("multiplications", "multiplications for a key"),
        )
    ),
    Comparison(
        record="beyond-lightweight",
        name="time",
        what="time for a key, share of the standard network's in the same run",
        unit="%",
        labels=("MobileNet, single", "Xception, single", "MobileNet, exact", "Xception, exact"),
        paper=(90.0,) * 4,
        rule="at most",
        tolerance=(0.0,) * 4,
        reason="'improve the efficiency' is less time; a tenth less is the least that repeated "
        "timings on a busy machine can distinguish",
        images=False,
        trained=False,
    ),
    Comparison(
        record="beyond-lightweight",
        name="entropy_gained",
        what="entropy of the keys minus that of the standard network's after as many training "
        "steps",
        unit="bits",
        labels=LIGHTWEIGHT,
        paper=(0.0,) * 2,
        rule="at least",
        tolerance=(0.07,) * 2,
        reason="the keys of four trainings of the standard network lay 0.066 bits apart after "
        "4,000 steps, so that a smaller difference means nothing",
    ),
    Comparison(
        record="beyond-lightweight",
        name="npcr",
        what="mean NPCR of the keys of two seed images that differ in one pixel by one gray level",
        unit="%",
        labels=LIGHTWEIGHT,
        paper=(99.5,) * 2,
        rule="at least",
        tolerance=(0.0,) * 2,
        reason="the bound of claim-seed-sensitivity",
    ),
    shared.no_block_correlation(
        record="beyond-lightweight",
        what="mean absolute correlation of 16 x 16 block means of plaintext and ciphertext",
        labels=LIGHTWEIGHT,
        paired=True,
    ),
)
