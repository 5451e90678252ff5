"""The MADE paper's table of test likelihoods, trained again: see docs/likelihood.md."""

__all__: list[str] = []
