"""Files stay short, have names that say something, and declare what they offer."""

import ast
import importlib
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT, project_files

LINES = 400
ROOMS = ("madeira", "models", "app", "benchmarks", "tests")
SOURCE = {".py", ".js", ".css", ".html"}
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers"}
OPTIONAL = {"ray"}  # packages that only an extra installs

SOURCES = [path for path in project_files() if path.parts[0] in ROOMS and path.suffix in SOURCE]
MODULES = [
    path
    for path in SOURCES
    if path.parts[0] in {"madeira", "models", "app"} and path.suffix == ".py"
]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(("madeira", *parts) if parts[0] != "madeira" else parts).removesuffix(
        ".__init__"
    )


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_is_short(path: Path) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= LINES, f"{path} has {lines} lines; split it along what it does"


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


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_says_what_it_is_and_what_it_offers(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path} has no docstring"
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    assert "__all__" in names, f"{path} has no __all__"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_what_a_module_offers_exists(path: Path) -> None:
    if path.stem == "__main__":
        pytest.skip("importing it would run it")
    try:
        module = importlib.import_module(module_name(path))
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing, f"{path} offers {missing}, which it does not define"


@pytest.mark.parametrize("room", ["models", "app"])
def test_every_folder_of_modules_is_a_package(room: str) -> None:
    folders = {path.parent for path in MODULES if path.parts[0] == room}
    bare = [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()]
    assert not bare, f"no __init__.py in {bare}: an installed copy would lack them"
