"""`madeira` itself: version, help, and commands that do not exist."""

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


@pytest.mark.parametrize("arguments", [("trian",), ("train",), ("models", "--nope"), ()])
def test_mistaken_command_line_is_status_2(arguments: tuple[str, ...], madeira: Madeira) -> None:
    assert madeira(*arguments).status == 2
