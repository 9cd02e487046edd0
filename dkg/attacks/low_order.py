"""Low-order keys on trial: flat seed images, controls, sensitivity, repetitions and SP 800-22.

``notebooks/12_hardened_keys`` uses it, and ``docs/keys.md`` says what the results are worth.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import stats

from dkg import metrics
from dkg.checkpoints import weights_sha256
from dkg.cipher import KEY_BYTES, KEY_SHAPE
from dkg.keys import KeyGenerator
from dkg.models import Generator, initialise
from dkg.randomness import Battery


def flat_seeds(image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Return seed images that are flat, or have flat regions.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 (256, 256, 3), from which those are made that are not flat all over.

    Returns
    -------
    dict of str to numpy.ndarray
        Thirteen names and images, uint8 (256, 256, 3).
    """
    flat = {"black": np.zeros(KEY_SHAPE, np.uint8), "white": np.full(KEY_SHAPE, 255, np.uint8)}
    upper, frame, halves = image.copy(), flat["black"].copy(), flat["black"].copy()
    upper[:128] = 0
    frame[64:192, 64:192] = image[64:192, 64:192]
    halves[:, 128:] = 255
    flat |= {"upper half black": upper, "black frame": frame}
    flat["overexposed"] = np.where(image < 64, 4 * image.astype(np.int16), 255).astype(np.uint8)
    for level in (1, 64, 127, 128, 254):
        flat[f"gray level {level}"] = np.full(KEY_SHAPE, level, np.uint8)
    for name, row, column in (("corner", 0, 0), ("middle", 128, 128)):
        flat[f"black, a white pixel in the {name}"] = dot = flat["black"].copy()
        dot[row, column] = 255
    return flat | {"black and white halves": halves}


def untrained(
    seed: int = 0, *, output: str = "low-order", convolution: str = "standard"
) -> KeyGenerator:
    """Return the base network as it is before its first training step.

    Parameters
    ----------
    seed : int, default 0
        Of its random weights.
    output : {'paper', 'low-order'}, default 'low-order'
        As for `dkg.keys.KeyGenerator.load`.
    convolution : {'standard', 'mobilenet', 'xception'}, default 'standard'
        As for `dkg.models.Generator`.

    Returns
    -------
    KeyGenerator
        The control for what training contributes.
    """
    generator = Generator(convolution=convolution)
    initialise(generator, torch.Generator().manual_seed(seed))
    return KeyGenerator(
        generator,
        torch.device("cpu"),
        f"untrained, random seed {seed}",
        weights_sha256(generator),
        True,
        {"architecture": generator.architecture, "training": {"step": 0, "description": {}}},
        output=output,
    )


def extract(key: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a key with structure into bytes that show none: SHAKE-256 (FIPS 202) of its bytes.

    Parameters
    ----------
    key : numpy.ndarray
        uint8 (256, 256, 3).

    Returns
    -------
    numpy.ndarray
        uint8 (256, 256, 3). It is as secret as `key` is, and no more.
    """
    data = hashlib.shake_256(key.tobytes()).digest(KEY_BYTES)
    return np.frombuffer(data, np.uint8).reshape(KEY_SHAPE)


def sensitivity(
    generate: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    seeds: NDArray[np.uint8],
    keys: NDArray[np.uint8],
    n: int,
    *,
    seed: int | None = None,
) -> pd.DataFrame:
    """Change one gray level at one pixel of a seed image, and compare the keys.

    Parameters
    ----------
    generate : callable
        Turns a seed image into a key, both uint8 (256, 256, 3).
    seeds, keys : numpy.ndarray
        uint8 (m, 256, 256, 3), seed images and their keys. They take turns.
    n : int
        How many changes. The first four are at corners, the others at random pixels; up and down
        take turns.
    seed : int, optional
        Of the choice of pixels. Default: the system's entropy.

    Returns
    -------
    pandas.DataFrame
        One row for each change: ``image``, ``row``, ``column``, ``channel``, ``level`` (before and
        after, as text), ``npcr`` and ``uaci`` in percent.
    """
    random = np.random.default_rng(seed)
    last = KEY_SHAPE[0] - 1
    places = [(row, column) for row in (0, last) for column in (0, last)]
    rows = []
    for number in range(n):
        image = number % len(seeds)
        row, column = places[number] if number < 4 else random.integers(0, KEY_SHAPE[0], 2)
        channel = int(random.integers(3))
        changed = seeds[image].copy()
        before = int(changed[row, column, channel])
        # At black it can only go up, at white only down.
        after = before + 1 if before == 0 or (number % 2 == 0 and before < 255) else before - 1
        changed[row, column, channel] = after
        other = generate(changed)
        rows.append(
            {
                "image": image,
                "row": int(row),
                "column": int(column),
                "channel": channel,
                "level": f"{before} to {after}",
                "npcr": metrics.npcr(keys[image], other),
                "uaci": metrics.uaci(keys[image], other),
            }
        )
    return pd.DataFrame(rows)


def in_turns(stacks: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return the order in which several stacks of images take turns, once they are joined."""
    return np.argsort(np.concatenate([range(len(images)) for images in stacks]), kind="stable")


def between_keys(keys: NDArray[np.uint8]) -> pd.DataFrame:
    """Compare every two keys.

    Parameters
    ----------
    keys : numpy.ndarray
        uint8 (n, 256, 256, 3), n >= 2.

    Returns
    -------
    pandas.DataFrame
        One row for each of the n (n - 1) / 2 pairs: ``npcr`` and ``uaci`` in percent, and the
        ``correlation`` of the bytes, NaN where a key is constant.
    """
    flat = keys.reshape(len(keys), -1)
    first, second = np.tril_indices(len(keys), -1)
    deviations = flat.astype(np.float32) - flat.mean(axis=1, dtype=np.float64)[:, None]
    lengths = np.linalg.norm(deviations, axis=1)
    products = (deviations @ deviations.T)[first, second]
    scale = lengths[first] * lengths[second]
    return pd.DataFrame(
        {
            "npcr": [metrics.npcr(flat[i], flat[j]) for i, j in zip(first, second, strict=True)],
            "uaci": [metrics.uaci(flat[i], flat[j]) for i, j in zip(first, second, strict=True)],
            "correlation": np.divide(
                products, scale, out=np.full(len(scale), np.nan), where=scale > 0
            ),
        }
    )


def acceptance_rates(pairs: pd.DataFrame) -> dict[str, float]:
    """Return the shares of pairs of keys that look independent and uniform, in percent.

    Parameters
    ----------
    pairs : pandas.DataFrame
        With ``npcr`` and ``uaci``, and perhaps ``correlation``, of pairs of keys.

    Returns
    -------
    dict of str to float
        For each of these columns, the share inside the acceptance interval at 5 %, in which
        uniform keys are in 95 % of cases.
    """
    intervals = {
        "npcr": metrics.npcr_interval(KEY_BYTES),
        "uaci": metrics.uaci_interval(KEY_BYTES),
        "correlation": metrics.ideal_correlation(KEY_BYTES).interval(),
    }
    return {
        name: 100 * float(np.mean([value in interval for value in pairs[name]]))
        for name, interval in intervals.items()
        if name in pairs
    }


def repeated_windows(keys: NDArray[np.uint8]) -> int:
    """Count the places in keys whose eight bytes also occur at another place.

    Parameters
    ----------
    keys : numpy.ndarray
        uint8 (n, 256, 256, 3). The bytes of a key are taken row by row, from every place on.

    Returns
    -------
    int
        Places, of n times 196,601. Uniform keys of ten million bytes have any in 3 of a million
        cases.
    """
    flat = keys.reshape(len(keys), -1)
    windows = [
        flat[:, start : start + (KEY_BYTES - start) // 8 * 8].copy().view(np.uint64).ravel()
        for start in range(8)
    ]
    ordered = np.sort(np.concatenate(windows))
    same = ordered[1:] == ordered[:-1]
    return int(np.count_nonzero(np.append(same, False) | np.insert(same, 0, False)))


def failures_by_test(battery: Battery) -> pd.DataFrame:
    """Judge each of the fifteen tests of SP 800-22 by its lines, as section 4.2 asks.

    Parameters
    ----------
    battery : dkg.randomness.Battery
        What `dkg.randomness.run_battery` found.

    Returns
    -------
    pandas.DataFrame
        One row for each test (its index): ``lines``, how many the test has; ``outside``, those
        whose proportion of passing keys is below the band; ``not_uniform``, those whose P-values
        are not uniform; and how many may be so, ``outside_allowed`` and ``not_uniform_allowed``:
        none for a test of one or two lines, else the number that uniform bits exceed in 1 case of
        1,000, if lines are independent.
    """
    rows = []
    for test, lines in battery.summary.groupby("test", sort=False):
        lines = lines[lines["n_sequences"] > 0]
        keys = lines["n_sequences"].to_numpy()
        proportion, lower = (lines[name].to_numpy(float) for name in ("proportion", "lower"))
        # The number of keys that pass is whole; the lowest within the band still passes.
        passing = np.ceil(lower * keys - 1e-9)
        fails = np.asarray(stats.binom.cdf(passing - 1, keys, 1 - battery.alpha))
        rows.append(
            {
                "test": test,
                "lines": len(lines),
                "outside": int(np.sum(proportion < lower - 1e-9)),
                "outside_allowed": _allowed(fails),
                "not_uniform": int(np.sum(lines["uniformity_p_value"].to_numpy(float) < 0.0001)),
                "not_uniform_allowed": _allowed(np.full(len(lines), 0.0001)),
            }
        )
    return pd.DataFrame(rows).set_index("test")


def _allowed(chances: NDArray[np.float64]) -> int:
    """Return how many of several lines may fail that each do with a chance of their own."""
    if len(chances) <= 2:
        return 0
    return int(stats.binom.isf(0.001, len(chances), float(np.mean(chances))))
