"""Short quotations of untrusted texts for error messages.

An error has to show some of the text that is wrong. The work and the length of the message must
not depend on the sender: texts are cut before anything else is done with them, lists are cut before
they are joined, and few words are compared to find a likely correction.
"""

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from itertools import islice

__all__ = [
    "MAX_ECHO",
    "MAX_HINTS",
    "closest",
    "cut",
    "did_you_mean",
    "escaped",
    "expected_one_of",
    "listed",
    "quoted",
]

MAX_ECHO = 100
"""Most characters of one text that an error repeats."""

MAX_HINTS = 5
"""Most unknown words of one request for which a correction is looked for."""

MAX_CANDIDATES = 1000
"""Most known words that an unknown one is compared with: each takes some 10 us."""

MAX_LISTED = 20
"""Most names of one list."""

_MAX_BITS = 1024


def cut(text: str, limit: int = MAX_ECHO) -> str:
    """Cut a text that is longer than `limit` characters, and end it with three points.

    >>> cut("abcdefghij", 8)
    'abcde...'
    """
    return text if len(text) <= limit else text[: limit - 3] + "..."


def escaped(text: str, limit: int | None = None) -> str:
    r"""Escape a text so that it takes one line and hides nothing; cut it to a number of characters.

    Line breaks, other control characters, what turns the direction of writing and what is no
    character at all are written as escapes, so that a name out of a file cannot forge a line.

    Args:
        text: Any.
        limit: Most characters of the result; None for all.

    >>> escaped("a\nb")
    'a\\nb'
    """
    if limit is not None:
        text = cut(text, limit)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if limit is None else cut(text, limit)


def quoted(value: object) -> str:
    """Show a value in an error: texts in quotes and cut, lists and objects by their type.

    >>> quoted("x" * 1000) == repr("x" * 97 + "...")
    True
    >>> quoted([1, 2])
    'a list'
    """
    match value:
        case str():
            return repr(cut(value))
        case bytes():
            return repr(value[:MAX_ECHO])
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case int() if value.bit_length() > _MAX_BITS:  # Python refuses to write very long ones
            return f"a whole number of {value.bit_length()} bits"
        case _:
            return cut(repr(value))


def listed(names: Collection[str], shown: Callable[[str], str] = cut) -> str:
    """Join the first names with commas, each as `shown`, and say how many there are in all.

    >>> listed(["a", "b"])
    'a, b'
    """
    first = ", ".join(map(shown, islice(names, MAX_LISTED)))
    return first if len(names) <= MAX_LISTED else f"{first}, ... ({len(names)} in all)"


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like another, if one is like it.

    Args:
        word: What was written; only its first characters are compared.
        known: What could have been meant; only the first of them, and their first characters, are
            compared.
    """
    candidates = {known_word[:MAX_ECHO]: known_word for known_word in islice(known, MAX_CANDIDATES)}
    close = get_close_matches(word[:MAX_ECHO], candidates, n=1, cutoff=0.6)
    return candidates[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or nothing where no known word is close; see `closest`."""
    close = closest(word, known)
    return "" if close is None else f" Did you mean {quoted(close)}?"


def expected_one_of(known: Collection[str], word: str | None = None) -> str:
    """Say which words are known, and which of them another one was probably meant to be.

    Args:
        known: The words that are understood.
        word: The unknown one; None where nothing is to be guessed.

    >>> expected_one_of(["city", "visits"], "vists")
    "expected one of 'city', 'visits'; did you mean 'visits'?"
    """
    close = None if word is None else closest(word, known)
    expected = f"expected one of {listed(known, quoted)}"
    return expected if close is None else f"{expected}; did you mean {quoted(close)}?"
