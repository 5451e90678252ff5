"""The one-pass walk: every cell of a row, in order, while the network is evaluated once."""

from madeira.models.inference.walk.walk import Walk, compiled_on, walk_on

__all__ = ["Walk", "compiled_on", "walk_on"]
