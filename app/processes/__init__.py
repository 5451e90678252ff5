"""The processes of a service: their specifications, and the supervisor that keeps them running.

Nothing is imported with the package: a process that only supervises others needs no PyTorch.
"""

__all__: list[str] = []
