"""How many steps a backtracking search takes: a regular expression matched by the book, counted.

`re` neither counts its steps nor bounds them. This matcher takes the same tree as `re` does and
walks it in the same order, without any of its shortcuts, so that what is linear here is linear
there.
"""

import math
import re
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, product
from re import _parser  # type: ignore[attr-defined]  # the tree that `re` walks
from typing import Any

__all__ = ["SIZES", "adversarial", "growth", "steps"]

SIZES = (32, 64)
"""Letters of what is repeated in an adversarial text."""

MAX_STEPS = 100_000
"""Steps after which a search is given up: it is far beyond linear."""

Nodes = Sequence[tuple[Any, Any]]
Then = Callable[[int], bool]

_FOREIGN = "\u2603"
_MAX_PUMPS = 30


class _TooManyError(Exception):
    """A search is given up."""


@dataclass
class _Matcher:
    text: str
    ignore_case: bool
    steps: int = field(default=0)

    def run(self, nodes: Nodes, place: int, then: Then, index: int = 0) -> bool:
        if index == len(nodes):
            return then(place)
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise _TooManyError
        op, value = nodes[index]

        def on(found: int) -> bool:
            return self.run(nodes, found, then, index + 1)

        match str(op):
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                found = place < len(self.text) and self._takes(op, value, self.text[place])
                return found and on(place + 1)
            case "BRANCH":
                return any(self.run(branch, place, on) for branch in value[1])
            case "SUBPATTERN":
                return self.run(value[3], place, on)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(value, place, on, 0, greedy=str(op) == "MAX_REPEAT")
            case "POSSESSIVE_REPEAT":
                least, most, inner = value
                count = 0
                while count < most and (end := self._end(inner, place)) is not None:
                    count += 1
                    if end == place:
                        break
                    place = end
                return count >= least and on(place)
            case "ATOMIC_GROUP":
                end = self._end(value, place)
                return end is not None and on(end)
            case "AT":
                return self._at(str(value), place) and on(place)
            case "ASSERT" | "ASSERT_NOT":
                direction, inner = value
                start = place if direction > 0 else place - inner.getwidth()[0]
                found = start >= 0 and self._end(inner, start) is not None
                return found == (str(op) == "ASSERT") and on(place)
            case _:
                raise NotImplementedError(op)

    def _repeat(
        self, value: tuple[int, int, Nodes], place: int, on: Then, count: int, *, greedy: bool
    ) -> bool:
        least, most, inner = value

        def again() -> bool:
            return count < most and self.run(
                inner,
                place,
                lambda end: end > place and self._repeat(value, end, on, count + 1, greedy=greedy),
            )

        def enough() -> bool:
            return count >= least and on(place)

        return (again() or enough()) if greedy else (enough() or again())

    def _end(self, nodes: Nodes, place: int) -> int | None:
        ends: list[int] = []
        self.run(nodes, place, lambda end: not ends.append(end))  # type: ignore[func-returns-value]
        return ends[0] if ends else None

    def _at(self, what: str, place: int) -> bool:
        if what in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return place == 0
        if what in ("AT_END", "AT_END_STRING"):
            return place == len(self.text)
        raise NotImplementedError(what)

    def _takes(self, op: Any, value: Any, letter: str) -> bool:  # noqa: ANN401 - of `re`
        letters = {letter, letter.lower(), letter.upper()} if self.ignore_case else {letter}
        return any(_takes(str(op), value, one) for one in letters)


def _takes(op: str, value: Any, letter: str) -> bool:  # noqa: ANN401 - whatever the node holds
    match op:
        case "LITERAL":
            return letter == chr(value)
        case "NOT_LITERAL":
            return letter != chr(value)
        case "ANY":
            return letter != "\n"
        case "RANGE":
            return bool(value[0] <= ord(letter[0]) <= value[1])
        case "CATEGORY":
            name = str(value).removeprefix("CATEGORY_").removeprefix("NOT_")
            escape = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name]
            return bool(re.match(escape, letter)) != ("NOT" in str(value))
        case _:
            negated = str(value[0][0]) == "NEGATE"
            return any(_takes(str(o), v, letter) for o, v in value[negated:]) != negated


def steps(pattern: str, flags: int, method: str, text: str) -> int:
    """Count the steps that a method of a pattern takes on a text.

    Args:
        pattern: The regular expression.
        flags: Its flags.
        method: `match`, `fullmatch`, `search`, or one that looks for all matches.
        text: The text.
    """
    tree = _parser.parse(pattern, flags)
    matcher = _Matcher(text, bool(tree.state.flags & re.IGNORECASE))
    with suppress(_TooManyError):
        _match(matcher, tree, method)
    return matcher.steps


def _match(matcher: _Matcher, tree: Nodes, method: str) -> None:
    text = matcher.text
    if method == "fullmatch":
        matcher.run(tree, 0, lambda end: end == len(text))
    elif method == "match":
        matcher.run(tree, 0, lambda _: True)
    else:
        place = 0
        while place <= len(text):
            end = matcher._end(tree, place)
            if end is not None and method == "search":
                break
            place = max(place + 1, end or 0)


def _letters(nodes: Nodes) -> Iterator[str]:
    """Yield letters that each node takes."""
    for op, value in nodes:
        match str(op):
            case "LITERAL":
                yield chr(value)
            case "IN" | "ANY" | "NOT_LITERAL":
                letters = "a1 -.Zz9_\t" + string.printable + _FOREIGN
                fitting = dict.fromkeys(x for x in letters if _takes(str(op), value, x))
                yield from islice(fitting, 3)
            case "BRANCH":
                for branch in value[1]:
                    yield from _letters(branch)
            case "SUBPATTERN":
                yield from _letters(value[3])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield from _letters(value[2])
            case "ATOMIC_GROUP":
                yield from _letters(value)
            case "ASSERT" | "ASSERT_NOT":
                yield from _letters(value[1])


def _example(nodes: Nodes) -> str:
    """Return a text that matches, with every repeat at least once if that is allowed."""
    text = ""
    for op, value in nodes:
        match str(op):
            case "LITERAL" | "IN" | "ANY" | "NOT_LITERAL":
                text += next(_letters([(op, value)]))
            case "BRANCH":
                text += _example(value[1][0])
            case "SUBPATTERN":
                text += _example(value[3])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += _example(value[2]) * max(value[0], 1)
            case "ATOMIC_GROUP":
                text += _example(value)
    return text


def _pumped(before: str, pump: str, after: str, letters: int) -> str:
    return before + pump * max(1, letters // len(pump)) + after


def adversarial(pattern: str, flags: int) -> Iterator[Callable[[int], str]]:
    """Texts that grow: parts of a matching text, and in it what its own letters spell, repeated."""
    tree = _parser.parse(pattern, flags)
    example = _example(tree)
    letters = list(dict.fromkeys(_letters(tree)))
    few = letters[:7]
    pairs = ("".join(two) for two in product(few[:3], few[:3]))
    pumps = dict.fromkeys([*few, *pairs, example, example[:-1] or example, *letters[:24]])
    for place, pump, end in product(
        sorted({0, len(example) // 2, len(example), *range(min(len(example), 4))}),
        list(pumps)[:_MAX_PUMPS],
        ("", _FOREIGN),
    ):
        yield partial(_pumped, example[:place], pump, end or example[place:])


def growth(pattern: str, flags: int, method: str) -> float:
    """How much longer the work gets in the worst case where the text gets twice as long.

    2 is linear, 4 quadratic.
    """
    worst = 1.0
    for text in adversarial(pattern, flags):
        small, large = (steps(pattern, flags, method, text(size)) for size in SIZES)
        if large > MAX_STEPS:
            return math.inf
        if large > 4 * SIZES[1]:  # what is constant, or ends early, grows by chance
            worst = max(worst, large / small)
        if worst > 3:
            break
    return worst
