"""Weights of a trained network prepared for inference: sorted, folded, in blocks."""

__all__: list[str] = []
