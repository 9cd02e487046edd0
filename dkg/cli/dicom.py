"""``dkg dicom``: DICOM images encrypted as DICOM images."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from dkg.cli.common import AllowKeyReuse, Force, Key, Registry, note, seed_files, warn_of_reuse
from dkg.cli.keys import keygen

if TYPE_CHECKING:
    from pydicom import Dataset

app = typer.Typer(no_args_is_help=True, help="Encrypt and decrypt DICOM images.")

_KeyOrNone = Annotated[
    Path | None,
    typer.Option(
        "--key",
        "-k",
        readable=False,
        help="The key file. With --seed it is made. Default then: OUT-key.png.",
    ),
]
_Seed = Annotated[
    list[Path] | None,
    typer.Option(
        "--seed",
        "-s",
        readable=False,
        help="Make the key from this seed image, or from a folder of them; repeat it for a "
        "large image. As many are taken as the image needs.",
    ),
]
_Weights = Annotated[
    str | None, typer.Option("--weights", "-w", help="The network for --seed, as in dkg keygen.")
]
_Attributes = Annotated[
    str,
    typer.Option(
        help="keep: the patient's attributes stay readable. basic-profile: they are removed or "
        "replaced as the Basic Application Level Confidentiality Profile (DICOM PS3.15) says. "
        "Decryption brings back all of them."
    ),
]


@app.command("encrypt")
def encrypt_dicom(
    image: Annotated[
        Path, typer.Argument(readable=False, help="A DICOM image, of one frame or several.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The encrypted DICOM image, .dcm.")],
    key: _KeyOrNone = None,
    seed: _Seed = None,
    weights: _Weights = None,
    device: Annotated[str, typer.Option(help="For --seed: auto, cpu or cuda.")] = "auto",
    attributes: _Attributes = "keep",
    registry: Registry = None,
    allow_key_reuse: AllowKeyReuse = False,
    force: Force = False,
) -> None:
    """Encrypt the pixel data: the result is a DICOM image that shows noise."""
    from dkg import dicom
    from dkg.encryption import check_output

    if not key and not seed:
        raise ValueError("a key is needed: give --key KEY, or --seed IMAGE to make one")
    if attributes not in dicom.ATTRIBUTES:
        raise ValueError(f"--attributes is {' or '.join(dicom.ATTRIBUTES)}, not {attributes!r}")
    check_output(out, (".dcm",), force, inputs=(image, *([key] if key else [])))
    with warnings.catch_warnings():
        # Values that break DICOM's rules are kept as they are.
        warnings.filterwarnings("ignore", module="pydicom")
        if seed:
            key = key or out.with_name(f"{out.stem}-key.png")
            files = _seed_files(seed, image)
            keygen(seed=files, out=key, weights=weights, device=device, force=force)
        assert key is not None
        others = dicom.encrypt_file(
            image,
            key,
            out,
            attributes=cast(Literal["keep", "basic-profile"], attributes),
            registry=registry,
            allow_key_reuse=allow_key_reuse,
            overwrite=force,
        )
        original, encrypted = dicom.read(image), dicom.read(out)
        typer.echo(f"{out}: {image} encrypted with {key}")
        if others:
            warn_of_reuse()
        _note_attributes(original, encrypted, keep=attributes == "keep")


@app.command("decrypt")
def decrypt_dicom(
    image: Annotated[
        Path, typer.Argument(readable=False, help="The image, made by dkg dicom encrypt.")
    ],
    key: Key,
    out: Annotated[Path, typer.Option("--out", "-o", help="The original DICOM file, .dcm.")],
    force: Force = False,
) -> None:
    """Bring back the original DICOM file, byte for byte, or refuse."""
    from dkg import dicom

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        dicom.decrypt_file(image, key, out, overwrite=force)
    typer.echo(f"{out}: {image} decrypted with {key}")


def _seed_files(seed: list[Path], image: Path) -> list[Path]:
    """Return as many seed images as a DICOM image needs keys."""
    from dkg import dicom

    files = seed_files(seed)
    needed = dicom.keys_needed(dicom.read(image))
    if len(files) < needed:
        raise ValueError(
            f"{image}: needs {needed} keys, one from each seed image, and there "
            f"{'is' if len(files) == 1 else 'are'} {len(files)}"
        )
    return files[:needed]


def _note_attributes(original: "Dataset", encrypted: "Dataset", *, keep: bool) -> None:
    """Say which attributes stay readable and which do not."""
    from dkg import dicom

    identifying = dicom.identifying_attributes(original)
    withdrawn = dicom.withdrawn_attributes(original, encrypted)
    if keep:
        readable = [name for name in dicom.identifying_attributes(encrypted) if name in identifying]
        note(
            f"patient attributes stay readable: {', '.join(readable) or 'there are none'}. "
            "--attributes basic-profile removes them"
        )
    else:
        withdrawn = [name for name in withdrawn if name not in identifying]
        note(
            f"removed or replaced as the basic profile of PS3.15 {dicom.PROFILE_EDITION} says: "
            f"{', '.join(identifying) or 'nothing'}"
        )
    if withdrawn:
        private = sum(name.startswith("(") for name in withdrawn)
        names = [name for name in dict.fromkeys(withdrawn) if not name.startswith("(")]
        note(
            "not readable either, as it may show the image: "
            + ", ".join([*names, *([f"{private} private elements"] if private else [])])
        )
