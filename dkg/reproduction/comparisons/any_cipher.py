"""Whether the measures of the literature tell a broken image cipher from a sound one."""

from dkg.reproduction.comparisons.comparison import Claim, Comparison

ANY_CIPHER: tuple[Claim | Comparison, ...] = (
    Claim(
        record="beyond-any-cipher",
        words="An image cipher whose measures are those of uniform bytes withstands attacks.",
        holds="Every cipher tried whose measures look like those of uniform bytes withstood the "
        "attacks that recover plaintexts or distinguish ciphertexts.",
        fails="Ciphers whose measures of one ciphertext look uniform fall to attacks that "
        "recover plaintexts or distinguish ciphertexts.",
        limits="Twelve ciphers that we chose, measured with keys drawn at random, and simple "
        "attacks. A failed attack does not show that a cipher is secure.",
    ),
    Comparison(
        record="beyond-any-cipher",
        name="broken",
        what="ciphers whose measures look like those of uniform bytes, and that fall to an attack "
        "that recovers plaintexts or distinguishes ciphertexts",
        labels=("measures of one ciphertext", "and sensitivity to plaintext and key"),
        paper=(0.0, 0.0),
        rule="at most",
        tolerance=(0.0, 0.0),
        reason="a single cipher refutes the claim",
        trained=False,
    ),
    Comparison(
        record="beyond-any-cipher",
        name="false_alarms",
        what="attacks that succeed on an authenticated cipher",
        labels=("aes-256-gcm", "chacha20-poly1305"),
        paper=(0.0, 0.0),
        rule="at most",
        tolerance=(1.0, 1.0),
        reason="each of fewer than 20 attacks succeeds on a sound cipher in 1 case of 1,000, so "
        "that two of them do in 2 cases of 10,000",
        trained=False,
    ),
)
