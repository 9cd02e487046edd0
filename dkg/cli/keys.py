"""``dkg keygen``: keys from seed images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dkg.cli.common import Force, note, seed_files

if TYPE_CHECKING:
    from dkg.keys import KeyGenerator


def keygen(
    seed: Annotated[
        list[Path],
        typer.Option(
            "--seed",
            "-s",
            readable=False,
            help="A seed image (PNG, JPEG, TIFF, NIfTI, DICOM), or a folder of them, taken in the "
            "order of their names. Repeat it for a longer key: each gives 196,608 bytes.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The key file, .png.")],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", "-w", help="A shipped network's name, or a path. Default: the first one."
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            help="paper: the top eight bits, as in the paper. low-order: low-order digits, which "
            "have no structure that is known."
        ),
    ] = "paper",
    exact: Annotated[
        bool,
        typer.Option(
            help="The same key on every machine; or in less than half of the time, but then "
            "another machine may give a few other bytes."
        ),
    ] = True,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    force: Force = False,
) -> None:
    """Make a key from seed images."""
    from tqdm import tqdm

    from dkg import encryption
    from dkg.acceleration.process import keep_freed_memory
    from dkg.keys import KeyGenerator

    encryption.check_output(out, (".png",), force, inputs=seed)
    seeds = _read_seeds(seed_files(seed))
    keep_freed_memory()
    generator = KeyGenerator.load(weights, device=device, exact=exact, output=output)
    keys = np.stack([generator.generate(image) for image in tqdm(seeds, "keys", disable=None)])
    encryption.write_key(
        out,
        keys,
        weights_sha256=generator.sha256,
        weights_public=generator.public,
        output=output,
        exact=exact,
        overwrite=force,
    )
    _report(out, keys, generator)


def _read_seeds(files: list[Path]) -> list[NDArray[np.uint8]]:
    from dkg import data

    seeds = [data.read_image(file) for file in files]
    earlier: dict[bytes, Path] = {}
    for file, image in zip(files, seeds, strict=True):
        first = earlier.setdefault(image.tobytes(), file)
        if first is not file:
            raise ValueError(f"{file}: is the same seed image as {first}, and would repeat its key")
    return seeds


def _report(out: Path, keys: NDArray[np.uint8], generator: "KeyGenerator") -> None:
    from dkg.cipher import key_identifier
    from dkg.metrics import repeated_cells

    typer.echo(
        f"{out}: key {key_identifier(keys)[:16]} of {keys.size:,} bytes from {len(keys)} "
        f"seed image{'s'[: len(keys) > 1]} with {generator.name}"
    )
    if generator.public:
        note(
            f"the weights {generator.name} are public: whoever guesses the seed image has the key. "
            "Use it for study only"
        )
    repeated = repeated_cells(keys)
    if repeated > 0:
        note(
            f"{repeated:.1f}% of the key repeats other parts of it, as happens where a seed image "
            "is flat, such as at a black border. What it encrypts may show through there. Keys "
            "made with --output low-order do not repeat"
        )
