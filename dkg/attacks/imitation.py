"""The paper's imitation attacks: other networks, trained with what leaked (sections III-E, IV-D).

In the paper's experiments an imitator trains a network of its own and makes a key from **the same
seed image** as the victim. So the attacker has more than the leak that names the scenario.
"""

import itertools
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.metrics import normalized_mutual_information

from dkg import domains, metrics
from dkg.attacks.scoring import rank
from dkg.cipher import check_images, xor
from dkg.keys import KeyGenerator

NO_KEY = "no key"
"""Name of the key of zeros: to "decrypt" with it is to look at the ciphertext itself."""

AES = "AES-256-CTR"
"""Name of the control's key, from AES-256 in counter mode under a secret of its own."""

_COLUMNS = {
    "ssim": "SSIM",
    "correlation": "correlation",
    "block_correlation": "|r| of block means",
    "mutual_information": "mutual information",
    "equal_key_bits": "equal key bits (%)",
    "named_by_blocks": "named by blocks (%)",
    "named_by_edges": "named by edges (%)",
}

Network = KeyGenerator | str | os.PathLike[str]
"""A network: loaded, or by its shipped name or the path of its file."""


@dataclass(frozen=True, eq=False)
class Imitation:
    """The result of an imitation attack.

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
        - ``rank_by_blocks``, ``rank_by_edges``: `rank` of the right candidate, from 1.
    candidates : int
        Number of candidates that the ranks are among.
    """

    networks: dict[str, KeyGenerator]
    plain: NDArray[np.uint8]
    keys: dict[str, NDArray[np.uint8]] = field(repr=False)
    numbers: pd.DataFrame
    candidates: int

    def decrypted(
        self, encrypted_with: str, decrypted_with: str, image: int = 0
    ) -> NDArray[np.uint8]:
        """Return a plaintext after encryption with one key and decryption with another.

        The keys are given by their names in `keys`, the plaintext by its number; the result is
        uint8 (256, 256, 3).
        """
        cipher = xor(self.plain[image], self.keys[encrypted_with][image])
        return xor(cipher, self.keys[decrypted_with][image])

    def summary(self) -> pd.DataFrame:
        """Return the numbers of each pair of keys, averaged over the images.

        The table has one row for each ``encrypted_with`` and ``decrypted_with`` (its index), and
        the columns of `numbers`, but ``block_correlation`` as the mean absolute correlation, so
        that signs do not cancel, and for each rank the share of images with rank 1 in percent
        (``named_by_blocks``, ``named_by_edges``; chance gives ``100 / candidates``).
        """
        numbers = self.numbers.assign(block_correlation=self.numbers["block_correlation"].abs())
        for by in ("blocks", "edges"):
            numbers[f"named_by_{by}"] = 100.0 * (numbers[f"rank_by_{by}"] == 1)
        return numbers.groupby(level=["encrypted_with", "decrypted_with"]).mean()

    def about(self) -> pd.DataFrame:
        """Return a row for each network: its name, residual blocks, domain and steps."""
        rows = {}
        for letter, network in self.networks.items():
            trained = network.metadata["training"]
            blocks = network.metadata["architecture"]["residual_blocks"]
            rows[letter] = (network.name, blocks, trained["description"]["domain"], trained["step"])
        return pd.DataFrame(rows, ["name", "residual blocks", "domain", "steps"]).T

    @property
    def pairs(self) -> dict[str, tuple[str, str]]:
        """Pairs of keys by what they are: the right key, wrong ones, no key, and the control.

        Each is the key of encryption and that of decryption; every two networks occur once.
        """
        measured = self.summary().index
        alone = [(name, NO_KEY) for name in self.networks if (name, NO_KEY) in measured]
        control = [(AES, name) for name in self.networks if name != "A"]
        return {
            f"{first if first == AES else f'key {first}'}, then "
            f"{second if second == NO_KEY else f'key {second}'}": (first, second)
            for first, second in [("A", "A"), *self.wrong_pairs, *alone, *control]
        }

    @property
    def wrong_pairs(self) -> list[tuple[str, str]]:
        """Every two different networks that were measured, once, since XOR commutes."""
        measured = self.summary().index
        return [(i, j) for i, j in measured if i < j and {i, j} <= set(self.networks)]

    def leaks(self, encrypted_with: str, decrypted_with: str) -> pd.Series:
        """Return the absolute block correlation of each plaintext and decrypted image, 0 to 1."""
        pair = (encrypted_with, decrypted_with)
        found = self.numbers.xs(pair, level=["encrypted_with", "decrypted_with"])
        return found["block_correlation"].abs()

    def table(self) -> pd.DataFrame:
        """Return the means over the images, a row for each of `pairs`, with columns in words."""
        summary = self.summary()[list(_COLUMNS)].rename(columns=_COLUMNS)
        rows = {name: summary.loc[pair] for name, pair in self.pairs.items()}
        return pd.DataFrame(rows).T.rename_axis("encrypted with, then decrypted with")


def transformation_domain_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: NDArray[np.uint8],
    plain: NDArray[np.uint8],
    *,
    candidates: NDArray[np.uint8] | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with other networks that were trained on the same domain (III-E1, Fig. 8).

    Parameters
    ----------
    victim : KeyGenerator, str or path-like
        Network A, which makes the keys of encryption.
    attackers : mapping of str to the same
        Networks of other structures by name, such as B, C and D, which make the keys of
        decryption.
    seeds : numpy.ndarray
        uint8 (n, 256, 256, 3), the seed images, which the attackers have too. As in the paper.
    plain : numpy.ndarray
        uint8 (n, 256, 256, 3), the plaintexts; plaintext i has the key of seed image i.
    candidates : numpy.ndarray, optional
        uint8 (m, 256, 256, 3) with m >= 3: the images that `rank` ranks; the first n must be the
        plaintexts. Default: the plaintexts.
    seed : int, optional
        Chooses the AES key of the control, in [0, 2**256).

    Returns
    -------
    Imitation
        With the pairs of A and each network, A and `NO_KEY`, and `AES` and each attacker.

    Raises
    ------
    ValueError
        Also if a file does not say which domain its network was trained on.
    FileNotFoundError
        If a network is neither a shipped one nor a file.
    """
    networks = _networks(victim, attackers, same_domain=True, same_structure=False)
    return _imitate(networks, seeds, plain, candidates, seed, victims=["A"])


def structure_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: NDArray[np.uint8],
    plain: NDArray[np.uint8],
    *,
    candidates: NDArray[np.uint8] | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with networks of the same structure, trained on another domain (III-E2, Fig. 9).

    Arguments, result and errors are as for `transformation_domain_leakage`, except that the
    attackers' networks have the victim's structure and another domain.
    """
    networks = _networks(victim, attackers, same_domain=False, same_structure=True)
    return _imitate(networks, seeds, plain, candidates, seed, victims=["A"])


def domain_and_structure_leakage(
    victim: Network,
    attackers: Mapping[str, Network],
    seeds: NDArray[np.uint8],
    plain: NDArray[np.uint8],
    *,
    candidates: NDArray[np.uint8] | None = None,
    seed: int | None = None,
) -> Imitation:
    """Attack with networks trained in the same way as the victim's (III-E3, Fig. 10).

    Arguments, result and errors are as for `transformation_domain_leakage`, except that all
    networks have the same structure and the same domain: only the training's random numbers
    differ. Every network is victim and attacker in turn, so that the pairs are those of every two
    networks, and of every network and `NO_KEY`. Since XOR commutes, encrypting with A and
    decrypting with B gives the same image as the other way round.
    """
    networks = _networks(victim, attackers, same_domain=True, same_structure=True)
    return _imitate(networks, seeds, plain, candidates, seed, victims=[*networks])


def mutual_decryptions(
    plain: NDArray[np.uint8], keys: Mapping[str, NDArray[np.uint8]]
) -> dict[tuple[str, str], NDArray[np.uint8]]:
    """Encrypt an image with every key, and decrypt each ciphertext with every key (Fig. 10).

    The plaintext and the keys are uint8 (height, width, 3). The names of the keys of encryption and
    decryption lead to the decrypted image.
    """
    return {
        (first, second): xor(xor(plain, keys[first]), keys[second])
        for first in keys
        for second in keys
    }


def _networks(
    victim: Network, attackers: Mapping[str, Network], *, same_domain: bool, same_structure: bool
) -> dict[str, KeyGenerator]:
    """Load networks that share what leaked, and do not share what did not."""
    if not attackers:
        raise ValueError("there must be at least one attacker")
    if taken := {"A", NO_KEY, AES} & set(attackers):
        raise ValueError(f"an attacker cannot be named {taken.pop()!r}, the name of another key")
    networks = {
        name: KeyGenerator.load(network) if isinstance(network, str | os.PathLike) else network
        for name, network in {"A": victim, **attackers}.items()
    }
    leaks = {}
    for name, network in networks.items():
        description = network.metadata.get("training", {}).get("description", {})
        if "domain" not in description:
            raise ValueError(
                f"{network.name}: the file does not say which domain the network was trained on"
            )
        leaks[name] = (description["domain"], network.metadata["architecture"])
    for i, (what, same) in enumerate((("domain", same_domain), ("structure", same_structure))):
        for name, network in networks.items():
            victims, others = leaks["A"][i], leaks[name][i]
            if name != "A" and (others == victims) != same:
                raise ValueError(
                    f"in this scenario the attacker's {what} must be "
                    f"{'the same as' if same else 'another than'} the victim's, but "
                    f"{networks['A'].name} has {victims} and {network.name} has {others}"
                )
    return networks


def _imitate(
    networks: dict[str, KeyGenerator],
    seeds: NDArray[np.uint8],
    plain: NDArray[np.uint8],
    candidates: NDArray[np.uint8] | None,
    seed: int | None,
    *,
    victims: list[str],
) -> Imitation:
    candidates = plain if candidates is None else candidates
    for name, images in (("seeds", seeds), ("plain", plain), ("candidates", candidates)):
        check_images(images, name)
    n = len(plain)
    if len(seeds) != n:
        raise ValueError(f"{n} plaintexts need as many seed images, not {len(seeds)}")
    if not np.array_equal(candidates[:n], plain):
        raise ValueError(f"the first {n} candidates must be the plaintexts")
    keys = {name: network.generate_many(seeds) for name, network in networks.items()}
    keys[NO_KEY] = np.zeros_like(plain)
    keys[AES] = domains.aes_ctr(keys[NO_KEY], secrets.randbits(256) if seed is None else seed)

    pairs = [*itertools.product(victims, [*networks, NO_KEY])]
    pairs += [(AES, attacker) for attacker in networks if attacker != "A"]
    numbers = _measure(pairs, plain, keys, candidates)
    return Imitation(networks, plain, keys, numbers, len(candidates))


def _measure(
    pairs: list[tuple[str, str]],
    plain: NDArray[np.uint8],
    keys: dict[str, NDArray[np.uint8]],
    candidates: NDArray[np.uint8],
) -> pd.DataFrame:
    """Measure every plaintext after encryption and decryption with each pair of keys."""
    n = len(plain)
    # XOR commutes, so that one measurement stands for both orders of two keys.
    unique = {frozenset(pair): pair for pair in pairs}
    decrypted = [xor(xor(plain, keys[first]), keys[second]) for first, second in unique.values()]
    stacked = np.concatenate(decrypted)
    right = np.arange(len(stacked)) % n
    ranks = {by: rank(stacked, candidates, right, by).reshape(-1, n) for by in ("blocks", "edges")}
    measured = {}
    for number, (both, (first, second)) in enumerate(unique.items()):
        rows = [
            {
                **_similarity(plain[i], decrypted[number][i]),
                "equal_key_bits": metrics.equal_bits(keys[first][i], keys[second][i]),
                "rank_by_blocks": ranks["blocks"][number, i],
                "rank_by_edges": ranks["edges"][number, i],
            }
            for i in range(n)
        ]
        measured[both] = pd.DataFrame(rows)
    tables = {pair: measured[frozenset(pair)] for pair in pairs}
    return pd.concat(tables, names=["encrypted_with", "decrypted_with", "image"]).sort_index()


def _similarity(plain: NDArray[np.uint8], other: NDArray[np.uint8]) -> dict[str, float]:
    return {
        "ssim": metrics.ssim(plain, other),
        "correlation": float(np.corrcoef(plain.ravel(), other.ravel())[0, 1]),
        "block_correlation": metrics.block_correlation(plain, other),
        "mutual_information": float(normalized_mutual_information(plain, other, bins=256)),
    }
