"""``dkg encrypt`` and ``dkg decrypt``: images of any size."""

from pathlib import Path
from typing import Annotated

import typer

from dkg.cli.common import AllowKeyReuse, Force, Key, Registry, warn_of_reuse


def encrypt(
    image: Annotated[
        Path,
        typer.Argument(
            readable=False, help="A gray or RGB image of 8 or 16 bits: PNG, TIFF or JPEG."
        ),
    ],
    key: Key,
    out: Annotated[Path, typer.Option("--out", "-o", help="The ciphertext, .png.")],
    registry: Registry = None,
    allow_key_reuse: AllowKeyReuse = False,
    force: Force = False,
) -> None:
    """Encrypt an image of any size."""
    from dkg.encryption import encrypt_file

    others = encrypt_file(
        image, key, out, registry=registry, allow_key_reuse=allow_key_reuse, overwrite=force
    )
    typer.echo(f"{out}: {image} encrypted with {key}")
    if others:
        warn_of_reuse()


def decrypt(
    ciphertext: Annotated[
        Path, typer.Argument(readable=False, help="The ciphertext, made by dkg encrypt.")
    ],
    key: Key,
    out: Annotated[Path, typer.Option("--out", "-o", help="The image, .png or .tif.")],
    force: Force = False,
) -> None:
    """Decrypt to exactly the samples that were encrypted, or refuse."""
    from dkg.encryption import decrypt_file

    decrypt_file(ciphertext, key, out, overwrite=force)
    typer.echo(f"{out}: {ciphertext} decrypted with {key}")
