"""The examples run: scripts as a user starts them, notebooks cell by cell, their outputs kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT, project_files

LIMIT_S = 300
EXAMPLES = [path for path in project_files() if path.parts[0] == "examples"]
SLOW = {"anomalies.py", "synthetic_rows.ipynb"}
"""Those of more than 20 s."""

SCRIPTS = [path for path in EXAMPLES if path.suffix == ".py"]
NOTEBOOKS = [path for path in EXAMPLES if path.suffix == ".ipynb"]


def marked(paths: list[Path]) -> list[Any]:
    slow = pytest.mark.slow
    return [pytest.param(one, id=str(one), marks=slow if one.name in SLOW else ()) for one in paths]


def code_cells(path: Path) -> list[dict[str, Any]]:
    notebook = json.loads((ROOT / path).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "ignore::UserWarning", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("path", marked(SCRIPTS))
def test_a_script_runs(path: Path, tmp_path: Path) -> None:
    done = run([str(ROOT / path)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 10
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


@pytest.mark.parametrize("path", marked(NOTEBOOKS))
def test_the_code_of_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    code = "\n\n".join("".join(cell["source"]) for cell in code_cells(path))
    (tmp_path / "cells.py").write_text(
        "import matplotlib\nmatplotlib.use('Agg')\n" + code, encoding="utf-8"
    )
    done = run([str(tmp_path / "cells.py")], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_a_notebook_has_been_executed_from_its_first_cell_to_its_last(path: Path) -> None:
    cells = code_cells(path)
    counts = [cell["execution_count"] for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "make examples"
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert len(outputs) >= len(cells) / 2
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


def test_there_are_scripts_and_notebooks() -> None:
    assert len(SCRIPTS) >= 3
    assert len(NOTEBOOKS) >= 2
