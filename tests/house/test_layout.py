"""Files stay short, have names that say something, and declare what they offer.

Each test lists all offenders.
"""

import ast
import importlib
import re
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, module_name, modules, project_files

MAX_LINES = 400
ROOMS = {*PACKAGES, "benchmarks", "tests"}
SOURCE = {".py", ".js", ".css", ".html"}
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers"}
OPTIONAL = {"ray"}  # packages that only an extra installs

SOURCES = [path for path in project_files() if path.parts[0] in ROOMS and path.suffix in SOURCE]


def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("default::UserWarning")
def test_long_files_are_warned_of() -> None:
    # The rule is one concept a file; many lines only suggest that there are two.
    lines = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in SOURCES}
    long = [f"{path}: {count}" for path, count in lines.items() if count > MAX_LINES]
    if long:
        warnings.warn(f"over {MAX_LINES} lines, one concept a file? {long}", stacklevel=1)


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    empty = [path for path in SOURCES if EMPTY_NAMES & {Path(part).stem for part in path.parts}]
    assert not empty, f"name these for what they do: {[str(path) for path in empty]}"


def test_nothing_that_git_ignores_is_kept_in_it() -> None:
    # A kept link in the place of .venv would replace the environment of whoever merges it.
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not kept.stdout, f"git rm --cached these: {kept.stdout.split()}"


def test_every_module_has_a_docstring() -> None:
    bare = [str(path) for path in modules() if not ast.get_docstring(tree_of(path))]
    assert not bare, f"no docstring: {bare}"


def offered(tree: ast.Module) -> set[str] | None:
    """Names in `__all__`; None where there is none, or where it is built in parts."""
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            return set(ast.literal_eval(node.value or ast.List([])))
    return None


def public(tree: ast.Module) -> Iterator[str]:
    """Names of public functions and classes; a router's functions are reached by their routes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            routes = [ast.unparse(one).startswith("router.") for one in node.decorator_list]
            if not any(routes):
                yield node.name


def test_all_public_functions_and_classes_are_in_all() -> None:
    missing = {}
    for path in modules():
        tree = tree_of(path)
        names = offered(tree)
        if names is None or (unlisted := set(public(tree)) - names):
            missing[str(path)] = "no __all__" if names is None else unlisted
    assert not missing, f"put these into __all__, or an underscore before them: {missing}"


def test_all_names_in_all_exist() -> None:
    missing = {}
    for path in modules():
        if path.stem == "__main__":  # importing it would run it
            continue
        try:
            module = importlib.import_module(module_name(path))
        except ModuleNotFoundError as error:
            if error.name in OPTIONAL:
                continue
            raise
        if absent := [name for name in module.__all__ if not hasattr(module, name)]:
            missing[str(path)] = absent
    assert not missing, f"these modules do not define what they offer: {missing}"


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in modules("models", "app")}
    bare = [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()]
    assert not bare, f"no __init__.py in {bare}: an installed copy would lack them"


BOUND = re.compile(r"_?(MOST|LARGEST|LONGEST|FEWEST|LEAST|SMALLEST|FARTHEST|WIDEST|DEEPEST)(_|\b)")


def test_bounds_are_named_max_or_min() -> None:
    found = [
        f"{path}:{node.lineno}: {node.id}"
        for path in modules("app", "models", "benchmarks", "tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and BOUND.match(node.id)
    ]
    assert not found, f"begin these with MAX_ or MIN_: {found}"
