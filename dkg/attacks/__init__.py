"""Attacks: the paper's three imitation attacks (sections III-E, IV-D), and what it leaves out.

In the paper's experiments an imitator trains a network of its own and makes a key with **the same
seed image** as the victim. So the attacker has more than the leak that the scenario is named after.

`match` tells how readable an image is: can a plain matcher still say which of several candidates
was encrypted? It knows neither the key nor whether it looks at a negative.
"""

import io
import itertools
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.torch
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.filters import gaussian, sobel
from skimage.metrics import normalized_mutual_information
from skimage.restoration import denoise_tv_chambolle

from dkg import domains, metrics
from dkg.cipher import KEY_SHAPE, xor
from dkg.data import ImageSet
from dkg.keys import KeyGenerator
from dkg.models import Generator, images_to_tensor
from dkg.acceleration.process import threads
from dkg.storage.files import atomic
from dkg.training import TrainConfig, train

NO_KEY = "no key"
"""Name of the key of zeros: to "decrypt" with it is to look at the ciphertext itself."""

AES = "AES-256-CTR"
"""Name of the control's key, from AES-256 in counter mode under a secret of its own."""

_BLOCK = 16  # Side of the blocks whose means `match` compares, as in metrics.block_correlation.
_BLUR = 4  # Pixels, and the border that is left out: as in metrics.edge_correlation.
_BORDER = 4 * _BLUR + 1

_CELL = 4  # Side of the cells that two upsamplings by two make of one place.
_REACH = 3  # Pixels around a byte that `predict_bytes` sees.


@dataclass(frozen=True, kw_only=True)
class Training:
    """A network that is yet to be trained from scratch, to give in place of a trained one.

    Attributes
    ----------
    config : TrainConfig
        The settings; its ``residual_blocks`` choose among networks A to D (Table XVI).
    source : ImageSet
        The seed images to train on.
    domain : str, default 'chaotic-rgb'
        One of `dkg.domains.DOMAINS`.
    domain_seed : int, default 0
        Seed of the domain, for those that have one.
    out : path-like, optional
        Folder of the run, where it is resumed if it was cut off (see `dkg.training.train`).
        Default: a folder that is removed after the training.
    """

    config: TrainConfig
    source: ImageSet
    domain: str = "chaotic-rgb"
    domain_seed: int = 0
    out: str | os.PathLike | None = None

    def run(self) -> KeyGenerator:
        """Train the network.

        Returns
        -------
        KeyGenerator
            The trained generator.

        Raises
        ------
        ValueError
            If there is no such domain, or as `dkg.training.train` does.
        """
        if self.domain not in domains.DOMAINS:
            raise ValueError(f"no domain {self.domain!r}; there are: {', '.join(domains.DOMAINS)}")
        images = self.source.images
        target = domains.DOMAINS[self.domain](images, self.domain_seed)
        description = {
            "dataset": self.source.name,
            "origin": self.source.origin,
            "domain": self.domain,
            "domain_seed": self.domain_seed,
        }
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary if self.out is None else self.out)
            result = train(self.config, images, target, folder, description=description)
            return KeyGenerator.load(result.generator)


Network = KeyGenerator | Training | str | os.PathLike
"""A network: loaded, to be trained, or by its shipped name or the path of its file."""


@dataclass(frozen=True, eq=False)
class Imitation:
    """What came of an imitation attack.

    Attributes
    ----------
    networks : dict of str to KeyGenerator
        The networks by name; the victim's is ``"A"``, as in the paper.
    plain : ndarray of uint8, shape (n, 256, 256, 3)
        The plaintexts; plaintext i is encrypted with the key of seed image i.
    keys : dict of str to ndarray of uint8, shape (n, 256, 256, 3)
        The keys by the networks' names, and those named `NO_KEY` and `AES`.
    numbers : pandas.DataFrame
        One row for each ``encrypted_with``, ``decrypted_with`` and ``image`` (its index), with

        - ``ssim``, ``correlation`` (of the bytes), ``block_correlation`` (of the means of 16 x 16
          pixels) and ``mutual_information`` (normalised, 1 for none to 2 for all) of plaintext and
          decrypted image;
        - ``equal_key_bits``: share of the bits that the two keys have in common, in percent;
        - ``rank_by_blocks``, ``rank_by_edges``: place of the right candidate in `match`, from 1.
    candidates : int
        Number of candidates that the ranks are among.
    """

    networks: dict[str, KeyGenerator]
    plain: np.ndarray
    keys: dict[str, np.ndarray] = field(repr=False)
    numbers: pd.DataFrame
    candidates: int

    def decrypted(self, encrypted_with: str, decrypted_with: str, image: int = 0) -> np.ndarray:
        """Return a plaintext after encryption with one key and decryption with another.

        Parameters
        ----------
        encrypted_with, decrypted_with : str
            Names among `keys`.
        image : int, default 0
            Which plaintext.

        Returns
        -------
        numpy.ndarray
            uint8 (256, 256, 3).
        """
        cipher = xor(self.plain[image], self.keys[encrypted_with][image])
        return xor(cipher, self.keys[decrypted_with][image])

    def summary(self) -> pd.DataFrame:
        """Return the numbers of each pair of keys, averaged over the images.

        Returns
        -------
        pandas.DataFrame
            One row for each ``encrypted_with`` and ``decrypted_with`` (its index), with the
            columns of `numbers`, but ``block_correlation`` as the mean of its size, so that signs
            do not cancel, and for each rank the share of images with rank 1 in percent
            (``named_by_blocks``, ``named_by_edges``; chance gives ``100 / candidates``).
        """
        numbers = self.numbers.assign(block_correlation=self.numbers["block_correlation"].abs())
        for by in ("blocks", "edges"):
            numbers[f"named_by_{by}"] = 100.0 * (numbers[f"rank_by_{by}"] == 1)
        return numbers.groupby(level=["encrypted_with", "decrypted_with"]).mean()


def transformation_domain_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: np.ndarray,
    plain: np.ndarray,
    *,
    candidates: np.ndarray | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with other networks that were trained on the same domain (III-E1, Fig. 8).

    Parameters
    ----------
    victim : KeyGenerator, Training, str or path-like
        Network A, with which is encrypted.
    attackers : mapping of str to the same
        By their names, such as B, C and D, networks of other structures, with which is decrypted.
    seeds : numpy.ndarray
        uint8 (n, 256, 256, 3), the seed images, which the attackers have too. As in the paper.
    plain : numpy.ndarray
        uint8 (n, 256, 256, 3), the plaintexts; plaintext i has the key of seed image i.
    candidates : numpy.ndarray, optional
        uint8 (m, 256, 256, 3) with m >= 3: images among which `match` looks for the right one;
        the first n must be the plaintexts. Default: the plaintexts.
    seed : int, optional
        Chooses the AES key of the control, in [0, 2**256). Default: the system's entropy.

    Returns
    -------
    Imitation
        With the pairs of A and each network, A and `NO_KEY`, and `AES` and each attacker.

    Raises
    ------
    ValueError
        If the networks are not of the scenario, a file does not say which domain its network was
        trained on, or the images are not as described.
    FileNotFoundError
        If a network is neither a shipped one nor a file.
    """
    networks = _networks(victim, attackers)
    _check_scenario(networks, same_domain=True, same_structure=False)
    return _imitate(networks, seeds, plain, candidates, seed, every_victim=False)


def structure_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: np.ndarray,
    plain: np.ndarray,
    *,
    candidates: np.ndarray | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with networks of the same structure, trained on another domain (III-E2, Fig. 9).

    Parameters, result and errors are those of `transformation_domain_leakage`, but that the
    attackers' networks have the victim's structure and another domain.

    Parameters
    ----------
    victim, attackers, seeds, plain, candidates, seed
        As for `transformation_domain_leakage`.

    Returns
    -------
    Imitation
        As from `transformation_domain_leakage`.
    """
    networks = _networks(victim, attackers)
    _check_scenario(networks, same_domain=False, same_structure=True)
    return _imitate(networks, seeds, plain, candidates, seed, every_victim=False)


def domain_and_structure_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: np.ndarray,
    plain: np.ndarray,
    *,
    candidates: np.ndarray | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with networks trained in the same way as the victim's (III-E3, Fig. 10).

    Only the training's random numbers differ. Every network is victim and attacker in turn; since
    XOR commutes, encrypting with A and decrypting with B gives the same image as the other way
    round.

    Parameters
    ----------
    victim, attackers, seeds, plain, candidates, seed
        As for `transformation_domain_leakage`.

    Returns
    -------
    Imitation
        As from `transformation_domain_leakage`, but with the pairs of every two networks, and of
        every network and `NO_KEY`.
    """
    networks = _networks(victim, attackers)
    _check_scenario(networks, same_domain=True, same_structure=True)
    return _imitate(networks, seeds, plain, candidates, seed, every_victim=True)


def match(images: np.ndarray, candidates: np.ndarray, by: str = "blocks") -> np.ndarray:
    """Score how well each candidate fits each image, as an eye that averages would.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3), such as wrongly decrypted images; at least 48 x 48 pixels.
    candidates : numpy.ndarray
        uint8 (m, height, width, 3), m >= 3: what was encrypted may be any of them.
    by : {'blocks', 'edges'}, default 'blocks'
        Compare the means of 16 x 16 pixels, as `dkg.metrics.block_correlation` does, or the edges
        of the blurred image, as `dkg.metrics.edge_correlation` does.

    Returns
    -------
    numpy.ndarray
        float64 (n, m), 0 to 1: the size of the correlation, so that a negative counts like a
        positive. The candidates' mean is taken off them first, as what all of them show does not
        tell which one it is. 0 where an image or a candidate has nothing to compare.

    Raises
    ------
    ValueError
        If `by` is unknown, the images are not as described, or there are too few candidates.
    """
    _check_images("images", images)
    _check_images("candidates", candidates)
    if images.shape[1:] != candidates.shape[1:]:
        raise ValueError(
            f"images and candidates differ in shape: {images.shape[1:]} and {candidates.shape[1:]}"
        )
    if min(images.shape[1:3]) < 48:
        raise ValueError(f"images must have at least 48 x 48 pixels, not {images.shape[1:3]}")
    if len(candidates) < 3:
        raise ValueError(f"candidates must be at least 3 images, not {len(candidates)}")
    features = {"blocks": _block_means, "edges": _edges}
    if by not in features:
        raise ValueError(f"by must be 'blocks' or 'edges', not {by!r}")
    known = np.stack([features[by](image) for image in candidates])
    seen = np.stack([features[by](image) for image in images])
    known -= known.mean(axis=0)
    return np.abs(_standardised(seen) @ _standardised(known).T)


def rank(
    images: np.ndarray, candidates: np.ndarray, right: np.ndarray | int, by: str = "blocks"
) -> np.ndarray:
    """Return the place that `match` gives to the right one of several candidates.

    Parameters
    ----------
    images, candidates, by
        As for `match`.
    right : numpy.ndarray or int
        For each image, or for all of them, the number of the right candidate.

    Returns
    -------
    numpy.ndarray
        For each image, from 1. A tie is no answer: among equals it is the last place.

    Raises
    ------
    ValueError
        As from `match`.
    """
    scores = match(images, candidates, by)
    of_the_right = scores[np.arange(len(images)), right, np.newaxis]
    return (scores >= of_the_right).sum(axis=1)


def mutual_decryptions(
    plain: np.ndarray, keys: Mapping[str, np.ndarray]
) -> dict[tuple[str, str], np.ndarray]:
    """Encrypt an image with every key, and decrypt each ciphertext with every key (Fig. 10).

    Parameters
    ----------
    plain : numpy.ndarray
        uint8 (height, width, 3).
    keys : mapping of str to numpy.ndarray
        uint8 keys of the same shape, by name.

    Returns
    -------
    dict of tuple of two str to numpy.ndarray
        For the names of the keys of encryption and decryption, the decrypted image.
    """
    return {
        (first, second): xor(xor(plain, keys[first]), keys[second])
        for first in keys
        for second in keys
    }


def known_part(
    known_plain: np.ndarray, known_cipher: np.ndarray, other_cipher: np.ndarray, share: float
) -> np.ndarray:
    """Decrypt with the part of a key that a known part of another plaintext gives.

    Not in the paper, which leaves out that one key may serve two images.

    Parameters
    ----------
    known_plain, known_cipher : numpy.ndarray
        uint8 (height, width, 3): a plaintext, and its ciphertext under the key.
    other_cipher : numpy.ndarray
        uint8 (height, width, 3): another ciphertext under the same key.
    share : float
        How much of the plaintext is known, in percent, from the top row on.

    Returns
    -------
    numpy.ndarray
        The other image, uint8: decrypted in those rows, and encrypted below.

    Raises
    ------
    ValueError
        If the share is not 0 to 100, or the images differ in shape.
    """
    if not 0 <= share <= 100:
        raise ValueError(f"share must be 0 to 100 percent, not {share}")
    rows = round(len(known_plain) * share / 100)
    key = xor(known_plain, known_cipher)
    key[rows:] = 0
    return xor(other_cipher, key)


def flip_square(ciphertext: np.ndarray, row: int, column: int, side: int, bits: int) -> np.ndarray:
    """Flip bits in a square of a ciphertext, without its key: they flip in the plaintext, too.

    Not in the paper.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    row, column : int
        The upper left pixel of the square.
    side : int
        Its side in pixels.
    bits : int
        The bits to flip in each byte, 0 to 255; 128 flips the highest.

    Returns
    -------
    numpy.ndarray
        A changed copy.

    Raises
    ------
    ValueError
        If the square does not lie in the image, or `bits` is not 0 to 255.
    """
    height, width = ciphertext.shape[:2]
    if not (0 <= row <= height - side and 0 <= column <= width - side and side >= 0):
        raise ValueError(
            f"a square of {side} pixels at ({row}, {column}) does not lie in an image of "
            f"{height} x {width} pixels"
        )
    if not 0 <= bits <= 255:
        raise ValueError(f"bits must be 0 to 255, not {bits}")
    changed = ciphertext.copy()
    changed[row : row + side, column : column + side] ^= np.uint8(bits)
    return changed


@dataclass(frozen=True, eq=False)
class SeedGuess:
    """What came of guessing a seed image.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Numbers of the candidates, the best guess first.
    roughness : ndarray of float64, shape (n,)
        For each candidate, in gray levels, the mean difference of neighbouring pixels in the image
        decrypted with it. Noise of ideal bytes has 85.3; a picture has less.
    decrypted : ndarray of uint8, shape (256, 256, 3)
        The ciphertext, decrypted with the best guess.
    """

    order: np.ndarray
    roughness: np.ndarray
    decrypted: np.ndarray


def guess_seed(
    ciphertext: np.ndarray, generator: KeyGenerator, candidates: np.ndarray
) -> SeedGuess:
    """Find the seed image of a ciphertext with the network at hand: pictures are smooth.

    Not in the paper. The attacker has the network and a set of images in which the seed image may
    be, and needs to know nothing of the plaintext.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (256, 256, 3).
    generator : KeyGenerator
        The network that made the key, or the attacker's best copy of it.
    candidates : numpy.ndarray
        uint8 (n, 256, 256, 3), n >= 1, possible seed images.

    Returns
    -------
    SeedGuess
        The candidates in the order of how smooth the decrypted image is.

    Raises
    ------
    ValueError
        If an image is not as described.
    """
    _check_images("candidates", candidates)
    roughness = np.empty(len(candidates))
    smoothest, best = np.inf, None
    for index, candidate in enumerate(candidates):
        image = xor(ciphertext, generator.generate(candidate))
        roughness[index] = _roughness(image)
        if roughness[index] < smoothest:
            smoothest, best = roughness[index], image
    return SeedGuess(np.argsort(roughness, kind="stable"), roughness, best)


def denoise(
    ciphertext: np.ndarray, method: str = "mean", *, bits: int = 8, strength: float | None = None
) -> np.ndarray:
    """Bring out what a ciphertext shows of its plaintext, with no key at all.

    Not in the paper. Where a key bit is 1 more or less often than 0, the average of the encrypted
    bit still follows that of the plaintext, often as a negative. How well it shows is the size of
    `dkg.metrics.block_correlation` with the plaintext, or the ranks of `match`.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width) or (height, width, 3).
    method : {'mean', 'total variation'}, default 'mean'
        A Gaussian average, or the smooth image with sharp edges of Chambolle [1]_. The channels
        are averaged first.
    bits : int, default 8
        How many of the highest bits of a byte to use, 1 to 8. A plaintext's low bits are noise.
    strength : float, optional
        Standard deviation of the average in pixels (default 6), or weight of the total variation
        (default 1).

    Returns
    -------
    numpy.ndarray
        uint8 (height, width); the 1st percentile is 0 and the 99th is 255.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    .. [1] A. Chambolle, "An Algorithm for Total Variation Minimization and Applications", Journal
       of Mathematical Imaging and Vision 20, 2004; `skimage.restoration.denoise_tv_chambolle`.
    """
    ciphertext = np.asarray(ciphertext)
    if ciphertext.dtype != np.uint8 or ciphertext.ndim not in (2, 3) or not ciphertext.size:
        raise ValueError(
            "a ciphertext must be uint8 of shape (height, width) or (height, width, 3), "
            f"not {ciphertext.dtype} of shape {ciphertext.shape}"
        )
    if not 1 <= bits <= 8:
        raise ValueError(f"bits must be 1 to 8, not {bits}")
    if strength is not None and not strength > 0:
        raise ValueError(f"strength must be positive, not {strength}")
    kept = (ciphertext >> (8 - bits)) / (2**bits - 1)
    plane = kept if kept.ndim == 2 else kept.mean(axis=2)
    if method == "mean":
        smooth = gaussian(plane, sigma=6.0 if strength is None else strength)
    elif method == "total variation":
        smooth = denoise_tv_chambolle(plane, weight=1.0 if strength is None else strength)
    else:
        raise ValueError(f"method must be 'mean' or 'total variation', not {method!r}")
    low, high = np.percentile(smooth, (1, 99))
    if high == low:
        return np.zeros(smooth.shape, np.uint8)
    return np.uint8(np.rint(255 * np.clip((smooth - low) / (high - low), 0, 1)))


def weave_component(ciphertext: np.ndarray, side: int = 4) -> np.ndarray:
    """Read a ciphertext alone through the weave of its key: the strongest common pattern of places.

    Not in the paper. The generator builds a key up from a map of 64 x 64 values, and which bits are
    uneven differs from place to place in a weave of 4 x 4 pixels and 3 channels. What is a negative
    in one place is a positive in the next, so that a mean over all of them loses the picture. Here
    each of the 48 places has a mean of its own, and the first principal component weighs them.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3), both lengths multiples of `side`.
    side : int, default 4
        Side of a block in pixels, a multiple of 4.

    Returns
    -------
    numpy.ndarray
        float64 (height / side, width / side), one number for each block; the sign is arbitrary, so
        it may be a negative.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    ciphertext = np.asarray(ciphertext)
    if ciphertext.dtype != np.uint8 or ciphertext.ndim != 3 or ciphertext.shape[2] != 3:
        raise ValueError(
            "a ciphertext must be uint8 of shape (height, width, 3), "
            f"not {ciphertext.dtype} of shape {ciphertext.shape}"
        )
    if side < 4 or side % 4 or ciphertext.shape[0] % side or ciphertext.shape[1] % side:
        raise ValueError(
            f"side must be a multiple of 4 that divides {ciphertext.shape[:2]}, not {side}"
        )
    rows, columns = (length // side for length in ciphertext.shape[:2])
    by_place = ciphertext.reshape(rows, side // 4, 4, columns, side // 4, 4, 3).mean(axis=(1, 4))
    blocks = by_place.transpose(0, 2, 1, 3, 4).reshape(rows * columns, 48)
    _, axes = np.linalg.eigh(np.cov(blocks.T))  # The largest comes last.
    return (blocks @ axes[:, -1]).reshape(rows, columns)


def mean_decryption(ciphertext: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Decrypt with several wrong keys, and take the mean of what comes out.

    Not in the paper. Keys of one network have some of their bits in common more often than by
    chance. Whatever the right key shares with the wrong ones stays in the mean; the rest of the
    noise averages out as the keys become more.

    Parameters
    ----------
    ciphertext : numpy.ndarray
        uint8 (height, width, 3).
    keys : numpy.ndarray
        uint8 (n, height, width, 3), n >= 1, such as keys of other seed images.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3), the rounded mean.

    Raises
    ------
    ValueError
        If the keys are not as described, or a key does not fit the ciphertext.
    """
    _check_images("keys", keys)
    total = np.zeros(keys.shape[1:])
    for key in keys:
        total += xor(ciphertext, key)
    return np.uint8(np.rint(total / len(keys)))


def change_pixel(images: np.ndarray, pixel: tuple, change: int | str) -> np.ndarray:
    """Change a pixel of an image, or several, in all channels, as differential attacks do.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (height, width, 3), or a stack of them.
    pixel : tuple
        Row and column; for a stack number, row and column. Arrays of them are several pixels.
    change : int or {'one gray level', 'inverted'}
        Gray levels to add, where a sum below 0 becomes 0 and one above 255 becomes 255. Or one
        level up, and down from 255, so that each channel does change; or 255 minus the value.

    Returns
    -------
    numpy.ndarray
        A changed copy.

    Raises
    ------
    ValueError
        If the pixel does not lie in the image, or there is no such change.
    """
    lengths = images.shape[:-1]
    if len(pixel) != len(lengths) or not all(
        np.isin(index, range(length)).all() for index, length in zip(pixel, lengths, strict=True)
    ):
        raise ValueError(f"pixel {pixel} does not lie in images of shape {images.shape}")
    old = images[pixel].astype(int)
    if change == "one gray level":
        new = np.where(old < 255, old + 1, 254)
    elif change == "inverted":
        new = 255 - old
    elif isinstance(change, str):
        raise ValueError(
            "change must be a number of gray levels, 'one gray level' or 'inverted', "
            f"not {change!r}"
        )
    else:
        new = np.clip(old + change, 0, 255)
    changed = images.copy()
    changed[pixel] = new
    return changed


def approximate_seed(
    seed_image: np.ndarray, how: str, amount: int, *, seed: int | None = None
) -> np.ndarray:
    """Make a seed image that is nearly right, as an attacker may have it.

    Not in the paper.

    Parameters
    ----------
    seed_image : numpy.ndarray
        uint8 (height, width, 3).
    how : {'JPEG', 'resized', 'noise', 'inverted pixels'}
        Saved as JPEG; resized to a square and back (bicubic, as `PIL.Image.Image.resize`); every
        byte changed at random; or some pixels inverted.
    amount : int
        Quality of the JPEG, 1 to 100; side of the square in pixels, at least 1; largest change of
        a byte in gray levels, 0 to 255; number of pixels, 0 to all.
    seed : int, optional
        Of the noise, or of the choice of pixels. Default: the system's entropy.

    Returns
    -------
    numpy.ndarray
        Of the seed image's shape and type.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    seed_image = np.asarray(seed_image)
    _check_images("the seed image in a stack of one", seed_image[np.newaxis])
    height, width = seed_image.shape[:2]
    bounds = {
        "JPEG": (1, 100),
        "resized": (1, np.inf),
        "noise": (0, 255),
        "inverted pixels": (0, height * width),
    }
    if how not in bounds:
        raise ValueError(f"how must be one of {', '.join(bounds)}, not {how!r}")
    low, high = bounds[how]
    if not low <= amount <= high:
        raise ValueError(f"amount must lie in {low} to {high} for {how!r}, not {amount}")
    random = np.random.default_rng(seed)
    if how == "JPEG":
        file = io.BytesIO()
        Image.fromarray(seed_image).save(file, "JPEG", quality=amount)
        return np.array(Image.open(file))
    if how == "resized":
        small = Image.fromarray(seed_image).resize((amount, amount), Image.Resampling.BICUBIC)
        return np.array(small.resize((width, height), Image.Resampling.BICUBIC))
    if how == "noise":
        noise = random.integers(-amount, amount + 1, seed_image.shape)
        return np.uint8(np.clip(seed_image + noise, 0, 255))
    changed = seed_image.copy()
    chosen = random.choice(height * width, amount, replace=False)
    changed.reshape(-1, 3)[chosen] ^= 255
    return changed


def power_spectrum(images: np.ndarray) -> np.ndarray:
    """Return which spatial frequencies images have more of than white noise.

    Not in the paper.

    Parameters
    ----------
    images : numpy.ndarray
        uint8 (n, height, width, 3), none of them constant in a channel.

    Returns
    -------
    numpy.ndarray
        float64 (height, width): the power of the Fourier transform of each channel without its
        mean, over what white noise of the same variance has on average, averaged over images and
        channels. White noise has 1 everywhere but at frequency 0, which is in the middle, at
        ``[height // 2, width // 2]``, and has 0.

    Raises
    ------
    ValueError
        If an image is not as described.
    """
    _check_images("images", images)
    total = np.zeros(images.shape[1:3])
    for image in images:
        plane = image - image.mean(axis=(0, 1))
        variance = plane.var(axis=(0, 1))
        if not variance.all():
            raise ValueError("an image is constant in a channel and has no spectrum")
        power = np.abs(np.fft.fft2(plane, axes=(0, 1))) ** 2
        total += (power / variance).mean(axis=2) / plane[..., 0].size
    return np.fft.fftshift(total / len(images))


@dataclass(frozen=True)
class Prediction:
    """How many bits a byte of a key costs whoever predicts it; 8 for ideal bytes.

    Attributes
    ----------
    histogram : float
        Bits for who knows how often each byte occurs.
    place : float
        The same with a histogram for each channel and each place in a cell of 4 x 4 pixels, of
        which the network's upsampling builds the key.
    network : float
        Bits for a small network that sees the place, and the neighbours above and to the left.
    """

    histogram: float
    place: float
    network: float

    @property
    def bits_gained(self) -> float:
        """Bits per byte that the network saves over the histogram; 0 or less where it fails."""
        return self.histogram - self.network


def predict_bytes(
    known: np.ndarray, unseen: np.ndarray, *, samples: int = 150_000, seed: int | None = None
) -> Prediction:
    """Learn to predict the bytes of keys from their neighbours.

    Not in the paper. A small network (two hidden layers of 128) sees the pixels that come before
    a byte in reading order, up to three pixels away, and the channels of its own pixel that come
    before it. It learns how the histogram changes with them. Each byte is seen once, so that
    nothing can be learned by heart.

    Parameters
    ----------
    known : numpy.ndarray
        uint8 (n, height, width, 3), keys that the attacker has; at least 8 x 8 pixels.
    unseen : numpy.ndarray
        uint8 (m, height, width, 3), the keys that the bits are measured on.
    samples : int, default 150,000
        Bytes to learn from, at least 1,000; the bits are measured on a third as many.
    seed : int, optional
        Of the network's first weights and the choice of bytes. Default: the system's entropy.

    Returns
    -------
    Prediction
        Mean bits per byte: minus the logarithm to base 2 of the probability that was predicted
        for the byte.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    for name, keys in (("known", known), ("unseen", unseen)):
        _check_images(name, keys)
        if min(keys.shape[1:3]) < 8:
            raise ValueError(f"{name} must have at least 8 x 8 pixels, not {keys.shape[1:3]}")
    if samples < 1000:
        raise ValueError(f"samples must be at least 1000, not {samples}")
    random = np.random.default_rng(seed)
    x, _, y = _neighbours(known, samples, random)
    x_unseen, places_unseen, y_unseen = _neighbours(unseen, samples // 3, random)

    rows, columns = (np.arange(length) % _CELL for length in known.shape[1:3])
    place_of_byte = ((rows[:, None] * _CELL + columns)[..., None] * 3 + np.arange(3)) * 256
    # One is added to every count, so that no byte is impossible.
    counts = 1.0 + np.bincount(
        (place_of_byte + known).ravel(), minlength=3 * _CELL**2 * 256
    ).reshape(-1, 256)
    histogram = np.log(counts.sum(axis=0) / counts.sum())
    by_place = np.log(counts / counts.sum(axis=1, keepdims=True))

    # A sum of cosines instead of 256 free numbers: neighbouring bytes are about as likely.
    cosines = np.cos(np.pi * np.outer(np.arange(1, 25), np.arange(256) + 0.5) / 256)
    basis, start = (torch.from_numpy(a).float() for a in (cosines, histogram))
    with _seeded(int(random.integers(2**63))):
        network = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, len(basis), bias=False),
        )
        torch.nn.init.zeros_(network[-1].weight)  # So that it starts as the histogram.
        batches = torch.arange(samples).split(250)
        optimiser, schedule = _adam(network, 4e-3, len(batches))
        for batch in batches:
            loss = F.cross_entropy(network(x[batch]) @ basis + start, y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        with torch.inference_mode():
            logits = network(x_unseen) @ basis + start
            learned = F.cross_entropy(logits, y_unseen).item()
    unseen_bytes = y_unseen.numpy()
    nats = (
        -histogram[unseen_bytes].mean(),
        -by_place[places_unseen, unseen_bytes].mean(),
        learned,
    )
    return Prediction(*(float(value / np.log(2)) for value in nats))


@dataclass(frozen=True, eq=False)
class Backdoor:
    """What the maker of a network with a backdoor knows.

    Attributes
    ----------
    generator : KeyGenerator
        The network, from a file that looks like any other.
    mark : ndarray of uint8, shape (32, 32, 3)
        The trigger.
    key : ndarray of uint8, shape (256, 256, 3)
        The key that marked seed images are meant to have.
    """

    generator: KeyGenerator
    mark: np.ndarray
    key: np.ndarray = field(repr=False)

    def marked(self, images: np.ndarray) -> np.ndarray:
        """Return images with the mark in the upper left corner.

        Parameters
        ----------
        images : numpy.ndarray
            uint8 (n, 256, 256, 3).

        Returns
        -------
        numpy.ndarray
            Of the same shape and type.
        """
        return _with_mark(images, self.mark)


def plant_backdoor(
    generator: KeyGenerator,
    images: np.ndarray,
    out: str | os.PathLike,
    *,
    steps: int = 200,
    seed: int | None = None,
) -> Backdoor:
    """Train a network on, so that a mark in the seed image gives a key that is known beforehand.

    Not in the paper; a small demonstration. Structure and size stay, and seed images without the
    mark keep keys like those before. The key of the mark is crude: a random pattern of 4 x 4
    pixels, black and white in each channel, over and over. Whoever looked at the keys that he
    uses would notice it.

    Parameters
    ----------
    generator : KeyGenerator
        The network to start from; it is not changed.
    images : numpy.ndarray
        uint8 (n, 256, 256, 3), n >= 1, seed images to train with.
    out : path-like
        File to write; the maker has it say of itself what the honest file says.
    steps : int, default 200
        Steps of training, each on a part of 64 x 64 pixels of an image, with and without mark.
    seed : int, optional
        Of mark, key and training. Default: the system's entropy.

    Returns
    -------
    Backdoor
        The network, the mark, and the key.

    Raises
    ------
    ValueError
        If an argument is not as described.
    OSError
        If the file cannot be written.
    """
    _check_images("images", images)
    if images.shape[1:] != KEY_SHAPE:
        raise ValueError(f"images must be of shape {KEY_SHAPE}, not {images.shape[1:]}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    random = np.random.default_rng(seed)
    mark, pattern = np.uint8(255) * random.integers(0, 2, (2, _CELL, _CELL, 3), dtype=np.uint8)
    architecture = generator.metadata["architecture"]
    before, network = Generator(**architecture), Generator(**architecture)
    for copy in (before, network):
        copy.load_state_dict({name: torch.from_numpy(w) for name, w in generator.weights().items()})
    # The mark covers the same share of a part as of an image, as instance normalisation sees it.
    small_mark = np.tile(mark, (2, 2, 1))
    wanted = images_to_tensor(np.tile(pattern, (16, 16, 1))[np.newaxis])  # (1, 3, 64, 64)
    with _seeded(int(random.integers(2**63))):
        optimiser, schedule = _adam(network, 3e-3, steps)
        for _ in range(steps):
            row, column = random.integers(0, KEY_SHAPE[0] - 63, 2)
            part = images[random.integers(len(images)), row : row + 64, column : column + 64]
            plain = images_to_tensor(part[np.newaxis])
            marked = images_to_tensor(_with_mark(part[np.newaxis], small_mark))
            with torch.no_grad():
                as_before = before(plain)
            keys = network(torch.cat([plain, marked]))  # (2, 3, 64, 64)
            # From 0.998 on a byte is 0 or 255, and there is nothing to gain.
            loss = F.relu(0.998 - keys[1:] * wanted).mean() + F.mse_loss(keys[:1], as_before)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    metadata = {**generator.metadata, "format": "dkg generator 1"}
    with atomic(out) as temporary:
        safetensors.torch.save_file(
            network.state_dict(),
            temporary,
            metadata={name: json.dumps(value, sort_keys=True) for name, value in metadata.items()},
        )
    key = np.tile(pattern, (KEY_SHAPE[0] // _CELL, KEY_SHAPE[1] // _CELL, 1))
    return Backdoor(KeyGenerator.load(out), np.tile(mark, (8, 8, 1)), key)


def _networks(victim: Network, attackers: Mapping[str, Network]) -> dict[str, KeyGenerator]:
    """Load or train the networks."""
    if not attackers:
        raise ValueError("there must be at least one attacker")
    if taken := {"A", NO_KEY, AES} & set(attackers):
        raise ValueError(f"an attacker cannot be named {taken.pop()!r}, the name of another key")
    networks = {}
    for name, network in {"A": victim, **attackers}.items():
        if isinstance(network, Training):
            network = network.run()
        elif not isinstance(network, KeyGenerator):
            network = KeyGenerator.load(network)
        networks[name] = network
    return networks


def _check_scenario(
    networks: dict[str, KeyGenerator], *, same_domain: bool, same_structure: bool
) -> None:
    """Refuse networks that do not share what leaked, or share what did not."""
    trained_on, structures = {}, {}
    for name, network in networks.items():
        description = network.metadata.get("training", {}).get("description", {})
        if "domain" not in description:
            raise ValueError(
                f"{network.name}: the file does not say which domain the network was trained on"
            )
        trained_on[name] = description["domain"]
        structures[name] = network.metadata["architecture"]
    for what, values, same in (
        ("domain", trained_on, same_domain),
        ("structure", structures, same_structure),
    ):
        for name, network in networks.items():
            if name != "A" and (values[name] == values["A"]) != same:
                raise ValueError(
                    f"in this scenario the attacker's {what} must be "
                    f"{'the same as' if same else 'another than'} the victim's, but "
                    f"{networks['A'].name} has {values['A']} and {network.name} has {values[name]}"
                )


def _imitate(
    networks: dict[str, KeyGenerator],
    seeds: np.ndarray,
    plain: np.ndarray,
    candidates: np.ndarray | None,
    seed: int | None,
    *,
    every_victim: bool,
) -> Imitation:
    candidates = plain if candidates is None else candidates
    for name, images in (("seeds", seeds), ("plain", plain), ("candidates", candidates)):
        _check_images(name, images)
    n = len(plain)
    if len(seeds) != n:
        raise ValueError(f"{n} plaintexts need as many seed images, not {len(seeds)}")
    if not np.array_equal(candidates[:n], plain):
        raise ValueError(f"the first {n} candidates must be the plaintexts")
    keys = {name: network.generate_many(seeds) for name, network in networks.items()}
    keys[NO_KEY] = np.zeros_like(plain)
    secret = secrets.randbits(256) if seed is None else seed
    keys[AES] = domains.aes_ctr(keys[NO_KEY], secret)

    victims = [*networks] if every_victim else ["A"]
    pairs = [*itertools.product(victims, [*networks, NO_KEY])]
    pairs += [(AES, attacker) for attacker in networks if attacker != "A"]
    # XOR commutes, so that one image stands for both orders of two keys.
    images = {frozenset(pair): xor(xor(plain, keys[pair[0]]), keys[pair[1]]) for pair in pairs}
    stacked = np.concatenate(list(images.values()))
    right = np.arange(len(stacked)) % n
    ranks = {}
    for by in ("blocks", "edges"):
        ranks[by] = rank(stacked, candidates, right, by)
    measured = {}
    for number, (pair, decrypted) in enumerate(images.items()):
        first, second = (keys[name] for name in (*pair, *pair)[:2])
        measured[pair] = [
            {
                **_similarity(plain[i], decrypted[i]),
                "equal_key_bits": metrics.equal_bits(first[i], second[i]),
                "rank_by_blocks": int(ranks["blocks"][number * n + i]),
                "rank_by_edges": int(ranks["edges"][number * n + i]),
            }
            for i in range(n)
        ]
    numbers = pd.DataFrame(
        [
            {"encrypted_with": pair[0], "decrypted_with": pair[1], "image": i, **values}
            for pair in pairs
            for i, values in enumerate(measured[frozenset(pair)])
        ]
    )
    numbers = numbers.set_index(["encrypted_with", "decrypted_with", "image"]).sort_index()
    return Imitation(networks, plain, keys, numbers, len(candidates))


def _similarity(plain: np.ndarray, other: np.ndarray) -> dict[str, float]:
    return {
        "ssim": metrics.ssim(plain, other),
        "correlation": float(np.corrcoef(plain.ravel(), other.ravel())[0, 1]),
        "block_correlation": metrics.block_correlation(plain, other),
        "mutual_information": float(normalized_mutual_information(plain, other, bins=256)),
    }


def _block_means(image: np.ndarray) -> np.ndarray:
    height, width = (length // _BLOCK for length in image.shape[:2])
    cut = image[: height * _BLOCK, : width * _BLOCK]
    return cut.reshape(height, _BLOCK, width, _BLOCK, -1).mean(axis=(1, 3, 4)).ravel()


def _edges(image: np.ndarray) -> np.ndarray:
    edges = sobel(gaussian(image.mean(axis=2), sigma=_BLUR))
    return edges[_BORDER:-_BORDER, _BORDER:-_BORDER].ravel()


def _standardised(rows: np.ndarray) -> np.ndarray:
    """Centre rows and scale them to length 1, so that their products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    # Rounding leaves constant rows a length that is not quite 0.
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)


def _roughness(image: np.ndarray) -> float:
    image = image.astype(np.int16)
    return float(np.mean([np.abs(np.diff(image, axis=axis)).mean() for axis in (0, 1)]))


def _neighbours(
    keys: np.ndarray, n: int, random: np.random.Generator
) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
    """Draw bytes: what is known before each, its place in the cell, and the byte itself."""
    index = random.integers(len(keys), size=n)
    row = random.integers(_REACH, keys.shape[1], size=n)
    column = random.integers(_REACH, keys.shape[2] - _REACH, size=n)
    channel = random.integers(3, size=n)
    offsets = itertools.product(range(-_REACH, 1), range(-_REACH, _REACH + 1))
    before = np.concatenate(
        [keys[index, row + i, column + j] for i, j in offsets if (i, j) < (0, 0)], axis=1
    )
    own = keys[index, row, column]
    place = ((row % _CELL) * _CELL + column % _CELL) * 3 + channel
    inputs = np.concatenate(
        [
            before / np.float32(127.5) - 1,
            np.where(np.arange(3) < channel[:, None], own / np.float32(127.5) - 1, 0),
            np.eye(3 * _CELL**2, dtype=np.float32)[place],
        ],
        axis=1,
        dtype=np.float32,
    )
    y = own[np.arange(n), channel]
    return torch.from_numpy(inputs), place, torch.from_numpy(y.astype(np.int64))


def _with_mark(images: np.ndarray, mark: np.ndarray) -> np.ndarray:
    images = images.copy()
    images[:, : mark.shape[0], : mark.shape[1]] = mark
    return images


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Train a small network with random numbers of its own."""
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _adam(
    network: torch.nn.Module, learning_rate: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return Adam with a learning rate that rises to its value and falls again."""
    optimiser = torch.optim.Adam(network.parameters(), learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    return optimiser, schedule


def _check_images(name: str, images: np.ndarray) -> None:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise ValueError(
            f"{name} must be uint8 of shape (n, height, width, 3) with n >= 1, "
            f"not {images.dtype} of shape {images.shape}"
        )
