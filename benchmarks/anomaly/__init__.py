"""Anomaly benchmark: how well anomalies are told from usual rows, Madeira beside six detectors."""

__all__: list[str] = []
