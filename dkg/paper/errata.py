"""What cannot be as printed, with the correction and the evidence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """Something in the paper that cannot be as printed, or that is odd.

    Attributes
    ----------
    id : str
        A short name, unique among all remarks.
    where : str
        The place in the paper.
    printed : str
        What is printed there, in short.
    finding : str
        What it must be instead, or why it cannot be.
    evidence : str
        How we know.
    """

    id: str
    where: str
    printed: str
    finding: str
    evidence: str


ERRATA: tuple[Remark, ...] = (
    Remark(
        "equation-1",
        "Eq. 1; Algorithm 1, lines 4 to 7",
        "One total loss L = L_G + L_D is calculated, from D(y), and passed back.",
        "The two networks need a loss each: the generator minimises Eq. 2, the discriminator "
        "maximises Eq. 3, from D(y) and from D(G(x)).",
        "With Eqs. 2 and 3 inserted, L is lower for a discriminator that takes every key for a "
        "target and every target for a key than for a correct one.",
    ),
    Remark(
        "generator-downsampling",
        "Section III-B1, Table I",
        "Three downsample layers, two transposed convolutional layers.",
        "Only two layers halve the image; the first, 7*7, keeps its size.",
        "Three halvings and two doublings turn 256 x 256 into 128 x 128; the key is 256 x 256. "
        "That the first layer keeps the size follows from the group's later public code, "
        "https://github.com/miserrman/BEDN.",
    ),
    Remark(
        "table-I-total",
        "Table I, last row",
        "Total parameters 198240.",
        "271968",
        "269616 + 2352; every other total of Tables I and II is the sum of the parameters so far.",
    ),
    Remark(
        "table-II-state5",
        "Table II, last row; section III-B2",
        "A layer 4*4+1 with 128 output channels; the text says the result is one-dimensional.",
        "A 4*4 and a 1*1 convolution, 128 to 128 channels. How 128 channels become one value "
        "is not said; the table has no parameters for it.",
        "278528 = (4 * 4 + 1) * 128 * 128",
    ),
    Remark(
        "equation-11-terms",
        "Eq. 11",
        "Sums from i = 0 to W and from j = 0 to H, divided by W H.",
        "Sums from 1, as in Eq. 12.",
        "From 0 there are (W + 1) (H + 1) terms: two images that differ everywhere would have an "
        "NPCR above 100%.",
    ),
    Remark(
        "equation-11-difference",
        "Eq. 11, the text below Eq. 12",
        "D(i, j) = 1 where T1(i, j) = T2(i, j), else 0.",
        "The other way round: D(i, j) = 1 where they differ.",
        "NPCR is the rate of change. As printed, two independent uniform keys have 0.39%, not the "
        "99.5% and more of Table IV.",
    ),
    Remark(
        "equation-13-limits",
        "Eq. 13",
        "Sums to M and N, divided by H W C.",
        "M = H and N = W; M and N are not defined.",
        "A mean over H W C terms sums H W C terms.",
    ),
    Remark(
        "equation-14-range",
        "Section IV-B3, below Eq. 14",
        "The range of SSIM is from 0 to 1.",
        "-1 to 1",
        "The covariance sigma_xy can be negative: a checkerboard and its negative have an SSIM "
        "close to -1.",
    ),
    Remark(
        "text-mse-averages",
        "Section IV-B3 against Tables VIII to X",
        "Average MSE 10577.68, 11946.85 and 9741.57.",
        "The eight images of each table have 10413.13, 11836.87 and 9797.82.",
        "Means of the tables. The averages of Tables V to VII and XV are those of the eight "
        "images; whether these averages cover more is not said.",
    ),
    Remark(
        "text-ssim-averages",
        "Section IV-B3 against Tables IX and X",
        "Average SSIM 0.0047 (ultrasound) and 0.0021 (BraTS18).",
        "The eight images of each table have 0.0050 and 0.00165.",
        "Means of the tables; the third average, 0.0020 for the chest X-rays, agrees with Table "
        "VIII.",
    ),
    Remark(
        "text-table-XIV-averages",
        "Section IV-C3 against Table XIV",
        "Average NPCR 99.59%, average UACI 23.19%.",
        "99.60% and 23.20%",
        "The means of the table are 99.59625 and 23.1975: the text truncates instead of rounding.",
    ),
    Remark(
        "claim-correlation-near-zero",
        "Section IV-B4 against Tables XI to XIII",
        "The correlations of encrypted images are almost zero.",
        "Not the vertical ones: they are 0.1344 to 0.2938, their mean is 0.2268.",
        "The correlation of 256 pairs of independent pixels has a standard deviation of 0.0626; "
        "all 12 vertical values exceed 1.96 of these, which independent pixels do "
        "in 1 case of 20.",
    ),
    Remark(
        "key-space",
        "Section IV-E",
        "The key space of RC4 and RSA is 2^2048, that of the proposed method (2^8)^196608.",
        "The first counts the keys that enter the generator; the second "
        "counts all 196608-byte outputs. By that count, every stream cipher that outputs 196608 "
        "bytes has the second. What must be guessed here is the seed image and the weights.",
        "RC4 takes at most 256 bytes of key, 2048 bits; 196608 = 256 * 256 * 3 is the size of the "
        "output, and was the same for all methods.",
    ),
    Remark(
        "claim-two-metrics",
        "Section IV-E against Table XVII",
        "Most algorithms show randomness under two metrics only.",
        "Two of the other five do.",
        "P-values of at least 0.01: chaotic system 3, LCG 2, Mersenne Twister 2, RC4 3, RSA 1.",
    ),
    Remark(
        "claim-best-p-value",
        "Section IV-E against Table XVII",
        "DeepKeyGen has the best P-values, 0.9999 and 0.9931.",
        "A higher P-value is not a better one.",
        "P-values of a perfect source are uniform on 0 to 1: above 0.9999 is as rare as below "
        "0.0001.",
    ),
    Remark(
        "claim-key-entropies",
        "Section IV-E against Table XVIII",
        "The entropies of the keys of all algorithms are all around 7.9900.",
        "Not that of RSA, 6.0314.",
        "Table XVIII; the other five lie between 7.9870 and 7.9991.",
    ),
    Remark(
        "claim-ciphertext-entropies",
        "Section IV-E against Table XX",
        "The entropies of the ciphertexts of all algorithms are almost the same and close to "
        "7.999, and all histograms are uniform.",
        "Not those of RSA, whose ciphertext has 7.2034.",
        "Table XX; the other five lie between 7.9974 and 7.9991. A histogram with an entropy of "
        "7.2034 bits is far from uniform.",
    ),
    Remark(
        "claim-best-entropy",
        "Section V-A against Table XXI",
        "The best information entropy is 9.9798.",
        "7.9798",
        "The largest entry of Table XXI, at 20000 epochs, learning rate 0.0002 and batch size 1; "
        "the entropy of bytes is at most 8.",
    ),
    Remark(
        "claim-lower-learning-rate",
        "Section V-A against Table XXI",
        "With a lower learning rate the performance becomes better and better.",
        "From 0.02 to 0.002, at batch size 6, the entropy falls in 4 of 5 rows.",
        "2.6587, 2.7983, 2.4782 and 3.1811 against 3.7878.",
    ),
    Remark(
        "claim-most-above-7.9",
        "Section V-A against Table XXI",
        "With a learning rate of 0.0002 most entropies are greater than 7.9.",
        "7 of 15 are: all five of batch size 1, and two of the other ten.",
        "Count in Table XXI.",
    ),
)
"""What cannot be as printed. Slips in names are left out ("GTX 2080Ti", "DeepGenKey")."""
