"""The result of an evaluation: a table, figures, a verdict, and a report."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dkg.evaluation.outcomes import Attacked, Measured
from dkg.evaluation.protocol import Image
from dkg.evaluation.verdict import Verdict, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = {
    "value": float,
    "low": float,
    "high": float,
    "ideal": float,
    "ideal_low": float,
    "ideal_high": float,
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `dkg.evaluation.bench.evaluate` returns.

    Attributes
    ----------
    cipher : str
        The cipher's name.
    statements : tuple of str
        What the check of the cipher found worth saying.
    measured : tuple of Measured
        The measures, in the report's order.
    attacked : tuple of Attacked
        The attacks.
    times : tuple of Measured
        Speeds: the only part that differs between two runs with one random seed.
    not_measured : tuple of tuple of str
        Names of measures and attacks that could not be run, and what they need.
    shapes : tuple of tuple of int
        The shape of each image.
    seed : int
        The random seed.
    examples : tuple of tuple of numpy.ndarray
        Up to three images with their ciphertexts.
    """

    cipher: str
    statements: tuple[str, ...]
    measured: tuple[Measured, ...]
    attacked: tuple[Attacked, ...]
    times: tuple[Measured, ...]
    not_measured: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[int, ...], ...]
    seed: int
    examples: tuple[tuple[Image, Image], ...] = ()

    @cached_property
    def table(self) -> pd.DataFrame:
        """Measures and attacks without times, a row each.

        The columns are ``kind`` (``"measure"`` or ``"attack"``), ``group``, ``name``, ``value``
        with the 95 % interval of its mean in ``low`` and ``high``, ``ideal`` with ``ideal_low`` and
        ``ideal_high`` (for an attack the interval of chance), ``unit``, ``n``, ``outcome``
        (``"as uniform bytes"`` or ``"not as uniform bytes"``; ``"succeeded"`` or ``"failed"``;
        empty where there is none) and ``where``: what was measured, or the attack's sentence.
        """
        rows = [_measure_row(row) for row in self.measured]
        rows += [_attack_row(attack) for attack in self.attacked]
        columns = ["kind", "group", "name", *_COLUMNS, "unit", "n", "outcome", "where"]
        return pd.DataFrame(rows, columns=columns).astype(_COLUMNS)

    @cached_property
    def verdict(self) -> Verdict:
        """What the measures say, and what the attacks say."""
        return judge(self.measured, self.attacked)

    @property
    def figures(self) -> "dict[str, Figure]":
        """New figures by name: ``"histograms"``, ``"measures"`` and ``"attacks"``, if not empty."""
        from dkg import plots
        from dkg.evaluation.report import drawable

        figures = {}
        if self.examples:
            pairs = {
                f"image {i}": (drawable(plain), drawable(hidden))
                for i, (plain, hidden) in enumerate(self.examples, 1)
            }
            figures["histograms"] = plots.plain_and_cipher_histograms(pairs)
        drawn = self.table.dropna(subset=["value", "ideal_low", "ideal_high"])
        for kind, name in (("measure", "measures"), ("attack", "attacks")):
            rows = drawn[drawn["kind"] == kind]
            if len(rows):
                figures[name] = plots.beside_chance(rows)
        return figures

    def report(
        self, path: str | os.PathLike[str], *, latex: bool = False, overwrite: bool = False
    ) -> list[Path]:
        """Write the report into a folder, which is made.

        Parameters
        ----------
        path : path-like
            The folder.
        latex : bool, default False
            Whether to write ``table.tex`` too, a table for a paper (packages booktabs and
            longtable).
        overwrite : bool, default False
            Whether an earlier report in the folder may be replaced.

        Returns
        -------
        list of pathlib.Path
            ``report.html``, a page that needs no other file, ``outcomes.csv`` and ``outcomes.json``
            without times, and ``times.json`` where there are times.

        Raises
        ------
        FileExistsError
            If the folder holds a report already, unless asked to overwrite it.
        OSError
            If the folder cannot be written to.
        """
        from dkg.evaluation import report

        return report.write(self, Path(path), latex=latex, overwrite=overwrite)


def _measure_row(row: Measured) -> dict[str, object]:
    words = {True: "as uniform bytes", False: "not as uniform bytes", None: ""}
    return {
        "kind": "measure",
        "group": row.group,
        "name": row.name,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "ideal": row.ideal,
        "ideal_low": row.ideal_low,
        "ideal_high": row.ideal_high,
        "unit": row.unit,
        "n": row.n,
        "outcome": words[row.looks_random],
        "where": row.where,
    }


def _attack_row(attack: Attacked) -> dict[str, object]:
    words = {True: "succeeded", False: "failed", None: ""}
    return {
        "kind": "attack",
        "group": attack.group,
        "name": attack.name,
        "value": attack.score,
        "low": attack.low,
        "high": attack.high,
        "ideal": None,
        "ideal_low": attack.chance_low,
        "ideal_high": attack.chance_high,
        "unit": attack.unit,
        "n": attack.n,
        "outcome": words[attack.succeeded],
        "where": attack.sentence,
    }
