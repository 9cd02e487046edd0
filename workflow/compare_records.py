"""Compare the records of two output folders; exit status 1 if they differ.

    python workflow/compare_records.py figures build/other

Everything in a record must be the same, other than when it was written, how long that took and on
which processor; of Table XIX, which is about times, only what was compared with what.
"""

import json
import sys
from pathlib import Path

OF_THE_RUN = ("written", "seconds", "device")
OF_TIMES = ("verdict", "why", "sentence", "comparisons", "more")


def read(folder):
    """Return the records of an output folder and of the grid in it, by path."""
    records = {}
    for path in sorted([*folder.glob("results/*.json"), *folder.glob("grid/*/results/*.json")]):
        record = json.loads(path.read_text())
        for name in OF_THE_RUN:
            del record["provenance"][name]
        if record["id"] == "table-XIX":
            for name in OF_TIMES:
                del record[name]
        records[str(path.relative_to(folder))] = record
    return records


def differences(first, second, where=""):
    """Yield where two values differ, each with both values."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second}):
            yield from differences(first.get(key), second.get(key), f"{where}.{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for place, pair in enumerate(zip(first, second, strict=True)):
            yield from differences(*pair, f"{where}[{place}]")
    elif first != second:
        yield f"{where}: {first!r} and {second!r}"


def main(first, second):
    """Print what differs, and return the exit status."""
    ours, theirs = read(Path(first)), read(Path(second))
    if not ours and not theirs:
        print(f"no records in {first} and {second}")
        return 1
    found = []
    for name in sorted({*ours, *theirs}):
        if name in ours and name in theirs:
            found += [f"{name}{line}" for line in differences(ours[name], theirs[name])]
        else:
            found.append(f"{name}: only in {first if name in ours else second}")
    print("\n".join(found))
    print(f"{len(ours)} and {len(theirs)} records, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
