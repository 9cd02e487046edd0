"""``dkg keygen``, ``encrypt``, ``decrypt`` and ``dicom``: keys, and the images they encrypt."""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import numpy as np
import typer
from numpy.typing import NDArray
from typer import Argument, Option

from dkg.cli.common import note

if TYPE_CHECKING:
    from pydicom import Dataset

    from dkg.keys import KeyGenerator

dicom_app = typer.Typer(no_args_is_help=True, help="Encrypt and decrypt DICOM images.")

# Inputs have readable=False, or typer would report an unreadable file as wrong usage.
Key = Annotated[
    Path, Option("--key", "-k", readable=False, help="The key file, made by dkg keygen.")
]
Force = Annotated[bool, Option("--force", help="Replace an existing output file.")]
Registry = Annotated[
    Path | None,
    Option(
        envvar="DKG_REGISTRY",
        readable=False,
        help="A file that records used keys for several folders; there is one beside each key.",
    ),
]
AllowKeyReuse = Annotated[
    bool, Option("--allow-key-reuse", help="Encrypt a second image with a used key. Unsafe.")
]

AcceptVersion1 = Annotated[
    bool,
    Option(
        "--accept-version-1",
        help="Decrypt a file of format version 1 with a key of version 2, such as one that was "
        "made again. An attacker who knows the plain image of such a file can forge it.",
    ),
]


def keygen(
    seed: Annotated[
        list[Path],
        Option(
            "--seed",
            "-s",
            readable=False,
            help="A seed image (PNG, JPEG, TIFF, NIfTI, DICOM), or a folder of them, taken in the "
            "order of their names. Repeat it for a longer key: each gives 196,608 bytes.",
        ),
    ],
    out: Annotated[Path, Option("--out", "-o", help="The key file, .png.")],
    weights: Annotated[
        str | None,
        Option(
            "--weights", "-w", help="A shipped network's name, or a path. Default: the first one."
        ),
    ] = None,
    output: Annotated[
        str,
        Option(
            help="paper: the top eight bits, as in the paper. low-order: low-order digits, which "
            "have no structure that is known."
        ),
    ] = "paper",
    exact: Annotated[
        bool,
        Option(
            help="The same key on every machine; or in less than half of the time, but then "
            "another machine may give a few other bytes."
        ),
    ] = True,
    device: Annotated[str, Option(help="auto, cpu or cuda.")] = "auto",
    force: Force = False,
) -> None:
    """Make a key from seed images."""
    from tqdm import tqdm

    from dkg import encryption
    from dkg.acceleration.process import keep_freed_memory
    from dkg.keys import KeyGenerator

    encryption.check_output(out, (".png",), force, inputs=seed)
    seeds = _read_seeds(_seed_files(seed))
    keep_freed_memory()
    generator = KeyGenerator.load(weights, device=device, exact=exact, output=output)
    keys = np.empty_like(seeds)
    for number, image in enumerate(tqdm(seeds, "keys", disable=None)):
        keys[number] = generator.generate(image)
    encryption.write_key(
        out,
        keys,
        weights_sha256=generator.sha256,
        weights_public=generator.public,
        output=output,
        exact=exact,
        secret=encryption.tag_secret(seeds, generator.sha256),
        overwrite=force,
    )
    _report(out, keys, generator)


def _read_seeds(files: list[Path]) -> NDArray[np.uint8]:
    from dkg import data
    from dkg.cipher import KEY_SHAPE

    seeds = np.empty((len(files), *KEY_SHAPE), np.uint8)
    earlier: dict[bytes, Path] = {}
    for number, file in enumerate(files):
        seeds[number] = data.read_image(file)
        first = earlier.setdefault(hashlib.sha256(seeds[number]).digest(), file)
        if first is not file:
            raise ValueError(f"{file}: is the same seed image as {first}, and would repeat its key")
    return seeds


def _report(out: Path, keys: NDArray[np.uint8], generator: "KeyGenerator") -> None:
    from dkg.encryption import key_identifier
    from dkg.metrics import repeated_cells

    typer.echo(
        f"{out}: key {key_identifier(keys)[:16]} of {keys.size:,} bytes from {len(keys)} "
        f"seed image{'s'[: len(keys) > 1]} with {generator.name}"
    )
    if generator.public:
        note(
            f"the weights {generator.name} are public: anyone who guesses the seed image has the "
            "key. Use it for study only"
        )
    repeated = repeated_cells(keys)
    if repeated > 0:
        note(
            f"{repeated:.1f}% of the key repeats other parts of it, as happens where a seed image "
            "is flat, such as at a black border. What it encrypts may show through there. Keys "
            "made with --output low-order do not repeat"
        )


def encrypt(
    image: Annotated[
        Path,
        Argument(readable=False, help="A gray or RGB image of 8 or 16 bits: PNG, TIFF or JPEG."),
    ],
    key: Key,
    out: Annotated[Path, Option("--out", "-o", help="The ciphertext, .png.")],
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
        _warn_of_reuse()


def decrypt(
    ciphertext: Annotated[
        Path, Argument(readable=False, help="The ciphertext, made by dkg encrypt.")
    ],
    key: Key,
    out: Annotated[Path, Option("--out", "-o", help="The image, .png or .tif.")],
    accept_version_1: AcceptVersion1 = False,
    force: Force = False,
) -> None:
    """Decrypt to exactly the samples that were encrypted, or refuse."""
    from dkg.encryption import decrypt_file

    decrypt_file(ciphertext, key, out, accept_version_1=accept_version_1, overwrite=force)
    typer.echo(f"{out}: {ciphertext} decrypted with {key}")


_Seed = Annotated[
    list[Path] | None,
    Option(
        "--seed",
        "-s",
        readable=False,
        help="Make the key from this seed image, or from a folder of them; repeat it for a "
        "large image. As many are taken as the image needs.",
    ),
]
_Attributes = Annotated[
    str,
    Option(
        help="keep: the patient's attributes stay readable. basic-profile: they are removed or "
        "replaced as the Basic Application Level Confidentiality Profile (DICOM PS3.15) says. "
        "Decryption brings back all of them."
    ),
]


@contextmanager
def _removed_on_failure(path: Path | None) -> Iterator[None]:
    """Remove a key that was made for an image that could not be encrypted."""
    try:
        yield
    except BaseException:
        # The same seed images make the key again, and a key that is there would be in the way.
        if path:
            path.unlink(missing_ok=True)
        raise


@dicom_app.command("encrypt")
def encrypt_dicom(
    image: Annotated[
        Path, Argument(readable=False, help="A DICOM image, of one frame or several.")
    ],
    out: Annotated[Path, Option("--out", "-o", help="The encrypted DICOM image, .dcm.")],
    key: Annotated[
        Path | None,
        Option(
            "--key",
            "-k",
            readable=False,
            help="The key file. With --seed it is made. Default then: OUT-key.png.",
        ),
    ] = None,
    seed: _Seed = None,
    weights: Annotated[
        str | None, Option("--weights", "-w", help="The network for --seed, as in dkg keygen.")
    ] = None,
    device: Annotated[str, Option(help="For --seed: auto, cpu or cuda.")] = "auto",
    attributes: _Attributes = "keep",
    registry: Registry = None,
    allow_key_reuse: AllowKeyReuse = False,
    force: Force = False,
) -> None:
    """Encrypt the pixel data: the result is a DICOM image that shows noise."""
    from dkg import dicom
    from dkg.encryption import check_output
    from dkg.encryption.png_files import read as read_file

    if not key and not seed:
        raise ValueError("a key is needed: give --key KEY, or --seed IMAGE to make one")
    if attributes not in dicom.ATTRIBUTES:
        raise ValueError(f"--attributes is {' or '.join(dicom.ATTRIBUTES)}, not {attributes!r}")
    check_output(out, (".dcm",), force, inputs=(image, *([key] if key else [])))
    with warnings.catch_warnings():
        # Values that break DICOM's rules are kept as they are.
        warnings.filterwarnings("ignore", module="pydicom")
        key = key or out.with_name(f"{out.stem}-key.png")
        content = read_file(image)  # Once, as it may be a pipe.
        original = dicom.read(image, content, view_pixels=True)
        with _removed_on_failure(None if key.exists() else key):
            if seed:
                files = _dicom_seeds(seed, image, original)
                keygen(seed=files, out=key, weights=weights, device=device, force=force)
            others = dicom.encrypt_file(
                image,
                key,
                out,
                content=content,
                attributes=cast(Literal["keep", "basic-profile"], attributes),
                registry=registry,
                allow_key_reuse=allow_key_reuse,
                overwrite=force,
            )
        encrypted = dicom.read(out, view_pixels=True)
        typer.echo(f"{out}: {image} encrypted with {key}")
        if others:
            _warn_of_reuse()
        _note_attributes(original, encrypted, keep=attributes == "keep")


@dicom_app.command("decrypt")
def decrypt_dicom(
    image: Annotated[Path, Argument(readable=False, help="The image, made by dkg dicom encrypt.")],
    key: Key,
    out: Annotated[Path, Option("--out", "-o", help="The original DICOM file, .dcm.")],
    accept_version_1: AcceptVersion1 = False,
    force: Force = False,
) -> None:
    """Bring back the original DICOM file, byte for byte, or refuse."""
    from dkg import dicom

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        dicom.decrypt_file(image, key, out, accept_version_1=accept_version_1, overwrite=force)
    typer.echo(f"{out}: {image} decrypted with {key}")


def _dicom_seeds(seed: list[Path], image: Path, dataset: "Dataset") -> list[Path]:
    """Return as many seed images as a DICOM image needs keys."""
    from dkg import dicom

    files = _seed_files(seed)
    try:
        needed = dicom.keys_needed(dataset)
    except ValueError as error:
        raise ValueError(f"{image}: {error}") from error
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


def _seed_files(seed: list[Path]) -> list[Path]:
    """Return the seed images, those of a folder in the order of their names."""
    files = []
    for path in seed:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")]
        if not inside:
            raise ValueError(f"{path}: the folder holds no seed image")
        files += sorted(inside)
    return files


def _warn_of_reuse() -> None:
    """Say what it means that a key has encrypted another image before."""
    typer.echo(
        "Warning: this key has encrypted another image, or this one in another way, before. The "
        "XOR of two ciphertexts under one key is the XOR of the two plain images, which shows "
        "both; and an attacker who knows one of the images can decrypt the other.",
        err=True,
    )
