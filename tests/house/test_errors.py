"""The trees that `app/errors.py` and `models/errors.py` draw are the errors that there are."""

import importlib
import re
from collections.abc import Iterator

import pytest

from tests.house.tree import module_names

LINE = re.compile(r"^((?:[│ ]   )*(?:[├└]── )?)(\w+Error|\w+Warning)(?: +(\d{3}))?", re.MULTILINE)


def drawn(docstring: str) -> set[tuple[str, str, int | None]]:
    """Parent, name and status of every error of a drawing."""
    found = set()
    above: list[str] = []
    for bars, name, status in LINE.findall(docstring.split("```")[1]):
        above = [*above[: len(bars) // 4], name]
        if bars:
            found.add((above[-2], name, int(status) if status else None))
    return found


def classes(base: type[Exception]) -> Iterator[tuple[str, str, int | None, str]]:
    """Parent, name, status and module of every subclass."""
    for error in base.__subclasses__():
        status = getattr(error, "status", None)
        yield base.__name__, error.__name__, status and int(status), error.__module__
        yield from classes(error)


@pytest.mark.parametrize(("room", "root"), [("app", "AppError"), ("models", "ModelsError")])
def test_the_drawing_has_every_error_and_its_status(room: str, root: str) -> None:
    for name in module_names(room):
        importlib.import_module(name)
    errors = importlib.import_module(f"madeira.{room}.errors")
    found = list(classes(getattr(errors, root)))
    assert drawn(errors.__doc__ or "") == {one[:3] for one in found}
    elsewhere = [f"{module}.{name}" for _, name, _, module in found if module != errors.__name__]
    assert not elsewhere, f"define these in {errors.__name__}: {elsewhere}"
