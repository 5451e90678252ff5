"""Jobs are computed here, in processes of their own.

Nothing is imported with the package: the process that only owns workers needs no PyTorch.
"""

__all__: list[str] = []
