"""Notations: how a column of text writes its numbers or dates, found and written back."""

from madeira.models.values.notation.date_notation import DateNotation
from madeira.models.values.notation.notation import Notation, find_notation, notation_from_json
from madeira.models.values.notation.number_notation import NumberNotation

__all__ = ["DateNotation", "Notation", "NumberNotation", "find_notation", "notation_from_json"]
