"""The house plan: imports point down, there is no circle, and `__init__.py` files hold a docstring only."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "metrics": set(),
    "benchmarks": set(),
    "configs": set(),
    "refvlm": {"benchmarks"},
    "results": {"metrics"},
    "tasks": {"metrics", "benchmarks", "configs", "refvlm", "results"},
}
FILES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    """Dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in FILES}


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules of ours that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively: write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES else str(node.module))
    return frozenset(name for name in names if name.split(".")[0] in MAY_IMPORT)


def runs_later(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef | ast.If]:
    """Whether what stands inside is not run by an import."""
    for_types_only = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    return for_types_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def at_import_time(path: Path) -> set[str]:
    """Modules of ours that a file imports as it is imported itself: not inside functions, not for types only."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if runs_later(node):
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names & MODULES


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_down(path):
    package = module_name(path).split(".")[0]
    allowed = MAY_IMPORT[package] | {package}
    wrong = sorted(name for name in imported(path) if name.split(".")[0] not in allowed)
    rule = f"{package} may import {', '.join(sorted(MAY_IMPORT[package])) or 'nothing of ours'}"
    assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}, but {rule}"


def test_there_is_no_circle_between_modules():
    graph = {module_name(path): at_import_time(path) - {module_name(path)} for path in FILES}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' <- '.join(error.args[1])}")
    assert len(order) == len(graph)


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=module_name)
def test_init_files_hold_a_docstring_only(path):
    [statement] = ast.parse(path.read_text("utf-8")).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)


def test_every_folder_of_a_package_is_a_package():
    folders = {path.parent for path in FILES}
    assert not [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()]


def test_the_check_sees_an_arrow_that_points_up(tmp_path):
    source = tmp_path / "up.py"
    source.write_text("def late():\n    from tasks.cli import main\n    return main\n")
    assert imported(source) == {"tasks.cli"}
    assert at_import_time(source) == set()
