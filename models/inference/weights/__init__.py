"""Weights of a trained network, made ready for inference: sorted, folded, blocked."""

__all__: list[str] = []
