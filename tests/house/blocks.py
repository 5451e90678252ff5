"""The examples of the documents: every fenced block that a reader could run.

A block that is not run says so behind its language (```bash no-test), and every command in it
must begin with one of `NOT_RUN`, which says why.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOT, project_files

__all__ = ["NOT_RUN", "RUN_BY", "Block", "blocks", "documents"]

RUN_BY = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}

NOT_RUN = {
    "git clone": "the tests run in what it would fetch",
    "cd madeira": "the tests run in what it would enter",
    "make serve": "the tests run against the service that it ends in starting; proved by name",
    "make test": "it is what runs this test; proved by name",
    "make lint": "runs beside the tests, on the same tree",
    "make coverage": "the tests, measured",
    "make bench": "minutes of measuring",
    ".venv/bin/python -m benchmarks": "measures for minutes to hours, on data of its own",
    ".venv/bin/python -m docs.columns_page": "trains two models",
    ".venv/bin/python -m pytest": "the tests, beside those that run now",
    "make chaos": "minutes of faults",
    "make checkpoints": "trains every bundled model",
    ".venv/bin/madeira schema mytable.csv": "stands for the reader's own table",
    ".venv/bin/madeira train mytable.csv": "stands for the reader's own table",
    ".venv/bin/madeira report mytable": "stands for the reader's own table",
    ".venv/bin/python examples/": "run by tests/house/test_examples.py",
    "pip install .": "the tests run where it is installed",
    "pip install 'madeira[client]'": "the tests run where the extra is installed",
    'python -c "from madeira.models.mlflow import save_model': "needs MLflow",
    "mlflow models serve": "needs MLflow",
    "pip install 'madeira[sklearn]'": "the tests run where the extra is installed",
    "pip install 'madeira[otel]'": "the tests run where the extra is installed",
    "pip install 'madeira[tune]'": "the tests run where the extra is installed",
    "docker build": "needs a container engine",
    "docker run": "needs a container engine",
    "docker compose": "needs a container engine",
}


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        path: Its document, relative to the root.
        line: The line of its first command, 1-based.
        language: First word behind the fence, "" where there is none.
        options: The words after it.
        text: What stands between the fences.
    """

    path: Path
    line: int
    language: str
    options: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Lines of the block that start a command: no comments, no continuations."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def documents() -> list[Path]:
    """List README.md, then the pages under docs/ by name."""
    readme = [path for path in project_files() if path == Path("README.md")]
    pages = [path for path in project_files() if path.parts[0] == "docs" and path.suffix == ".md"]
    return readme + pages


def blocks(path: Path) -> list[Block]:
    """Read the fenced blocks of one document, in order.

    Raises:
        ValueError: A fence is never closed.
    """
    found: list[Block] = []
    fence, info, start, indent = "", "", 0, 0
    inside: list[str] = []
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
        mark = line.strip()
        if not fence and mark.startswith(("```", "~~~")):
            fence = mark[: len(mark) - len(mark.lstrip(mark[0]))]
            info, start, indent = mark.strip(mark[0]), number + 1, len(line) - len(line.lstrip())
        elif fence and mark == fence:
            language, *options = info.split() or [""]
            text = "".join(f"{kept[indent:]}\n" for kept in inside)
            found.append(Block(path, start, language, tuple(options), text))
            fence, inside = "", []
        elif fence:
            inside.append(line)
    if fence:
        raise ValueError(f"{path}:{start - 1}: this fence is never closed")
    return found
