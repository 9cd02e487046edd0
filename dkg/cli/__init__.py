"""The ``dkg`` command.

What a command needs is imported inside it, so that ``dkg --help`` and the commands without a
network start fast. Expected errors become one line on stderr and exit status 1.
"""

import json
import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dkg import __version__

REUSE = (
    "this key has encrypted another image before. The XOR of two ciphertexts under one key is the "
    "XOR of the two plain images, which shows both; and whoever knows one of the images can "
    "decrypt the other."
)


class _Commands(typer.core.TyperGroup):
    """Report what a user can mend in one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, ValueError) as error:
            message = str(error)
            if isinstance(error, OSError) and error.filename and error.strerror:
                message = f"{error.filename}: {error.strerror}"
            typer.echo(f"Error: {message}", err=True)
            raise typer.Exit(1) from error
        except (MemoryError, RuntimeError) as error:
            # Torch has its own errors, for the processor's memory without a class of their own,
            # and oneDNN below it does not say what a primitive could not be created for.
            words = ("memory", "could not create a primitive")
            if isinstance(error, RuntimeError) and not any(word in str(error) for word in words):
                raise
            typer.echo(f"Error: not enough memory: {error}".splitlines()[0], err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)

dicom_app = typer.Typer(no_args_is_help=True, help="Encrypt and decrypt DICOM images.")
app.add_typer(dicom_app, name="dicom")

# Inputs have readable=False, or typer would report an unreadable file as wrong usage.
_KEY = Annotated[
    Path, typer.Option("--key", "-k", readable=False, help="The key file, made by dkg keygen.")
]
_FORCE = Annotated[bool, typer.Option("--force", help="Replace an existing output file.")]
_REGISTRY = Annotated[
    Path | None,
    typer.Option(
        envvar="DKG_REGISTRY",
        readable=False,
        help="A file that records used keys for several folders; there is one beside each key.",
    ),
]


def _note(text: str) -> None:
    typer.echo(f"Note: {text}", err=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dkg {__version__}")
        raise typer.Exit()


def _print_settings(wanted: bool) -> None:
    if wanted:
        from dkg.training import TrainConfig

        for name, default, source in TrainConfig.describe():
            typer.echo(f"{name:20} {default!s:12} {source}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """DeepKeyGen: a seed image becomes a key, and the key encrypts an image.

    For study. The paper's cipher is reproduced here, with its weaknesses.
    """


@app.command()
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
    force: _FORCE = False,
) -> None:
    """Make a key from seed images."""
    from tqdm import tqdm

    from dkg import cipher, data
    from dkg.keys import KeyGenerator

    cipher.check_output(out, (".png",), force, inputs=seed)
    files = [file for path in seed for file in _seed_files(path)]
    seeds = [data.read_image(file) for file in files]
    earlier: dict[bytes, Path] = {}
    for file, image in zip(files, seeds, strict=True):
        pixels = image.tobytes()
        if pixels in earlier:
            raise ValueError(
                f"{file}: is the same seed image as {earlier[pixels]}, and would repeat its key"
            )
        earlier[pixels] = file
    generator = KeyGenerator.load(weights, device=device, exact=exact, output=output)
    keys = np.stack([generator.generate(image) for image in tqdm(seeds, "keys", disable=None)])
    cipher.write_key(
        out,
        keys,
        weights_sha256=generator.sha256,
        weights_public=generator.public,
        output=output,
        exact=exact,
        overwrite=force,
    )
    typer.echo(
        f"{out}: key {cipher.key_identifier(keys)[:16]} of {keys.size:,} bytes from {len(keys)} "
        f"seed image{'s'[: len(keys) > 1]} with {generator.name}"
    )
    if generator.public:
        _note(
            f"the weights {generator.name} are public: whoever guesses the seed image has the key. "
            "Use it for study only"
        )
    repeated = _repeated_share(keys)
    if repeated > 0:
        _note(
            f"{repeated:.1%} of the key repeats other parts of it, as happens where a seed image "
            "is flat, such as at a black border. What it encrypts may show through there. Keys "
            "made with --output low-order do not repeat"
        )


@app.command()
def encrypt(
    image: Annotated[
        Path,
        typer.Argument(
            readable=False, help="A gray or RGB image of 8 or 16 bits: PNG, TIFF or JPEG."
        ),
    ],
    key: _KEY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The ciphertext, .png.")],
    registry: _REGISTRY = None,
    allow_key_reuse: Annotated[
        bool,
        typer.Option("--allow-key-reuse", help="Encrypt a second image with a used key. Unsafe."),
    ] = False,
    force: _FORCE = False,
) -> None:
    """Encrypt an image of any size."""
    from dkg import cipher

    others = cipher.encrypt_file(
        image, key, out, registry=registry, allow_key_reuse=allow_key_reuse, overwrite=force
    )
    typer.echo(f"{out}: {image} encrypted with {key}")
    if others:
        typer.echo(f"Warning: {REUSE}", err=True)


@app.command()
def decrypt(
    ciphertext: Annotated[
        Path, typer.Argument(readable=False, help="The ciphertext, made by dkg encrypt.")
    ],
    key: _KEY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The image, .png or .tif.")],
    force: _FORCE = False,
) -> None:
    """Decrypt to exactly the samples that were encrypted, or refuse."""
    from dkg import cipher

    cipher.decrypt_file(ciphertext, key, out, overwrite=force)
    typer.echo(f"{out}: {ciphertext} decrypted with {key}")


@dicom_app.command("encrypt")
def encrypt_dicom(
    image: Annotated[
        Path, typer.Argument(readable=False, help="A DICOM image, of one frame or several.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The encrypted DICOM image, .dcm.")],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            "-k",
            readable=False,
            help="The key file. With --seed it is made. Default then: OUT-key.png.",
        ),
    ] = None,
    seed: Annotated[
        list[Path] | None,
        typer.Option(
            "--seed",
            "-s",
            readable=False,
            help="Make the key from this seed image, or from a folder of them; repeat it for a "
            "large image. As many are taken as the image needs.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", "-w", help="The network for --seed, as in dkg keygen."),
    ] = None,
    device: Annotated[str, typer.Option(help="For --seed: auto, cpu or cuda.")] = "auto",
    attributes: Annotated[
        str,
        typer.Option(
            help="keep: the patient's attributes stay readable. basic-profile: they are removed or "
            "replaced as the Basic Application Level Confidentiality Profile (DICOM PS3.15) says. "
            "Decryption brings back all of them."
        ),
    ] = "keep",
    registry: _REGISTRY = None,
    allow_key_reuse: Annotated[
        bool,
        typer.Option("--allow-key-reuse", help="Encrypt a second image with a used key. Unsafe."),
    ] = False,
    force: _FORCE = False,
) -> None:
    """Encrypt the pixel data: the result is a DICOM image that shows noise."""
    from dkg import cipher, dicom

    if not key and not seed:
        raise ValueError("a key is needed: give --key KEY, or --seed IMAGE to make one")
    if attributes not in dicom.ATTRIBUTES:
        raise ValueError(f"--attributes is {' or '.join(dicom.ATTRIBUTES)}, not {attributes!r}")
    cipher.check_output(out, (".dcm",), force, inputs=(image, *([key] if key else [])))
    with warnings.catch_warnings():
        # Values that break DICOM's rules are kept as they are.
        warnings.filterwarnings("ignore", module="pydicom")
        if seed:
            files = [file for path in seed for file in _seed_files(path)]
            needed = dicom.keys_needed(dicom.read(image))
            if len(files) < needed:
                raise ValueError(
                    f"{image}: needs {needed} keys, one from each seed image, and there "
                    f"{'is' if len(files) == 1 else 'are'} {len(files)}"
                )
            key = key or out.with_name(f"{out.stem}-key.png")
            keygen(seed=files[:needed], out=key, weights=weights, device=device, force=force)
        others = dicom.encrypt_file(
            image,
            key,
            out,
            attributes=attributes,
            registry=registry,
            allow_key_reuse=allow_key_reuse,
            overwrite=force,
        )
        original, encrypted = dicom.read(image), dicom.read(out)
        identifying = dicom.identifying_attributes(original)
        withdrawn = dicom.withdrawn_attributes(original, encrypted)
    typer.echo(f"{out}: {image} encrypted with {key}")
    if others:
        typer.echo(f"Warning: {REUSE}", err=True)
    if attributes == "keep":
        readable = [name for name in dicom.identifying_attributes(encrypted) if name in identifying]
        _note(
            f"patient attributes stay readable: {', '.join(readable) or 'there are none'}. "
            "--attributes basic-profile removes them"
        )
    else:
        withdrawn = [name for name in withdrawn if name not in identifying]
        _note(
            f"removed or replaced as the basic profile of PS3.15 {dicom.PROFILE_EDITION} says: "
            f"{', '.join(identifying) or 'nothing'}"
        )
    if withdrawn:
        private = sum(name.startswith("(") for name in withdrawn)
        names = [name for name in dict.fromkeys(withdrawn) if not name.startswith("(")]
        _note(
            "not readable either, as it may show the image: "
            + ", ".join([*names, *([f"{private} private elements"] if private else [])])
        )


@dicom_app.command("decrypt")
def decrypt_dicom(
    image: Annotated[
        Path, typer.Argument(readable=False, help="The image, made by dkg dicom encrypt.")
    ],
    key: _KEY,
    out: Annotated[Path, typer.Option("--out", "-o", help="The original DICOM file, .dcm.")],
    force: _FORCE = False,
) -> None:
    """Bring back the original DICOM file, byte for byte, or refuse."""
    from dkg import dicom

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        dicom.decrypt_file(image, key, out, overwrite=force)
    typer.echo(f"{out}: {image} decrypted with {key}")


@app.command()
def analyze(
    files: Annotated[
        list[Path],
        typer.Argument(readable=False, help="Keys, ciphertexts or 8-bit images; two are compared."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    randomness: Annotated[
        bool,
        typer.Option("--randomness", help="Run NIST SP 800-22 on each file, too."),
    ] = False,
) -> None:
    """Measure keys and images, beside what ideal random bytes would give."""
    from dkg import cipher

    images = [cipher.read_samples(file) for file in files]
    kinds = [cipher.kind(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.dtype != np.uint8:
            raise ValueError(f"{file}: the measures are for 8-bit samples, not {image.dtype}")
    tables = [
        {"files": [str(file)], "kinds": [kind], "shape": image.shape, "measures": _measure(image)}
        for file, kind, image in zip(files, kinds, images, strict=True)
    ]
    if randomness:
        for table, image in zip(tables, images, strict=True):
            table["randomness"] = _test_randomness(image)
    if len(files) == 2:
        if images[0].shape == images[1].shape:
            uniform = "image" not in kinds
            tables.append(
                {
                    "files": [str(file) for file in files],
                    "kinds": kinds,
                    "shape": images[0].shape,
                    "measures": _compare(*images, uniform=uniform),
                }
            )
        else:
            _note(
                f"{files[0]} and {files[1]} are not compared: their shapes are {images[0].shape} "
                f"and {images[1].shape}"
            )
    if as_json:
        typer.echo(json.dumps(tables, indent=2, allow_nan=False))
        return
    for table in tables:
        _print_table(table)
    typer.echo(
        "Ideal: independent, uniform bytes; they lie outside an interval in 5 % of all cases.\n"
        "A measure inside its interval is no proof of security; one outside is a defect of a key."
    )
    if randomness:
        typer.echo(
            "SP 800-22: 1 % of the P-values of ideal bits lie below 0.01; passing is no proof of "
            "security."
        )


@app.command()
def train(
    networks: Annotated[
        list[str] | None,
        typer.Argument(help="With --zoo: networks of the manifest. Default: all that are missing."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the run; a run in it goes on.")
    ] = None,
    zoo: Annotated[
        bool,
        typer.Option("--zoo", help="Train what is missing of the networks that the package has."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="With --zoo: only derive the manifest again, compare.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(help="With --zoo: trainings at once. Default: one a core, 4 on a GPU."),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Seed images: montgomery, shenzhen, ultrasound or brats18.")
    ] = "montgomery",
    images: Annotated[
        int | None,
        typer.Option(help="Take the first so many. Default: all files, or 138 phantoms."),
    ] = None,
    domain: Annotated[
        str, typer.Option(help="chaotic-rgb, chaotic-gray, row-shuffle or aes-ctr.")
    ] = "chaotic-rgb",
    domain_seed: Annotated[int, typer.Option(help="Seed of row-shuffle and aes-ctr.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting, such as --set steps=5000. Repeat it."),
    ] = None,
    list_settings: Annotated[
        bool,
        typer.Option(
            "--settings",
            callback=_print_settings,
            is_eager=True,
            help="List every setting, its default and its source.",
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Refuse to go on from an earlier run in the folder.")
    ] = False,
) -> None:
    """Train a generator, with the paper's settings unless --set says otherwise.

    A run that was stopped goes on where it was when the same command is given again. With --zoo the
    networks that come with the package are trained by the recipes of their manifest.
    """
    if zoo:
        if out or settings or fresh or images or dataset != "montgomery" or domain != "chaotic-rgb":
            raise typer.BadParameter("the manifest has the settings; only --jobs goes with --zoo")
        _train_zoo(networks, check, jobs)
        return
    if networks or check or jobs is not None:
        raise typer.BadParameter("names of networks, --check and --jobs go with --zoo")
    if out is None:
        raise typer.BadParameter("the folder of the run is needed: --out FOLDER (or --zoo)")
    from dkg import data
    from dkg.domains import DOMAINS
    from dkg.training import TrainConfig, TrainingFailed
    from dkg.training import train as train_networks

    config = TrainConfig.from_mapping(_settings(settings or []))
    if domain not in DOMAINS:
        raise ValueError(f"no domain {domain!r}; there are: {', '.join(DOMAINS)}")
    source = data.load(dataset, n=images)
    _note(f"{len(source.images)} images of {dataset} ({source.origin}), domain {domain}")

    def print_line(record: dict[str, Any]) -> None:
        if record["event"] == "sample":
            typer.echo(
                f"step {record['step']:,} of {config.steps:,}: mean key entropy "
                f"{record['key_entropy']:.4f} bits, {record['seconds']:.0f} s",
                err=True,
            )

    description = {"dataset": dataset, "origin": source.origin, "domain": domain}
    if domain in ("row-shuffle", "aes-ctr"):
        description["domain_seed"] = domain_seed
    try:
        result = train_networks(
            config,
            source.images,
            DOMAINS[domain](source.images, domain_seed),
            out,
            resume=not fresh,
            description=description,
            on_log=None if sys.stderr.isatty() else print_line,
        )
    except TrainingFailed as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{result.generator}: {result.step:,} steps, seed {result.seed}, "
        f"entropy of the last key {result.key_entropy:.4f} bits"
    )


def _train_zoo(networks: list[str] | None, check: bool, jobs: int | None) -> None:
    from dkg import zoo

    if check:
        if networks or jobs is not None:
            raise typer.BadParameter("--check looks at every network and trains none")
        table = zoo.check()
        for name, rows in table.groupby("network", sort=False):
            typer.echo(f"{name}: {rows['good'].eq(True).sum()} of {len(rows)} checks good")
            for row in rows[rows["good"].ne(True)].itertuples():
                mark = "open" if row.good is None else "BAD"
                typer.echo(f"  {mark}: {row.check}: {row.manifest} expected, {row.found} found")
        bad = table["good"].eq(False).sum()
        left = table["good"].isna().sum()
        typer.echo(f"{len(table)} checks: {bad} bad, {left} open (not trained, or images not here)")
        if bad:
            raise typer.Exit(1)
        return
    _note("the shipped weights are public: keys that are made with them are for study only")
    try:
        trained = zoo.train_missing(networks, jobs, report=typer.echo)
    except RuntimeError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    if not trained:
        typer.echo("every network of the manifest is trained to the end of its recipe")


@app.command()
def reproduce(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Notebooks to run. Default: all, in reading order.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="A file of parameters in notebooks/profiles/.")
    ] = "default",
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Run each notebook that has a data set on this one. Repeat it."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Run each notebook that has a random seed with so many, from 0 on."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Run each notebook that has a network on this name or path. Repeat it."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Notebooks at once.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads of each notebook. Default: the cores, shared by the jobs."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Leave out what is finished and whose inputs are the same."),
    ] = False,
    time_limit: Annotated[
        int, typer.Option(help="Seconds that one cell of a notebook may take; 0 for no limit.")
    ] = 3600,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only this one of the plan, and train nothing. Repeat it."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only print, as JSON, what would be run.")
    ] = False,
    prepare: Annotated[
        Path | None,
        typer.Option(help="Only put the parameters in, and write the notebooks to this folder."),
    ] = None,
) -> None:
    """Run the notebooks into figures/; exit status 1 if one failed.

    With --dataset, --seeds or --weights it runs a grid: each notebook for each that it has, into
    folders of their own, figures/grid/NAME.
    """
    from dkg.reproduction import plan as planned
    from dkg.reproduction import runner as batch

    what = planned.make(
        notebooks, profile, datasets=dataset or (), seeds=seeds, weights=weights or ()
    )
    for line in what.left_out:
        _note(line)
    if only:
        what = what.only(only)
    if plan:
        typer.echo(json.dumps(what.as_dict(), indent=1))
        return
    if prepare is not None:
        for run in what.runs:
            typer.echo(batch.prepare(run, prepare))
        return
    outcomes = batch.reproduce(
        what, jobs=jobs, threads=threads, resume=resume, time_limit=time_limit or None
    )
    failed = [outcome.name for outcome in outcomes if outcome.error]
    typer.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} ran to their end")
    if failed:
        typer.echo(f"Error: failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


@app.command()
def report(
    publish: Annotated[
        bool,
        typer.Option(
            "--publish",
            help="For maintainers: also write docs/results.json and the table in README.md.",
        ),
    ] = False,
) -> None:
    """Collect the records into figures/report/; exit status 1 if some are missing or stale."""
    from dkg import paths
    from dkg.reproduction import report as collected

    problems = collected.write()
    typer.echo(paths.output() / "report" / "report.html")
    for problem, ids in problems.items():
        typer.echo(f"Error: {problem}: {', '.join(ids)}", err=True)
    if problems:
        raise typer.Exit(1)
    if publish:
        for path in collected.publish():
            typer.echo(path)


def _settings(pairs: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs; a value is JSON where it can be, else a string."""
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE, not {pair!r}")
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings


def _seed_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(
        file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")
    )
    if not files:
        raise ValueError(f"{path}: the folder holds no seed image")
    return files


def _repeated_share(keys: np.ndarray) -> float:
    """Return the share of the keys' cells of 8 x 8 pixels that occur earlier; chance gives none."""
    cells = keys.reshape(len(keys), 32, 8, 32, 8, 3).swapaxes(2, 3).reshape(-1, 8 * 8 * 3)
    return 1 - len({cell.tobytes() for cell in cells}) / len(cells)


def _row(
    name: str, unit: str, measure: Callable[[], float], ideal: float | None = None, interval=None
) -> dict[str, Any]:
    """Return one measure as a row of a table; its value is None where it is undefined."""
    try:
        value: float | None = measure()
    except ValueError:  # The image is too small for it.
        value = None
    if value is not None and not math.isfinite(value):
        value = None
    return {
        "measure": name,
        "unit": unit,
        "value": value,
        "ideal": ideal,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "inside": value in interval if interval and value is not None else None,
    }


def _measure(image: np.ndarray) -> list[dict[str, Any]]:
    from dkg import metrics

    entropy = metrics.ideal_entropy(image.size)
    local = metrics.ideal_entropy(metrics.LOCAL_SIDE**2)
    uniform = metrics.Interval(0.0, metrics.chi_square_critical_value())
    rows = [
        _row("entropy", "bit", lambda: metrics.entropy(image), entropy.mean, entropy.interval()),
        _row(
            "local entropy",
            "bit",
            lambda: metrics.local_entropy(image),
            local.mean,
            metrics.local_entropy_interval(),
        ),
        _row("chi-square", "", lambda: metrics.chi_square(image).statistic, 255.0, uniform),
    ]
    height, width = image.shape[:2]
    channels = image.size // (height * width)
    for direction, pairs in (
        ("horizontal", height * (width - 1)),
        ("vertical", (height - 1) * width),
        ("diagonal", (height - 1) * (width - 1)),
    ):
        interval = metrics.ideal_correlation(max(2, channels * pairs)).interval()
        rows.append(
            _row(
                f"correlation, {direction}",
                "",
                lambda direction=direction: metrics.adjacent_correlation(image, direction, None),
                0.0,
                interval,
            )
        )
    return rows


def _compare(a: np.ndarray, b: np.ndarray, *, uniform: bool) -> list[dict[str, Any]]:
    from dkg import metrics

    # Against a plain image, UACI depends on the image even for an ideal key; NPCR does not.
    uaci = (metrics.ideal_uaci(a.size).mean, metrics.uaci_interval(a.size)) if uniform else ()
    npcr = (metrics.ideal_npcr(a.size).mean, metrics.npcr_interval(a.size))
    return [
        _row("NPCR", "%", lambda: metrics.npcr(a, b), *npcr),
        _row("UACI", "%", lambda: metrics.uaci(a, b), *uaci),
        _row("MSE", "", lambda: metrics.mse(a, b)),
        _row("PSNR", "dB", lambda: metrics.psnr(a, b)),
        _row("SSIM", "", lambda: metrics.ssim(a, b)),
    ]


def _test_randomness(image: np.ndarray) -> list[dict[str, Any]]:
    from dkg.randomness import run_suite

    table = run_suite(image.tobytes())
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _print_randomness(rows: list[dict[str, Any]]) -> None:
    typer.echo(f"  {'SP 800-22':<28}{'smallest P-value':>16}{'below 0.01':>14}")
    for test in dict.fromkeys(row["test"] for row in rows):
        variants = [row for row in rows if row["test"] == test]
        name = test.replace("_", " ")
        if variants[0]["reason"]:
            typer.echo(f"  {name:<28}not applicable: {variants[0]['reason']}")
            continue
        smallest = min(row["p_value"] for row in variants)
        failed = sum(not row["passed"] for row in variants)
        typer.echo(f"  {name:<28}{smallest:>16.6f}{f'{failed} of {len(variants)}':>14}")
    typer.echo()


def _print_table(table: dict[str, Any]) -> None:
    names = [f"{file} ({kind})" for file, kind in zip(table["files"], table["kinds"], strict=True)]
    shape = " x ".join(map(str, table["shape"]))
    typer.echo(f"{' and '.join(names)}, {shape}")
    typer.echo(f"  {'measure':<25}{'value':>16}{'ideal':>12}   95 % interval")
    for row in table["measures"]:
        name = f"{row['measure']} [{row['unit']}]" if row["unit"] else row["measure"]
        value, ideal = (
            "-" if row[column] is None else f"{row[column]:,.5f}" for column in ("value", "ideal")
        )
        interval = "" if row["low"] is None else f"{row['low']:.5f} to {row['high']:.5f}"
        verdict = {True: "inside", False: "outside", None: ""}[row["inside"]]
        typer.echo(f"  {name:<25}{value:>16}{ideal:>12}   {interval:<24}{verdict}".rstrip())
    typer.echo()
    if "randomness" in table:
        _print_randomness(table["randomness"])
