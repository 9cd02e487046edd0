"""Exercises of step 4, learning and design: an imitator, learned inversion, your own domain."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.nn.functional import mse_loss

from dkg import attacks, data, domains, metrics, plots
from dkg.attacks.learned import minimize, reproducible
from dkg.cipher import xor
from dkg.exercises.checking import Exercise, Mistake, call, check_array
from dkg.exercises.keys import plaintexts
from dkg.keys import KeyGenerator
from dkg.models import Generator, images_to_tensor, initialise, tensor_to_images

Pixels = NDArray[np.uint8]
Predict = Callable[[Pixels], Any]

SIDE = 64
"""Side of the small seed images and keys of the imitator, in pixels."""

_CHANCE = 1e-6
"""Probability with which `broken` finds something in images of i.i.d. uniform bytes."""


@functools.cache
def chests() -> Pixels:
    """Return ten phantoms of chest X-rays, uint8 (10, 256, 256, 3)."""
    return data.synthetic("montgomery", 10).images


# An imitator.


def victim(seed: int) -> Generator:
    """Return the victim's small network: random weights, and a last layer with contrast.

    The last layer is scaled by 10, so that keys use most of the 256 byte values as those of a
    trained network do.
    """
    network = Generator(residual_blocks=1, width=4)
    initialise(network, torch.Generator().manual_seed(seed))
    last = [layer for layer in network.up3 if isinstance(layer, torch.nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(10)
    return network.eval()


def small_seeds(rng: np.random.Generator, n: int) -> Pixels:
    """Return random parts of chest X-rays at half their size, uint8 (n, 64, 64, 3)."""
    halved = chests()[:, ::2, ::2]
    parts = []
    for image in halved[rng.integers(len(halved), size=n)]:
        row, column = rng.integers(0, halved.shape[1] - SIDE + 1, 2)
        parts.append(image[row : row + SIDE, column : column + SIDE])
    return np.stack(parts)


def keys_of(network: Generator, seeds: Pixels) -> Pixels:
    """Return the keys that a network makes of seed images, uint8 (n, height, width, 3)."""
    with torch.inference_mode():
        return tensor_to_images(network(images_to_tensor(seeds)))


def imitate(seeds: Pixels, keys: Pixels, steps: int = 200) -> Predict:
    """Solve the exercise: fit a network of the same structure to the known pairs."""
    inputs, wanted = images_to_tensor(seeds), images_to_tensor(keys)
    with reproducible(0):
        imitator = Generator(residual_blocks=1, width=4)
        initialise(imitator, torch.Generator().manual_seed(0))

        def loss(step: int) -> torch.Tensor:
            chosen = [step % len(seeds)]
            return mse_loss(imitator(inputs[chosen]), wanted[chosen])

        minimize(imitator, loss, learning_rate=0.01, steps=steps)
    return functools.partial(keys_of, imitator)


def _known_and_unseen(seed: int) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    """Return 16 known seed images and their keys, and eight unseen ones and theirs."""
    seeds = small_seeds(np.random.default_rng(seed), 24)
    keys = keys_of(victim(seed), seeds)
    return seeds[:16], keys[:16], seeds[16:], keys[16:]


def distances(keys: Pixels, others: Pixels) -> NDArray[np.float64]:
    """Return the mean absolute difference of each pair of keys, in gray levels."""
    differences = np.abs(keys.astype(np.int16) - others)
    means: NDArray[np.float64] = differences.mean(axis=(1, 2, 3))
    return means


def check_imitator(rng: np.random.Generator, train: Any) -> str:
    """Check a network that was trained to imitate a key generator."""
    seeds, keys, unseen, wanted = _known_and_unseen(int(rng.integers(2**31)))
    predict = call(train, seeds, keys)
    if not callable(predict):
        raise Mistake(
            "The result must be a function that makes keys of seed images, not the keys "
            f"themselves or {type(predict).__name__}."
        )
    made = call(predict, unseen)
    if isinstance(made, torch.Tensor):
        raise Mistake("The function returns a tensor; a key is bytes: dkg.models.tensor_to_images.")
    check_array(made, unseen.shape, "What the function returns")
    mean_key = np.broadcast_to(np.rint(keys.mean(axis=0)).astype(np.uint8), wanted.shape)
    ours, constant = distances(made, wanted), distances(mean_key, wanted)
    numbers = (
        f"your keys are {ours.mean():.1f} gray levels from the right ones on average, the mean key "
        f"{constant.mean():.1f}"
    )

    @functools.cache
    def reference() -> NDArray[np.float64]:
        return distances(call(imitate(seeds, keys), unseen), wanted)

    def near(found: NDArray[np.float64]) -> bool:
        # Some victims are hard to imitate: there, what the solution reaches is enough.
        return bool((found < constant).all() or (found <= 1.01 * reference()).all())

    if (made == made[0]).all():
        raise Mistake(
            "The function returns one key for all seed images. Are inputs and keys both scaled to "
            "-1 to 1, as the network's output is?"
        )
    if near(ours):
        return f"On eight unseen seed images, {numbers}."
    if near(distances(255 - made, wanted)):
        raise Mistake(f"The keys are negatives of the right ones: {numbers}. Look at the signs.")
    known = distances(call(predict, seeds), keys).mean()
    if known < 0.5 * ours.mean():
        raise Mistake(
            f"The keys of the known seed images are met ({known:.1f} gray levels), those of unseen "
            f"ones are not: {numbers}. The network has memorized them."
        )
    worse = int((ours >= constant).sum())
    raise Mistake(
        f"For {worse} of 8 unseen seed images the mean of the known keys is as good: {numbers}. "
        "Does the loss fall? Are inputs and keys both scaled to -1 to 1?"
    )


def _pairs() -> tuple[Pixels, Pixels]:
    return _known_and_unseen(1)[:2]


def _imitator_picture() -> Figure:
    seeds, keys, unseen, wanted = _known_and_unseen(1)
    made = imitate(seeds, keys)(unseen[:1])[0]
    plain = np.ascontiguousarray(plaintexts()[0][::4, ::4])
    cipher = xor(plain, wanted[0])
    return plots.image_grid(
        {
            "key": wanted[0],
            "imitated key": made,
            "ciphertext": cipher,
            "decrypted with the imitated key": xor(cipher, made),
        }
    )


# Learned inversion.


@functools.cache
def network_keys() -> Pixels:
    """Return inner parts of eight keys of the default network, uint8 (8, 128, 128, 3)."""
    return np.ascontiguousarray(KeyGenerator.load().generate_many(chests()[:8])[:, 64:192, 64:192])


@functools.cache
def hidden_images() -> Pixels:
    """Return inner parts of eight phantoms, ultrasound and brain, uint8 (8, 128, 128, 3)."""
    mixed = np.stack([data.synthetic("ultrasound", 4).images, plaintexts()], axis=1)
    return np.ascontiguousarray(mixed.reshape(8, 256, 256, 3)[:, 64:192, 64:192])


def _correlations(estimates: NDArray[Any], plain: Pixels) -> NDArray[np.float64]:
    wanted = attacks.coarse(plain)
    pairs = zip(estimates, wanted, strict=True)
    return np.array([metrics.correlation(a, b) for a, b in pairs])


def _fitted(fit: Any, keys: Pixels, rng: np.random.Generator) -> tuple[NDArray[Any], Pixels]:
    """Fit to six keys and images, and return the estimates of the other two and their images."""
    pairs = attacks.training_pairs(keys[:6], hidden_images()[:6], 16, seed=int(rng.integers(2**31)))
    predict = call(fit, *pairs)
    if not callable(predict):
        raise Mistake(
            "The result must be a function that estimates plaintexts from ciphertexts, not "
            f"{type(predict).__name__}."
        )
    plain = hidden_images()[6:]
    estimates = np.asarray(call(predict, xor(plain, keys[6:])))
    wanted = attacks.coarse(plain).shape
    if estimates.shape != wanted:
        raise Mistake(
            f"For ciphertexts of shape {plain.shape} the estimates must have shape {wanted}, one "
            f"number for each cell of 4 x 4 pixels, not {estimates.shape}."
        )
    if not np.isfinite(estimates).all():
        raise Mistake("Some estimates are not finite. Is the penalty missing?")
    return estimates, plain


def ridge(ciphertexts: Pixels, plaintexts: Pixels) -> Predict:
    """Solve the exercise with the package's ridge regression."""
    return attacks.fit(ciphertexts, plaintexts, "ridge").predict


def check_learned_inversion(rng: np.random.Generator, fit: Any) -> str:
    """Check a model that was fitted to read ciphertexts, and that reads nothing of AES."""
    seed = int(rng.integers(2**31))
    estimates, plain = _fitted(fit, network_keys(), np.random.default_rng(seed))
    reference, _ = _fitted(ridge, network_keys(), np.random.default_rng(seed))
    ours, theirs = _correlations(estimates, plain), _correlations(reference, plain)
    aes = domains.aes_ctr(np.zeros_like(network_keys()), int(rng.integers(2**31)))
    control, _ = _fitted(fit, aes, np.random.default_rng(seed))
    # Two ciphertexts of AES have nothing in common.
    if metrics.correlation(*control) > 0.5:
        raise Mistake(
            "For two ciphertexts of AES your model paints nearly the same picture. It shows what "
            "images have in common instead of reading the ciphertext: it must not know the place "
            "in the image."
        )
    numbers = (
        f"r = {ours.mean():.2f} with unseen plaintexts, dkg.attacks.fit has {theirs.mean():.2f}"
    )
    if np.isnan(ours).any():
        raise Mistake("All estimates of an image are equal. Do they depend on the ciphertext?")
    # Nine tenths of the correlation: a reader sees no difference.
    if (ours >= 0.9 * theirs).all():
        by_aes = np.abs(_correlations(control, plain)).max()
        return f"{numbers}. On ciphertexts of AES your model has |r| of at most {by_aes:.2f}."
    if (-ours >= 0.9 * theirs).all():
        raise Mistake(f"The estimates are negatives: {numbers}. Look at the signs.")
    turned = _correlations(estimates.swapaxes(1, 2), plain)
    if (turned >= 0.9 * theirs).all():
        raise Mistake("Rows and columns of the estimates are exchanged.")
    if (np.abs(ours) < 0.25 * theirs).all():
        raise Mistake(
            f"Your model reads next to nothing: {numbers}. Are the bits of a cell beside the mean "
            "of the same cell? Look at the order of axes after reshape."
        )
    raise Mistake(
        f"Your model reads less than can be read: {numbers}. One weight for each bit of the 4 x 4 "
        "x 3 bytes of a cell, and an intercept, are enough."
    )


def _to_learn_from() -> tuple[Pixels, Pixels]:
    return attacks.training_pairs(network_keys()[:6], hidden_images()[:6], 16, seed=0)


def _inversion_picture() -> Figure:
    model = attacks.fit(*_to_learn_from())
    plain = hidden_images()[6]
    cipher = xor(plain, network_keys()[6])
    estimate = np.clip(model.predict(cipher[None])[0], 0, 255).astype(np.uint8)
    return plots.image_grid({"plaintext": plain, "ciphertext": cipher, "estimate": estimate})


# Your own domain.


def own_domain(images: Pixels, seed: int) -> Pixels:
    """Solve the exercise with the package's AES-256-CTR domain."""
    return domains.aes_ctr(images, seed)


def check_own_domain(rng: np.random.Generator, domain: Any) -> str:
    """Check a transformation domain: what the package asks of one, and six quick attacks."""
    images = np.concatenate([chests()[:2], plaintexts()[:2], np.zeros_like(chests()[:1])])
    seed, other = (int(value) for value in rng.integers(0, 2**31, 2))
    made = call(domain, images, seed)
    check_array(made, images.shape, "The result")
    if not np.array_equal(made, call(domain, images, seed)):
        raise Mistake(
            "Two calls with the same random seed differ, so that no training can be repeated. "
            "Draw from np.random.default_rng(seed)."
        )
    if np.array_equal(made, images):
        raise Mistake("The images are unchanged.")
    if words := broken(images, made):
        raise Mistake(words)
    if np.array_equal(made, call(domain, images, other)):
        raise Mistake(
            "Another random seed gives the same images: only the images decide, as in the "
            "group's later code, and an attacker who has them has the domain."
        )
    return (
        "Six quick attacks found nothing. That is no proof: defend the domain with the questions "
        "at the end of the notebook."
    )


def broken(images: Pixels, made: Pixels) -> str:
    """Say which quick attack breaks a domain, or nothing; the last image is black."""
    of_black = made[-1]
    if np.array_equal(of_black[..., 0], of_black[..., 1]) and np.ptp(of_black):
        return "The three channels of a black image are equal: one keystream serves all of them."
    # An entropy and three correlations of each image, and an average of each but the black one.
    level = _CHANCE / (5 * len(made))
    # Far from the mean the entropy has the distribution of chi-square, which is not normal.
    size = images[0].size
    allowed = 8 - metrics.chi_square_critical_value(level) / (2 * size * math.log(2))
    for image, target in zip(images, made, strict=True):
        if np.array_equal(metrics.histogram(image), metrics.histogram(target)):
            return "The histogram is that of the image: pixels are moved, and none is changed."
        if (found := metrics.entropy(target)) < allowed:
            return (
                f"An image of the domain has an entropy of {found:.4f} bits, below {allowed:.4f}."
            )
    masks = [xor(image, target) for image, target in zip(images, made, strict=True)]
    if any(np.array_equal(masks[0], mask) for mask in masks[1:]):
        return (
            "All images are XORed with the same bytes: the XOR of two images of the domain is the "
            "XOR of the two plaintexts."
        )
    chance = metrics.ideal_correlation(256).interval(level).high
    leaks = attacks.leaks(images[:-1], made[:-1])
    if max(leaks) > chance:
        return (
            f"Averages show the plaintext: |r| of block means is {max(leaks):.2f}, and "
            f"{chance:.2f} by chance."
        )
    pairs = metrics.ideal_correlation(3 * 255**2).interval(level).high
    for direction in ("horizontal", "vertical", "diagonal"):
        for target in made:
            if abs(r := metrics.adjacent_correlation(target, direction, n_pairs=None)) > pairs:
                return f"Neighbours are correlated, {direction}: r = {r:.4f}."
    repeated = metrics.repeated_cells(made)
    return f"{repeated:.2f} % of the cells of 8 x 8 pixels occur twice." if repeated else ""


def _domain_images() -> tuple[Pixels, int]:
    return np.concatenate([chests()[:2], plaintexts()[:1]]), 1


def _domain_picture() -> Figure:
    images, seed = _domain_images()
    return plots.image_histograms(
        {
            "image": images[0],
            "row shuffle": domains.row_shuffle(images, seed)[0],
            "AES-256-CTR": own_domain(images, seed)[0],
        }
    )


def exercises() -> Iterator[Exercise]:
    """Yield the exercises of this step."""
    yield Exercise("imitator", check_imitator, _pairs, _imitator_picture)
    yield Exercise("learned_inversion", check_learned_inversion, _to_learn_from, _inversion_picture)
    yield Exercise("own_domain", check_own_domain, _domain_images, _domain_picture)
