"""``dkg evaluate``: measures and attacks of any image cipher."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from typer import Argument, Option

from dkg.cli.common import note, stoppable

if TYPE_CHECKING:
    from dkg.evaluation.evaluation import Evaluation

_PHANTOMS = 8

_Paths = list[Path] | None


_Cipher = Annotated[
    str | None,
    Argument(help="FILE.py:CLASS, or a built-in cipher such as aes-256-ctr or deepkeygen."),
]
_Images = Annotated[
    _Paths,
    Option("--images", help="A folder of images, or an image. Repeat it. Default: phantoms."),
]
_Ciphertexts = Annotated[
    _Paths,
    Option(
        "--ciphertexts",
        help="Instead of a cipher: a folder of its ciphertexts, PNG, TIFF, or bytes in .bin and "
        ".raw files, named like their plaintexts. Repeat it.",
    ),
]
_Plaintexts = Annotated[
    _Paths, Option("--plaintexts", help="The plaintexts of the ciphertexts. Repeat it.")
]
_OneKey = Annotated[bool, Option("--one-key", help="All of these ciphertexts are under one key.")]
_Output = Annotated[Path, Option("--output", "-o", help="The folder of the report.")]
_Measures = Annotated[
    list[str] | None,
    Option(
        "--measures",
        help="Families of measures, such as histogram,texture, or none. Repeat it. Default: all.",
    ),
]
_Attacks = Annotated[
    list[str] | None,
    Option(
        "--attacks",
        help="Attacks, such as averaging,determinism, or none. Repeat it. Default: all but those "
        "that train a network.",
    ),
]
_First = Annotated[int | None, Option("--n", min=1, help="Use only the first N images.")]
_Jobs = Annotated[int, Option(min=1, help="Threads.")]
_RandomSeed = Annotated[
    int | None,
    Option(min=0, help="The same one gives the same numbers, but for times. Default: a new one."),
]
_Latex = Annotated[bool, Option("--latex", help="Also write table.tex, a table for a paper.")]
_Force = Annotated[bool, Option("--force", help="Replace an earlier report in the folder.")]


def evaluate(
    cipher: _Cipher = None,
    images: _Images = None,
    ciphertexts: _Ciphertexts = None,
    plaintexts: _Plaintexts = None,
    one_key: _OneKey = False,
    output: _Output = Path("report"),
    measures: _Measures = None,
    attacks: _Attacks = None,
    n: _First = None,
    jobs: _Jobs = 1,
    random_seed: _RandomSeed = None,
    latex: _Latex = False,
    force: _Force = False,
) -> None:
    """Measure an image cipher beside uniform bytes, attack it, and write a report."""
    if (cipher is None) == (not ciphertexts):
        raise ValueError("give either a cipher, such as my_cipher.py:MyCipher, or --ciphertexts")
    if cipher is None and images:
        raise ValueError("--images is for a cipher; ciphertexts have --plaintexts")
    if cipher is not None and (plaintexts or one_key):
        raise ValueError("--plaintexts and --one-key are for --ciphertexts")
    if (output / "report.html").exists() and not force:
        raise ValueError(f"{output} holds a report already; --force replaces it")
    if output.exists() and not output.is_dir():
        raise NotADirectoryError(f"{output} is a file, not a folder for the report")
    from dkg.evaluation import bench

    families, tried = _names(measures), _names(attacks)
    with stoppable(lambda: "nothing is written"):
        if cipher is not None:
            result = bench.evaluate(
                cipher,
                _images(images, n),
                measures=families,
                attacks=tried,
                seed=random_seed,
                jobs=jobs,
            )
        else:
            hidden, plain = _pairs(ciphertexts or [], plaintexts, n)
            result = bench.evaluate_ciphertexts(
                hidden,
                plain,
                one_key=one_key,
                measures=families,
                attacks=tried,
                seed=random_seed,
                jobs=jobs,
            )
        written = result.report(output, latex=latex, overwrite=True)
    _print(result)
    typer.echo(written[0])


def _names(given: list[str] | None) -> list[str] | None:
    """Return the names of an option that is repeated or has commas; ``none`` for no name."""
    if not given:
        return None
    names = [name.strip() for part in given for name in part.split(",") if name.strip()]
    return [] if names == ["none"] else names


def _images(paths: _Paths, n: int | None) -> list[NDArray[np.uint8]]:
    from dkg import data
    from dkg.evaluation.files import read_images

    if not paths:
        n = n or _PHANTOMS
        note(f"no --images: {n} synthetic ultrasound image{'s'[: n > 1]} instead")
        return list(data.synthetic("ultrasound", n).images)
    return list(read_images(paths, n).values())


def _pairs(
    ciphertexts: list[Path], plaintexts: _Paths, n: int | None
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]] | None]:
    """Read ciphertexts and, in the same order, their plaintexts."""
    from dkg.evaluation.files import read_ciphertexts, read_images

    if not plaintexts:
        return list(read_ciphertexts(ciphertexts).values())[:n], None
    plain = read_images(plaintexts)
    hidden = read_ciphertexts(ciphertexts, plain)
    names = list(plain)[:n]
    return [hidden[name] for name in names], [plain[name] for name in names]


def _print(result: "Evaluation") -> None:
    """Print the verdict, and what lies outside."""
    from dkg.evaluation.report import interval, number, scale_of

    verdict = result.verdict
    typer.echo(f"{result.cipher}, random seed {result.seed}")
    for statement in result.statements:
        typer.echo(f"  {statement}")
    typer.echo(f"Measures: {verdict.measures}")
    for row in verdict.outside:
        scale = scale_of(row.value, row.ideal_low, row.ideal_high)
        expected = interval(row.ideal_low, row.ideal_high, scale)
        value = number(row.value, row.unit, scale)
        typer.echo(f"  {row.name:<44}{value:>18}   uniform: {expected}")
    typer.echo(f"Attacks: {verdict.attacks}")
    for attack in verdict.succeeded:
        typer.echo(f"  {attack.name}: {attack.sentence}")
    typer.echo(verdict.together)
    for name, needs in result.not_measured:
        typer.echo(f"Not measured: {name}, {needs}")
