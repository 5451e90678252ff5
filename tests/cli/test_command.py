"""`madeira` itself: version, help, and commands that do not exist."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from tests.cli.outcome import Madeira


def test_version_is_the_distributions(madeira: Madeira) -> None:
    try:
        expected = version("madeira")
    except PackageNotFoundError:
        pytest.skip("run from a checkout that is not installed")
    outcome = madeira("--version")
    assert (outcome.status, outcome.out) == (0, f"madeira {expected}\n")


def test_help_names_every_command(madeira: Madeira) -> None:
    outcome = madeira("--help")
    assert outcome.status == 0
    assert all(
        command in outcome.out for command in ("serve", "train", "schema", "models", "--version")
    )


HEAVY = (
    *("torch", "numba", "numpy", "pyarrow", "pandas", "sklearn", "matplotlib", "optuna"),
    *("fastapi", "starlette", "uvicorn", "rich"),
)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        *(
            ([name, "--help"], 0)
            for name in (
                *("serve", "train", "tune", "schema", "models", "report"),
                *("score", "impute", "sample"),
            )
        ),
        ([], 2),
        (["trian"], 2),
        (["train"], 2),
        (["train", "rows.csv", "--name", "NO"], 2),
        (["train", "rows.csv", "--name", "a", "--preset", "slow"], 2),
        (["tune", "rows.csv", "--name", "a", "--budget", "-1"], 2),
        (["serve", "--nope"], 2),
        (["serve", "--port", "many"], 2),
        (["serve", "--port", "-3"], 2),
        (["models", "--checkpoints", "no-such-directory"], 1),
        (["report", "penguins", "rows.csv", "--checkpoints", "no-such-directory"], 1),
        (["score", "rows.csv", "--model", "penguins"], 2),
    ],
    ids=str,
)
def test_help_and_mistakes_wait_for_nothing_heavy(arguments: list[str], status: int) -> None:
    program = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', *(set({HEAVY}) & set(sys.modules))))\n"
        "from madeira.app.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED"


@pytest.mark.parametrize("arguments", [("trian",), ("train",), ("models", "--nope"), ()])
def test_mistaken_command_line_is_status_2(arguments: tuple[str, ...], madeira: Madeira) -> None:
    assert madeira(*arguments).status == 2
