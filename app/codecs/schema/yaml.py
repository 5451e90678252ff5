"""YAML and JSON in one reader that keeps the position of every value.

JSON is read as YAML. Of YAML's types of plain words only those of JSON are kept: numbers, `true`,
`false` and `null`. So `no`, `1e5x` and `2020-01-31` are texts, and a key is always a text. Anchors
and tags are errors. (ruamel.yaml has positions too, but reads the keys `1` and `2020-01-31` as
numbers and dates, and accepts anchors: names of columns must stay texts.)
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from madeira.models.echo import cut, quoted
from madeira.models.errors import SchemaError

__all__ = ["Document", "read_document"]

MAX_DEPTH = 32
"""Maximum depth of nesting; a schema needs four levels."""

MAX_NUMBER_TEXT = 400
"""Maximum number of characters of a number."""

_TAGS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:str": str,
}
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_LINE_BREAKS = str.maketrans({"\u0085": r"\N", "\u2028": r"\L", "\u2029": r"\P"})


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's loader with JSON's types of plain words instead of its own."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - an attribute of PyYAML


for _name, _pattern, _first in (
    ("null", "null", "n"),
    ("bool", "true|false", "tf"),
    ("int", "-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )


@dataclass(frozen=True)
class Document:
    """A document with the positions of its values.

    Attributes:
        file: Name of the file in messages.
        value: Mappings, lists, texts, numbers, booleans and None.
        root: The YAML node of the whole document.
    """

    file: str
    value: Any
    root: yaml.Node

    def place(self, path: Sequence[str | int]) -> str:
        """Return the position of a value as `file:line:column`.

        Args:
            path: Keys and indices from the root; the position is of the longest part that exists.
        """
        node = mark = self.root
        for step in path:
            found = next((pair for pair in _children(node) if pair[0] == step), None)
            if found is None:
                break
            _, mark, node = found
        return _place(self.file, mark.start_mark)


def read_document(file: str, text: str) -> Document:
    """Read one document.

    Args:
        file: Name of the file in messages.
        text: Its text.

    Raises:
        SchemaError: The document is empty, not YAML, nested too deeply, or has a key twice; the
            message names file, line and column.
    """
    text = _SURROGATES.sub(_joined, text).translate(_LINE_BREAKS)
    try:
        _check_depth(file, text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        problem = cut(error.problem or error.context or "it cannot be read")
        mark = error.problem_mark or error.context_mark
        place = file if mark is None else _place(file, mark)
        raise SchemaError(f"{place}: not YAML and not JSON: {problem}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise SchemaError(f"{place}: this is no text that can be read: {error.reason}") from None
    if root is None:
        raise SchemaError(f"{file} is empty")
    return Document(file, _value(file, root, set()), root)


def _check_depth(file: str, text: str) -> None:
    """Reject deep nesting: the parser is recursive.

    Raises:
        SchemaError: The nesting is deeper than `MAX_DEPTH`.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise SchemaError(f"{_place(file, event.start_mark)}: nested deeper than {MAX_DEPTH}")


def _value(file: str, node: yaml.Node, seen: set[int]) -> Any:  # noqa: ANN401 - any JSON value
    """Convert a node to a value.

    Args:
        file: Name of the file in messages.
        node: The node.
        seen: Ids of the nodes before it, to detect anchors.

    Raises:
        SchemaError: The node has an anchor, a tag, a repeated key or a number that is too long.
    """
    if id(node) in seen:
        raise SchemaError(f"{_place(file, node.start_mark)}: anchors are not understood")
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        convert = _TAGS.get(node.tag)
        if convert is None:
            raise SchemaError(f"{_place(file, node.start_mark)}: tags are not understood")
        if convert in (int, float) and len(node.value) > MAX_NUMBER_TEXT:
            place = _place(file, node.start_mark)
            raise SchemaError(f"{place}: a number of {len(node.value)} characters is too long")
        empty = not node.value and node.style in (None, "")  # without quotes
        return None if empty else convert(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(file, item, seen) for item in node.value]
    mapping = {}
    for key, value in node.value:
        place = _place(file, key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise SchemaError(f"{place}: a name is expected")
        if key.value in mapping:
            raise SchemaError(f"{place}: {quoted(key.value)} twice")
        mapping[key.value] = _value(file, value, seen)
    return mapping


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node, yaml.Node]]:
    """Yield key or index, the node with its position, and the child."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((place, item, item) for place, item in enumerate(node.value))


def _joined(pair: re.Match[str]) -> str:
    """Join the two escapes of a surrogate pair: JSON's escapes are UTF-16, YAML's are not."""
    return bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be")


def _place(file: str, mark: yaml.Mark) -> str:
    return f"{file}:{mark.line + 1}:{mark.column + 1}"
