"""What the tests of the command line share: a small table, and the command itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from madeira.app.cli import main
from madeira.models import DensityEstimator
from tests.cli.outcome import Madeira, Outcome


@pytest.fixture
def madeira(capsys: pytest.CaptureFixture[str]) -> Madeira:
    """Run the command in this process, to its exit."""

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return Outcome(status, written.out, written.err)

    return run


@pytest.fixture(scope="session")
def fruit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a CSV of 120 rows: a category, a flag, a number with nulls, a constant and a key."""
    path = tmp_path_factory.mktemp("data") / "fruit.csv"
    rows = [
        f"F{row:03d},{('apple', 'pear', 'plum')[row % 3]},{row % 2},"
        f"{'' if row % 7 == 0 else 10 * (row % 3) + row % 5 + 0.5},EU"
        for row in range(120)
    ]
    path.write_text("code,kind,ripe,weight,origin\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory of one model, `small`: a flag and a number."""
    directory = tmp_path_factory.mktemp("checkpoints")
    table = pa.table({"flag": [True, False] * 20, "x": [0.1 * i for i in range(40)]})
    DensityEstimator("fast").fit(table).save(directory / "small" / "1")
    return directory


@pytest.fixture
def process() -> Callable[..., "subprocess.Popen[str]"]:
    """Start the command as a process of its own."""

    def start(*arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "madeira",
                *map(str, arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    return start
