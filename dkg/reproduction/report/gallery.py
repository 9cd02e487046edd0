"""The gallery: a thumbnail and a line for every notebook and every record, of phantoms only."""

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from dkg import paths
from dkg.reproduction.records import Record
from dkg.reproduction.report.collecting import KINDS, order, title_and_caption
from dkg.reproduction.report.wording import render
from dkg.storage import files

FOLDER = "docs/images/gallery"
"""Where thumbnails are, in the repository."""

_WIDTH, _QUALITY, _COLUMNS = 280, 55, 3

_SHORT_CAPTIONS = {
    "V": "Entropy, Montgomery",
    "VI": "Entropy, Ultrasonic Brachial Plexus",
    "VII": "Entropy, BraTS18",
    "VIII": "MSE and SSIM, Montgomery",
    "IX": "MSE and SSIM, Ultrasonic Brachial Plexus",
    "X": "MSE and SSIM, BraTS18",
    "XI": "Correlation of neighbouring pixels, Montgomery",
    "XII": "Correlation of neighbouring pixels, Ultrasonic Brachial Plexus",
    "XIII": "Correlation of neighbouring pixels, BraTS18",
    "XXI": "Entropy of keys by training steps, learning rate and batch size",
}
"""Of tables whose printed captions are long."""


def gallery(records: Mapping[str, Record]) -> str:
    """Return the part of docs/gallery.md with the pictures: tables of thumbnails and their lines.

    What has no thumbnail yet is left out.

    Parameters
    ----------
    records : mapping of str to Record
        Such as `dkg.reproduction.records.load_all` returns.

    Returns
    -------
    str
        Markdown, with links relative to ``docs/``.
    """
    there = {path.stem for path in (paths.root() / FOLDER).glob("*.webp")}
    groups = {"Notebooks": [_of_notebook(*entry) for entry in _notebooks() if entry[0] in there]}
    for kind, heading in KINDS.items():
        chosen = [id for id in order(records) if id.startswith(f"{kind}-") and id in records]
        groups[heading] = [_of_record(id, records[id]) for id in chosen if id in there]
    return render("gallery.md", {"groups": groups, "columns": _COLUMNS})


def write_thumbnails(records: Mapping[str, Record]) -> list[Path]:
    """Write the thumbnails of the pictures in the output folder, and remove all others.

    Parameters
    ----------
    records : mapping of str to Record
        The records of the run that made the pictures.

    Returns
    -------
    list of pathlib.Path
        The files written; none if a record was measured on images that are not phantoms.
    """
    origins = {images["origin"] for record in records.values() for images in record.images}
    if origins != {"synthetic"}:
        return []
    folder = paths.root() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in _pictures(records):
        with Image.open(io.BytesIO(picture)) as opened:
            image = opened.convert("RGB")
        # Of a tall picture the upper part, so that thumbnails side by side are about as high.
        image = image.crop((0, 0, image.width, min(image.height, image.width * 3 // 4)))
        image.thumbnail((_WIDTH, _WIDTH), Image.Resampling.LANCZOS)
        with files.atomic(folder / f"{name}.webp") as temporary:
            image.save(temporary, "WEBP", quality=_QUALITY, method=6)
        written.append(folder / f"{name}.webp")
    for path in set(folder.glob("*.webp")) - set(written):
        path.unlink()
    return written


def _pictures(records: Mapping[str, Record]) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures of the output folder by the names of their thumbnails."""
    for id, record in records.items():
        path = paths.output() / (record.figure or f"{id}.png")
        if _drawn(record) and path.is_file():
            yield id, path.read_bytes()
    for name, _ in _notebooks():
        copies = (paths.output() / "executed").glob(f"{name}*.ipynb")
        whole = sorted(path for path in copies if not path.stem.endswith(".failed"))
        found = [picture for path in whole[:1] for picture in _outputs(path)]
        if found:
            yield name, max(found, key=len)


def _outputs(notebook: Path) -> Iterator[bytes]:
    """Yield the pictures that a notebook's cells have drawn."""
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                yield base64.b64decode(output["data"]["image/png"])


def _notebooks() -> Iterator[tuple[str, str]]:
    """Yield the names and titles of the notebooks, in reading order."""
    for path in sorted((paths.root() / "notebooks").glob("*.ipynb")):
        first = json.loads(path.read_text("utf-8"))["cells"][0]["source"]
        yield path.stem, "".join(first).partition("\n")[0].removeprefix("# ")


def _drawn(record: Record) -> bool:
    """Whether a record has a picture, its own or the one that the report draws of a table."""
    return record.figure is not None or record.id.startswith("table-")


def _of_notebook(name: str, title: str) -> dict[str, str]:
    number = name.partition("_")[0]
    line = f"{number} {title}" if number.isdigit() else title
    short = f"Notebook {number}" if number.isdigit() else title.partition(":")[0]
    return {"name": name, "short": short, "line": line, "notebook": name}


def _of_record(id: str, record: Record) -> dict[str, str]:
    title, caption = title_and_caption(id)
    kind, number = id.split("-", 1)
    if kind in ("claim", "beyond"):
        short, line = number.replace("-", " "), title
    else:
        shown = _SHORT_CAPTIONS.get(number, caption) if kind == "table" else caption
        short, line = title, f"{title}. {shown.removesuffix('.')}"
    return {"name": id, "short": short, "line": line, "notebook": record.notebook or ""}
