"""The page for designers: its example is a cipher, and its tables name all there is."""

import re

import numpy as np

from dkg import paths
from dkg.evaluation import check
from dkg.evaluation.attacks import ATTACKS
from dkg.evaluation.ciphers import CIPHERS
from dkg.evaluation.loading import load

PAGE = (paths.PACKAGE.parent / "docs" / "how_to" / "own_cipher.md").read_text()


def test_the_example_is_a_cipher(tmp_path):
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    lines = [line for line in code.partition("class ")[2].splitlines() if line.strip()]
    assert len(lines) <= 15
    (tmp_path / "my_cipher.py").write_text(code)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((9, 7, 3), (4, 6))]
    checked = check(load(f"{tmp_path / 'my_cipher.py'}:MyCipher"), images)
    assert checked.deterministic and len(checked.statements) == 1


def test_its_tables_are_complete():
    ciphers, attacks = PAGE.split("## The built-in ciphers")[1].split("## The attacks")
    assert re.findall(r"^\| `([\w-]+)` \|", ciphers, re.MULTILINE) == list(CIPHERS)
    rows = [row.split("|")[2] for row in attacks.splitlines() if row.startswith("| ")][1:]
    named = [
        re.sub(r" \(.*?\)", "", name).strip()
        for row in rows
        for name in re.split("[,;]", re.sub(r"\(.*?\)", "", row))
    ]
    assert sorted(named) == sorted(ATTACKS)
