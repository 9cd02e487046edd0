"""What a stream cipher and a hospital need, tested in ways that the paper did not try."""

from dkg.reproduction.comparisons import shared
from dkg.reproduction.comparisons.comparison import Claim, Comparison

BEYOND_THE_PAPER: tuple[Claim | Comparison, ...] = (
    Claim(
        record="beyond-key-reuse",
        words="Two ciphertexts under one key reveal nothing.",
        holds="Nothing was learned from two ciphertexts.",
        fails="The XOR of two ciphertexts under one key is the XOR of the two plaintexts; the key "
        "cancels.",
        limits="True of every stream cipher. The defence is one key per image, which "
        "dkg enforces and the paper does not state.",
    ),
    shared.right_by_chance(
        record="beyond-key-reuse",
        name="bytes_of_xor",
        what="share of the bytes of the plaintexts' XOR that two ciphertexts give",
        labels=("two images, one key",),
    ),
    Claim(
        record="beyond-unknown-seed",
        words="An attacker with the network but without the seed image learns nothing about the "
        "plaintext.",
        holds="No trace of the plaintext was found with other seed images.",
        fails="Keys of other seed images of the same kind reveal part of the plaintext, since all "
        "keys of a network share structure.",
        limits="The seed images are of one kind, as a hospital's would be.",
    ),
    shared.no_block_correlation(
        record="beyond-unknown-seed",
        what="absolute correlation of 16 x 16 block means of the plaintext and the mean of the "
        "images decrypted with the keys of other seed images",
        labels=("one other seed", "mean of all tried"),
    ),
    Claim(
        record="beyond-approximate-seed",
        words="An approximate seed image reveals nothing to an attacker who has the network.",
        holds="An approximate seed image gave no more of the key than chance.",
        fails="An approximate seed image gives most of the key's bits, and the image is recovered "
        "approximately.",
        limits="Seed images altered by JPEG, resizing, noise or one inverted pixel.",
    ),
    Comparison(
        record="beyond-approximate-seed",
        name="bits_right",
        what="share of the key's bits that an approximate seed image gives",
        unit="%",
        labels=(
            "JPEG, quality 90",
            "resized to 192 x 192 and back",
            "noise of 2 levels",
            "one pixel inverted",
        ),
        paper=(50.0,) * 4,
        rule="at most",
        tolerance=(1.0,) * 4,
        reason="an unrelated guess has half of the bits right; 1 % is 25 standard deviations for "
        "1,572,864 bits, and leaves room for bits that are not balanced",
    ),
    Claim(
        record="beyond-denoising",
        words="A denoised ciphertext does not identify its plaintext.",
        holds="The right image was found no more often than by chance.",
        fails="A denoised ciphertext tells which of the candidate images it hides.",
        limits="The candidates are known to the attacker, who only has to choose.",
    ),
    Comparison(
        record="beyond-denoising",
        name="identified",
        what="share of the ciphertexts whose plaintext is found among 16 candidates",
        unit="%",
        labels=("ciphertexts of the notebook",),
        paper=(6.25,),
        rule="at most",
        tolerance=(18.75,),
        reason="eight ciphertexts and 16 candidates: chance finds more than two of eight, 25 %, in "
        "1 case of 100",
    ),
    Claim(
        record="beyond-averages",
        words="Averages of a ciphertext reveal nothing about the plaintext.",
        holds="No trace of the plaintext was found in block means of the ciphertext.",
        fails="Block means of the ciphertext follow the plaintext, without key, seed image or "
        "network.",
        limits="One attack. claim-ciphertext-only tries stronger ones.",
    ),
    shared.no_block_correlation(
        record="beyond-averages",
        what="mean absolute correlation of 16 x 16 block means of plaintext and ciphertext",
        labels=("mean over the images",),
        over="mean",
        paired=True,
    ),
    Claim(
        record="beyond-inversion",
        words="A model trained on other keys and images does not identify plaintexts.",
        holds="No attack identified plaintexts under unseen keys more often than by chance.",
        fails="A trained model, or a simpler attack on the ciphertext alone, identifies plaintexts "
        "that it has not seen, under keys that it has not seen.",
        limits="The plaintexts are among the 16 candidates. Two small models: where they find "
        "nothing, another may succeed.",
    ),
    Comparison(
        record="beyond-inversion",
        name="named",
        what="share of ciphertexts of unseen keys and images whose plaintext is identified among "
        "16",
        unit="%",
        labels=("block means", "principal component", "ridge", "U-Net"),
        paper=(6.25,) * 4,
        rule="at most",
        tolerance=(18.75,) * 4,
        reason="sixteen ciphertexts and 16 candidates: chance identifies more than four, 25 %, in "
        "2 cases of 1,000 for each attack",
    ),
    Claim(
        record="beyond-learned-attack",
        words="A key's bytes cannot be predicted from their neighbours.",
        holds="A small network learned nothing about a byte from its neighbours.",
        fails="A small network predicts part of each byte from its neighbours: the key is "
        "distinguishable from random bytes.",
        limits="A small network and a short training; a failure to predict would prove nothing.",
    ),
    Comparison(
        record="beyond-learned-attack",
        name="bits_gained",
        what="bits per byte that a small network predicts beyond the histogram of the bytes, on "
        "keys that it was not trained on",
        unit="bits",
        labels=("DeepKeyGen",),
        paper=(0.0,),
        rule="at most",
        tolerance=(0.01,),
        reason="a hundredth of a bit is a clear gain over many thousand bytes; AES is the control",
    ),
    Claim(
        record="beyond-malleability",
        words="A changed ciphertext is detected.",
        holds="Every change was detected.",
        fails="XOR alone lets an attacker flip chosen bits of the image, without the key.",
        limits="True of every stream cipher without an authentication tag; the files of dkg carry "
        "one.",
    ),
    shared.right_by_chance(
        record="beyond-malleability",
        name="changed_as_wanted",
        what="share of the bytes of a region that change as the attacker wants, by XOR alone",
        labels=("region",),
    ),
    Claim(
        record="beyond-backdoor",
        words="No mark in seed images gives a key that the network's maker knows.",
        holds="The trigger gave no key that was known in advance.",
        fails="A network can be trained so that a small mark in the seed image gives a key that "
        "its maker knows, while other seed images give keys as usual.",
        limits="Shown on a short training, for one trigger.",
    ),
    Comparison(
        record="beyond-backdoor",
        name="bits_known",
        what="share of the key's bits that the maker knows in advance, seed image with the trigger",
        unit="%",
        labels=("seed with the trigger",),
        paper=(50.0,),
        rule="at most",
        tolerance=(1.0,),
        reason="half of the bits of an unknown key are guessed by chance",
    ),
    Claim(
        record="beyond-hospital",
        words="Images come back from an archive without loss, and a copy of the archive reveals "
        "none of them.",
        holds="Every byte came back, and block means of the archive's files show no image.",
        fails={
            "bytes_back": "some bytes did not come back",
            "keys_without_certificate": "a workstation without a certificate got keys",
            "block_correlation": "with the network's keys alone, at least one of the archive's "
            "files shows traces of its image",
        },
        limits="The claim is about pixels only. The patient's attributes, the size of each image, "
        "and who fetches which image when are visible; and a stolen workstation can ask for every "
        "key until it is revoked. The correlation is that of the network's keys alone, as in the "
        "paper; the key server also mixes random bytes into each key.",
    ),
    shared.all_bytes_back(
        record="beyond-hospital",
        what="share of the bytes of the modality's DICOM file that the workstation gets back",
        labels=shared.THREE_SETS,
        reason="XOR is exact, and the rest of the file travels inside the encrypted one",
    ),
    Comparison(
        record="beyond-hospital",
        name="keys_without_certificate",
        what="keys that a workstation without a certificate of this hospital gets",
        labels=("all that were requested",),
        paper=(0.0,),
        tolerance=(0.0,),
        reason="each key decrypts one image",
        images=False,
        trained=False,
    ),
    shared.no_block_correlation(
        record="beyond-hospital",
        what="absolute correlation of 16 x 16 block means of the plaintext and the archive's file, "
        "with the network's keys alone",
        labels=shared.THREE_SETS,
    ),
    Claim(
        record="beyond-same-key",
        words="The same seed image and network give the same key again, however it is computed.",
        holds="Keys in exact arithmetic were the same, byte for byte, however they were computed.",
        fails="A recomputed key had other bytes, and an image decrypted with it has errors there.",
        limits="One machine. `benchmarks/same_key.py` tries other instruction sets, the compiler "
        "and a GPU; `dkg.acceleration.exact` explains why nothing else should matter.",
    ),
    Comparison(
        record="beyond-same-key",
        name="bytes_changed",
        what="share of the key's bytes that change, exact arithmetic",
        unit="%",
        labels=("two threads", "oneDNN off", "low-order digits, two threads"),
        paper=(0.0,) * 3,
        rule="at most",
        tolerance=(0.0,) * 3,
        reason="one changed byte of a key is one wrong byte of an image",
        images=False,
        trained=False,
    ),
)
