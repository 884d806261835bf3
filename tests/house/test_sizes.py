"""Limits of the house style: what fits on a page can be read."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmarks", "configs", "metrics", "refvlm", "results", "tasks")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FILE_LINES, FUNCTION_LINES, PARAMETERS, NESTING = 350, 50, 6, 3
BANNED = {"utils", "util", "common", "helpers", "helper", "misc"}
BLOCKS = (ast.If, ast.For, ast.While, ast.Try, ast.Match)
"""What nests: statements after which a reader must keep a case in mind. `with` has none."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, Function)]


def parameters(function: Function) -> list[str]:
    """Names of the parameters, without the object itself."""
    args = function.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def depth(statements: list[ast.stmt]) -> int:
    """How deep blocks lie in each other; `elif` is no deeper than its `if`."""
    return max((level(statement) for statement in statements), default=0)


def level(statement: ast.stmt) -> int:
    if isinstance(statement, ast.With):
        return depth(statement.body)
    return 1 + max(depth(body) for body in bodies(statement)) if isinstance(statement, BLOCKS) else 0


def bodies(block: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(block, ast.Match):
        return [case.body for case in block.cases]
    found = [getattr(block, name, []) for name in ("body", "orelse", "finalbody")]
    if isinstance(block, ast.If) and len(block.orelse) == 1 and isinstance(block.orelse[0], ast.If):
        found = [block.body, *bodies(block.orelse[0])]
    return [*found, *(handler.body for handler in getattr(block, "handlers", []))]


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=label)
def test_a_file_is_short_and_named_for_what_it_holds(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= FILE_LINES, f"{label(path)} has {lines} lines: split it by idea"
    assert not BANNED & set(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", FILES, ids=label)
def test_functions_are_short_flat_and_take_few_parameters(path):
    for function in functions(path):
        place = f"{label(path)}:{function.lineno} {function.name}"
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{place} has {lines} lines"
        assert len(parameters(function)) <= PARAMETERS, f"{place} takes {', '.join(parameters(function))}"
        assert depth(function.body) <= NESTING, f"{place} nests {depth(function.body)} deep"


def test_the_counts_are_right():
    tree = ast.parse(
        "def f(self, a, /, b, *args, c=1, **rest):\n"
        "    if a:\n        pass\n"
        "    elif b:\n"
        "        for x in c:\n            with x:\n                if y:\n                    pass\n"
        "    try:\n        pass\n    except E:\n        while 1:\n            pass\n"
    )
    [function] = [node for node in ast.walk(tree) if isinstance(node, Function)]
    assert parameters(function) == ["a", "b", "c"]
    assert depth(function.body) == 3
