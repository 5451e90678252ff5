"""The grammar of numbers written as text, in the syntax that `re` and Arrow's RE2 share.

Digits are ASCII. No pattern can match a text in two ways, so that `re` takes linear time too.
"""

__all__ = [
    "DECIMAL_COMMA",
    "FRACTION",
    "LEADING_ZERO",
    "NUMBER",
    "NUMBER_LIKE",
    "UNSIGNED",
    "WHOLE",
]

_EXPONENT = "([eE][-+]?[0-9]+)?"

UNSIGNED = rf"([0-9]+(\.[0-9]*)?|\.[0-9]+){_EXPONENT}"
NUMBER = f"[-+]?{UNSIGNED}"
FRACTION = rf"[-+]?[0-9]*\.[0-9]+{_EXPONENT}"
"""A number with a decimal point and digits behind it."""

WHOLE = "-?(0|[1-9][0-9]*)"
LEADING_ZERO = "-?0[0-9]+"
"""Digits that are a code rather than a number, such as `01234`."""

DECIMAL_COMMA = "-?[0-9]+,[0-9]+"

NUMBER_LIKE = r"\s*[-+]?[0-9][0-9.,]*\s*"
"""Digits, points and commas, in any order that may be a number to a person."""
