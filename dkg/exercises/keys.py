"""Exercises of step 3, attacks on keys: guess the seed image, name the maker, a flat seed image."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dkg import attacks, baselines, data, metrics, plots
from dkg.attacks.key_trial import Remembered
from dkg.attacks.seeds import roughness
from dkg.cipher import KEY_BYTES, KEY_SHAPE, xor
from dkg.exercises.checking import Answer, Exercise, Mistake, Mistakes, call, compare
from dkg.keys import KeyGenerator, noise_map

Pixels = NDArray[np.uint8]
Generate = Callable[[Pixels], Pixels]


# Guess the seed.


@functools.cache
def candidates() -> Pixels:
    """Return six phantoms of chest X-rays that may be the seed image, uint8 (6, 256, 256, 3)."""
    return data.synthetic("montgomery", 6).images


@functools.cache
def generate() -> Generate:
    """Return the default network as a function that keeps the keys that it made."""
    return Remembered(KeyGenerator.load().generate)


@functools.cache
def plaintexts() -> Pixels:
    """Return four phantoms of brain MRI, uint8 (4, 256, 256, 3)."""
    return data.synthetic("brats18", 4).images


class _Source:
    """A function as a `dkg.keys.KeySource`."""

    def __init__(self, function: Generate):
        self.generate = function


def right_seed(cipher: Pixels, seeds: Pixels, make_key: Generate) -> int:
    """Solve the exercise with the package's attack."""
    return int(attacks.guess_seed(cipher, _Source(make_key), seeds).order[0])


def _best(score: Callable[[Pixels, Pixels, Pixels], float]) -> Answer:
    """Make a mistaken attack that minimises a score of ciphertext, candidate and key."""

    def index(cipher: Pixels, seeds: Pixels, make_key: Generate) -> int:
        return int(np.argmin([score(cipher, seed, make_key(seed)) for seed in seeds]))

    return index


SEED_MISTAKES: Mistakes = {
    "You take the candidate whose decrypted image is the roughest. What does a decryption with "
    "the wrong key look like?": _best(lambda c, seed, key: -roughness(xor(c, key))),
    "Off by one: candidates are counted from 0.": (
        lambda cipher, seeds, make_key: right_seed(cipher, seeds, make_key) + 1
    ),
    "You compare the ciphertext with the candidates themselves. The candidate is not the key: the "
    "network makes the key from it.": _best(lambda c, seed, key: roughness(xor(c, seed))),
    "You choose the smoothest key. It is the decrypted image that gives the right seed away.": (
        _best(lambda c, seed, key: roughness(key))
    ),
    "You choose the smoothest candidate. Decrypt with each of them first.": (
        _best(lambda c, seed, key: roughness(seed))
    ),
}


def check_guess_the_seed(rng: np.random.Generator, guess: Any) -> str:
    """Check an attack that finds the seed image among candidates."""
    instances = []
    for plain in plaintexts():
        order = rng.permutation(len(candidates()))
        shuffled = candidates()[order]
        seed = shuffled[rng.integers(len(order))]
        instances.append((xor(plain, generate()(seed)), shuffled, generate()))
    compare(guess, right_seed, SEED_MISTAKES, instances)
    return f"The seed image was found for {len(instances)} ciphertexts."


def _ciphertext_of_a_seed() -> tuple[Pixels, Pixels, Generate]:
    return xor(plaintexts()[0], generate()(candidates()[4])), candidates(), generate()


def _seed_picture() -> Figure:
    cipher, seeds, make_key = _ciphertext_of_a_seed()
    right = right_seed(cipher, seeds, make_key)
    return plots.image_grid(
        {
            "ciphertext": cipher,
            "decrypted with a wrong seed image": xor(cipher, make_key(seeds[0])),
            "decrypted with the right one": xor(cipher, make_key(seeds[right])),
        }
    )


# Whose key.

AES, TWISTER, NETWORK = MAKERS = ("AES", "Mersenne Twister", "DeepKeyGen")
"""The answers of the exercise."""

_NETWORKS = ("base-phantom-1", "base-shenzhen-4", "network-a")

_CHANCE = 1e-6
"""Probability with which uniform bytes count as uneven."""


def untemper(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Undo the last step of the Mersenne Twister: from 32-bit outputs to words of its state.

    The 624 words that belong to 624 outputs in a row are the whole state.
    ``np.random.RandomState().set_state(("MT19937", state, 624))`` goes on from there.

    Parameters
    ----------
    words : numpy.ndarray
        uint32 (n,), outputs of MT19937.

    Returns
    -------
    numpy.ndarray
        uint32 (n,).
    """
    y = words.astype(np.uint32)
    y ^= y >> np.uint32(18)
    y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
    x = y.copy()
    for _ in range(4):  # Seven more bits become right each time.
        x = y ^ ((x << np.uint32(7)) & np.uint32(0x9D2C5680))
    y = x.copy()
    for _ in range(2):  # Eleven.
        y = x ^ (y >> np.uint32(11))
    return y


def who_made(key: Pixels) -> str:
    """Solve the exercise."""
    words = np.frombuffer(key.tobytes(), "<u4").astype(np.uint32)
    twister = np.random.RandomState()
    twister.set_state(("MT19937", untemper(words[:624]), 624, 0, 0.0))
    if twister.bytes(64) == words[624:640].astype("<u4").tobytes():
        return TWISTER
    return NETWORK if is_uneven(key) else AES


def is_uneven(key: Pixels) -> bool:
    """Whether the bytes of a key are not equally likely."""
    return metrics.chi_square(key).statistic > metrics.chi_square_critical_value(_CHANCE)


@functools.cache
def network_keys() -> tuple[Pixels, ...]:
    """Return a key each of three shipped networks."""
    made = [
        KeyGenerator.load(name).generate(seed)
        for name, seed in zip(_NETWORKS, candidates(), strict=False)
    ]
    return tuple(made)


def keys_to_tell(rng: np.random.Generator, n: int = 3) -> list[tuple[str, Pixels]]:
    """Return `n` keys of each maker in random order, each after its maker's name.

    A key of AES or of the Mersenne Twister that is uneven by chance is drawn anew, so that no right
    answer is refused for it.
    """
    made = [(NETWORK, key) for key in network_keys()[:n]]
    for _ in range(n):
        made.append((AES, _even(lambda: baselines.aes_256_ctr(rng.bytes(32), KEY_BYTES))))
        made.append((TWISTER, _even(lambda: _twisted(rng.bytes(32)))))
    return [made[i] for i in rng.permutation(len(made))]


def _twisted(source: bytes) -> Pixels:
    return baselines.mersenne_twister(np.frombuffer(source, "<u4"), KEY_BYTES)


def _even(draw: Callable[[], Pixels]) -> Pixels:
    while is_uneven(key := draw().reshape(KEY_SHAPE)):
        pass
    return key


CONFUSED = {
    frozenset({AES, TWISTER}): "Neither histogram nor entropy tells these two apart. The Mersenne "
    "Twister's next output follows from the 624 before it: predict it. An output is not yet a word "
    "of the state: see untemper.",
    frozenset({AES, NETWORK}): "Only AES has equally likely byte values: compare a measure of the "
    "histogram with what uniform bytes give.",
    frozenset({TWISTER, NETWORK}): "Only one of the two has a recurrence, and only one an uneven "
    "histogram.",
}
"""What to look at, by the two makers that were taken for each other."""


def check_whose_key(rng: np.random.Generator, who: Any) -> str:
    """Check a function that names the maker of a key."""
    keys = keys_to_tell(rng)
    wrong: dict[tuple[str, str], int] = {}
    for maker, key in keys:
        named = call(who, key)
        if named not in MAKERS:
            raise Mistake(f"The result must be one of {', '.join(MAKERS)}, not {named!r}.")
        if named != maker:
            wrong[maker, named] = wrong.get((maker, named), 0) + 1
    if wrong:
        (maker, named), count = max(wrong.items(), key=lambda item: item[1])
        of_maker = sum(name == maker for name, _ in keys)
        raise Mistake(
            f"{count} of {of_maker} keys of {maker} are taken for {named}. "
            f"{CONFUSED[frozenset({maker, named})]}"
        )
    return f"All {len(keys)} keys were named."


def _one_key_each() -> tuple[Pixels, ...]:
    made = dict(keys_to_tell(np.random.default_rng(1), 1))
    return made[AES], made[TWISTER], made[NETWORK]


def _three_histograms() -> Figure:
    return plots.image_histograms(dict(zip(MAKERS, _one_key_each(), strict=True)))


# A flat seed image.

INNER = slice(32, 248)
"""Rows and columns in which a low-order key of a flat seed image repeats."""


@functools.cache
def flat_key() -> Pixels:
    """Return the inner part of a low-order key of a flat seed image, made without the noise map.

    The network XORs seed images with the map, so a seed image that is the flat one XOR the map
    undoes it. uint8 (216, 216, 3).
    """
    flat = np.full(KEY_SHAPE, 100, np.uint8)
    made = KeyGenerator.load(output="low-order").generate(xor(flat, noise_map()))
    return made[INNER, INNER]


def decrypt_repeating(cipher: Pixels, cell: Callable[[Pixels], Pixels] | None = None) -> Pixels:
    """Solve the exercise: the most frequent byte of each place in the cell of 4 x 4 is the key's.

    Parameters
    ----------
    cipher : numpy.ndarray
        uint8 (height, width, 3), both lengths multiples of 4.
    cell : callable, optional
        Finds the key of 4 x 4 pixels in the ciphertext. Default: by frequency.
    """
    repeating = (cell or most_frequent)(cipher)
    height, width, _ = cipher.shape
    return xor(cipher, np.tile(repeating, (height // 4, width // 4, 1)))


def most_frequent(cipher: Pixels) -> Pixels:
    """Return the most frequent byte at each place in the cell, uint8 (4, 4, 3)."""
    return _by_place(cipher, lambda values: int(np.bincount(values, minlength=256).argmax()))


def _by_place(cipher: Pixels, choose: Callable[[Pixels], int]) -> Pixels:
    found = np.empty((4, 4, 3), np.uint8)
    for row, column, channel in np.ndindex(found.shape):
        found[row, column, channel] = choose(cipher[row::4, column::4, channel].ravel())
    return found


def _one_byte(cipher: Pixels) -> Pixels:
    return np.full((4, 4, 3), np.bincount(cipher.ravel(), minlength=256).argmax(), np.uint8)


def _channel_shared(cipher: Pixels) -> Pixels:
    return np.repeat(most_frequent(cipher)[..., :1], 3, axis=2)


def _counted_together(cipher: Pixels) -> Pixels:
    places = [cipher[row::4, column::4].ravel() for row in range(4) for column in range(4)]
    found = np.array([np.bincount(values).argmax() for values in places], np.uint8)
    return found.reshape(4, 4, 1).repeat(3, axis=2)


def _cell_of_two(cipher: Pixels) -> Pixels:
    cell = np.empty((2, 2, 3), np.uint8)
    for row, column, channel in np.ndindex(cell.shape):
        cell[row, column, channel] = np.bincount(
            cipher[row::2, column::2, channel].ravel()
        ).argmax()
    return np.tile(cell, (2, 2, 1))


FLAT_MISTAKES: Mistakes = {
    "This is the key, tiled. The exercise asks for the image.": (
        lambda cipher: xor(cipher, decrypt_repeating(cipher))
    ),
    "You take one byte for all places. The key repeats after 4 pixels, so it has 48 bytes.": (
        lambda cipher: decrypt_repeating(cipher, _one_byte)
    ),
    "You use the first channel's key for all channels. Each channel has its own.": (
        lambda cipher: decrypt_repeating(cipher, _channel_shared)
    ),
    "You count the bytes of all channels together. Each channel has its own key.": (
        lambda cipher: decrypt_repeating(cipher, _counted_together)
    ),
    "Your cell is smaller than the period of the key.": (
        lambda cipher: decrypt_repeating(cipher, _cell_of_two)
    ),
    "Rows and columns of the cell are exchanged.": (
        lambda cipher: decrypt_repeating(cipher, lambda c: most_frequent(c).swapaxes(0, 1))
    ),
    "You take the mean byte of each place. Under XOR a mean is not kept; what is kept is which "
    "byte occurs most.": lambda cipher: decrypt_repeating(
        cipher, lambda c: _by_place(c, lambda values: int(values.mean()))
    ),
    "You take the median byte of each place. Under XOR an order is not kept; what is kept is "
    "which byte occurs most.": lambda cipher: decrypt_repeating(
        cipher, lambda c: _by_place(c, lambda values: int(np.median(values)))
    ),
    "The key is found, and subtracted; what did the cipher do with it?": (
        lambda cipher: cipher - xor(cipher, decrypt_repeating(cipher))
    ),
    "You take the first cell of the ciphertext for the key. That is right only where the image is "
    "black there.": lambda cipher: decrypt_repeating(cipher, lambda c: c[:4, :4]),
}


def check_flat_seed(rng: np.random.Generator, decrypt: Any) -> str:
    """Check an image that was decrypted by the most frequent bytes of a key that repeats."""
    instances = []
    for plain in plaintexts():
        # Rolled by half, so that the first cell is not black.
        plain = np.roll(plain, (128, 128), (0, 1))
        rows, columns = rng.integers(58, 65, 2)
        key = np.tile(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), (rows, columns, 1))
        instances.append((xor(plain[: 4 * rows, : 4 * columns], key),))
    instances.append((_flat_ciphertext()[0],))
    compare(decrypt, decrypt_repeating, FLAT_MISTAKES, instances)
    return f"{len(instances)} ciphertexts were decrypted without key, seed image or network."


def _flat_ciphertext() -> tuple[Pixels]:
    return (xor(plaintexts()[1][INNER, INNER], flat_key()),)


def _flat_picture() -> Figure:
    (cipher,) = _flat_ciphertext()
    found = xor(cipher, decrypt_repeating(cipher))
    return plots.image_grid(
        {"ciphertext": cipher, "key that was found": found, "decrypted": xor(cipher, found)},
        details=["key that was found"],
    )


def exercises() -> Iterator[Exercise]:
    """Yield the exercises of this step."""
    yield Exercise("guess_the_seed", check_guess_the_seed, _ciphertext_of_a_seed, _seed_picture)
    yield Exercise("whose_key", check_whose_key, _one_key_each, _three_histograms)
    yield Exercise("flat_seed", check_flat_seed, _flat_ciphertext, _flat_picture)
