"""No regular expression takes more than linear time, whatever text it is given.

Patterns of `re` alone: those that Arrow is given are matched by RE2, whose time is linear always.
"""

import ast
import importlib
import re
from collections.abc import Iterator

import pytest

from tests.house.backtracking import growth
from tests.house.tree import ROOT, module_name
from tests.house.tree import modules as paths

METHODS = {"match", "fullmatch", "search", "sub", "subn", "findall", "finditer", "split"}
LINEAR = 2.6


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in paths("app", "models"):
        yield module_name(path), ast.parse((ROOT / path).read_text("utf-8"))


def named(module: str, name: str) -> "re.Pattern[str] | str | None":
    value = getattr(importlib.import_module(module), name, None)
    return value if isinstance(value, re.Pattern | str) else None


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.expr, str]]:
    """Yield the calls of methods: the call, the owner of the method, its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func.value, node.func.attr


def uses() -> Iterator[tuple[str, str, int, str]]:
    """Every use of a regular expression: where, the pattern, its flags, the method."""
    for module, tree in modules():
        for call, owner, method in calls(tree):
            if method not in METHODS or not isinstance(owner, ast.Name):
                continue
            if owner.id == "re":
                first = call.args[0]
                if isinstance(first, ast.Name):
                    pattern: object = named(module, first.id)
                else:
                    assert isinstance(first, ast.Constant), f"{module}: name this pattern"
                    pattern = first.value
                assert isinstance(pattern, str), f"{module}: name this pattern at the top"
                yield module, pattern, 0, method
            else:
                found = named(module, owner.id)
                if isinstance(found, re.Pattern):
                    yield module, found.pattern, found.flags, method
    from madeira.app.codecs.schema.yaml import _Loader

    for entries in _Loader.yaml_implicit_resolvers.values():
        for _, found in entries:
            yield "madeira.app.codecs.schema.yaml", found.pattern, found.flags, "match"


USES = sorted(set(uses()))


def test_every_pattern_is_found() -> None:
    compiled = {
        (module, ast.unparse(call.args[0]))
        for module, tree in modules()
        for call, owner, method in calls(tree)
        if method == "compile" and isinstance(owner, ast.Name) and owner.id == "re"
    }
    used = {module for module, *_ in USES}
    assert {module for module, _ in compiled} <= used
    assert len({pattern for _, pattern, *_ in USES}) >= len(compiled)


def test_every_pattern_takes_linear_time() -> None:
    slow = [use for use in USES if growth(*use[1:]) >= LINEAR]
    assert not slow, f"write these so that they take linear time: {slow}"


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", "fullmatch"),
        (r"In CSV column #(\d+): .*invalid UTF8", "search"),
        (r"(a+)+b", "match"),
        (r"\s+$", "search"),
        (r"(a|b|ab)*c", "fullmatch"),
    ],
)
def test_a_pattern_of_more_than_linear_time_is_found_out(pattern: str, method: str) -> None:
    assert growth(pattern, 0, method) > LINEAR
