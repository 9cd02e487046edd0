"""The size of the package's files and functions; `lint-imports` holds which may import which."""

import ast

import pytest

from dkg import paths

MAX_FILE, MAX_FUNCTION = 400, 60  # Lines; a function's docstring is not counted.

# What may be longer, and why.
EXCEPTIONS: dict[str, str] = {}


def function_lengths(tree: ast.AST):
    """Yield every function's dotted name and its lines from ``def`` on, without its docstring."""
    for node in ast.iter_child_nodes(tree):
        name = getattr(node, "name", None)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield name, lines
        for inner, lines in function_lengths(node):
            yield f"{name}.{inner}" if name else inner, lines


def too_long():
    """Return the files and functions above the limits, with their lines."""
    found = {}
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        file, text = path.relative_to(paths.PACKAGE.parent).as_posix(), path.read_text("utf-8")
        if (lines := len(text.splitlines())) > MAX_FILE:
            found[file] = lines
        for name, lines in function_lengths(ast.parse(text)):
            if lines > MAX_FUNCTION:
                found[f"{file}:{name}"] = lines
    return found


def test_files_and_functions_are_short():
    found = too_long()
    assert {name: lines for name, lines in found.items() if name not in EXCEPTIONS} == {}
    assert EXCEPTIONS.keys() - found.keys() == set(), "they are no longer too long"


@pytest.mark.parametrize(
    "source, lengths",
    [
        ("def f(): pass", {"f": 1}),
        ("@g\ndef f():\n    '''One.\n\n    Two.'''\n    return 1", {"f": 2}),
        (
            "class C:\n    async def f(self):\n        def g():\n            pass",
            {"C.f": 3, "C.f.g": 2},
        ),
        ("if 1:\n    def f():\n\n        # A comment counts.\n        pass", {"f": 4}),
    ],
)
def test_lines_of_a_function(source, lengths):
    assert dict(function_lengths(ast.parse(source))) == lengths
