"""What is odd in the paper, but not impossible."""

from dkg.paper.errata import Remark

OBSERVATIONS: tuple[Remark, ...] = (
    Remark(
        "table-I-residual-blocks",
        "Table I, residual block",
        "6 residual blocks with 221184 parameters.",
        "One 3*3 convolution for each block, where residual blocks commonly have two.",
        "221184 = 6 * 3 * 3 * 64 * 64",
    ),
    Remark(
        "npcr-of-bytes",
        "Eqs. 11 and 12; Tables IV, XIV and XV",
        "NPCR and UACI are sums over W H pixels; the keys have W H 3 bytes.",
        "The numbers fit a count of bytes, or of a single channel, not of pixels with three bytes.",
        "Independent uniform bytes differ in 99.6094% of the places, pixels of three such bytes in "
        "99.99999%. The 24 values printed are 99.49% to 99.71%.",
    ),
    Remark(
        "uaci-low",
        "Tables IV, XIV and XV",
        "UACI of 20.31% to 24.37%.",
        "Not two independent uniform keys: those have 33.46%.",
        "The mean of |a - b| / 255 over all pairs of bytes is 33.4635%; over two such images of "
        "65536 bytes its standard deviation is 0.0924%.",
    ),
    Remark(
        "table-XV-spread",
        "Table XV",
        "NPCR of 99.49% to 99.71%.",
        "More spread than two independent uniform keys allow.",
        "The standard deviation of the eight values is 0.0805%. For 65536 independent uniform "
        "bytes it is 0.0244%, for 196608 it is 0.0141%.",
    ),
    Remark(
        "table-XIV-key-pairs",
        "Section IV-C3, Table XIV",
        "One seed image gives two keys, which encrypt eight plaintext images.",
        "There was more than one pair of keys.",
        "Two ciphertexts of one image differ exactly where their keys differ, so that one pair of "
        "keys has one NPCR for all images; Table XIV has six different ones.",
    ),
    Remark(
        "correlations-not-negative",
        "Tables XI to XIII, encrypted images",
        "None of the 36 correlations is negative.",
        "Probably absolute values, which the text does not say.",
        "Signed correlations of independent pixels are negative half of the time; all 36 are "
        "positive with a probability of 2^-36.",
    ),
    Remark(
        "chaotic-system-gray",
        "Table XVIII, section V-C",
        "Entropy 7.9971 of the chaotic system's key and of the high-security domain.",
        "The expected value of 65536 bytes: one channel, or three equal ones. The ciphertexts of "
        "Table V have more, so that the channels of DeepKeyGen's keys differ.",
        "65536 uniform bytes have 7.9972 with a standard deviation of 0.0002, 196608 have 7.9991 "
        "with 0.0001. Table V has 7.9985 to 7.9988; the LCG and RC4 keys have 7.9991 and 7.9990.",
    ),
    Remark(
        "mersenne-twister-entropy",
        "Tables XVIII and XX, Mersenne Twister",
        "Entropy 7.9955 of the key, 7.9990 of the ciphertext.",
        "The key is not the generator's plain output.",
        "196608 uniform bytes have 7.9991 with a standard deviation of 0.0001, 65536 have 7.9972 "
        "with 0.0002.",
    ),
    Remark(
        "deepkeygen-entropy",
        "Table XVIII against Table III",
        "Entropy 7.9870 of a DeepKeyGen key.",
        "Higher than any key of Table III; what was different is not said.",
        "Table III has 7.9782 to 7.9808, with a mean of 7.97985 and a standard deviation of "
        "0.00096.",
    ),
    Remark(
        "table-XVII-templates",
        "Table XVII, non-overlapping template matching",
        "A P-value of 0 for the Mersenne Twister and for RC4.",
        "The plain output of these generators passes this test. The zeros say how the bits were "
        "made or how the test was run.",
        "Output of both, of a key's length: none of the 148 P-values is near 0.",
    ),
    Remark(
        "table-XVII-excursions",
        "Table XVII, random excursions variant",
        "A P-value of 0 for LCG, Mersenne Twister and RSA.",
        "It may stand for a test that was not applicable.",
        "NIST's tool writes 0 for a sequence with too few cycles, for 1572864 bits fewer than 500. "
        "That happens to 31% of ideal sequences of this length.",
    ),
    Remark(
        "table-XVII-one-p-value",
        "Table XVII",
        "One P-value for non-overlapping template matching and for the random excursions variant.",
        "How one was made of many is not said.",
        "SP 800-22 gives 148 P-values for the first test (templates of 9 bits) and 18 for the "
        "second.",
    ),
    Remark(
        "table-XVII-rank",
        "Table XVII, binary matrix rank",
        "A P-value of 5.22e-88 for RSA.",
        "The sequence that was tested was about a 25th of a key.",
        "It is the P-value of exactly 62 matrices that all have rank 30 or less, as ASCII text "
        "gives; 61 or 63 would be off by a factor of 26. A key of 1572864 bits has 1536 matrices, "
        "62 take 63488 to 64511 bits.",
    ),
    Remark(
        "table-XVII-universal",
        'Table XVII, Maurer\'s "Universal Statistical"',
        "P-values 0.1966 (LCG), 0.1964 (Mersenne Twister) and 0.1960 (RC4).",
        "Three unrelated generators should have three unrelated P-values.",
        "Three numbers drawn uniformly from 0 to 1 lie within 0.0006 with a probability of "
        "1.1 in a million.",
    ),
)
"""What is odd, but not impossible."""
