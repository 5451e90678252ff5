"""The processes of a service: what they are to be like, and the supervisor that keeps them running.

Nothing is imported with the package: a process that only supervises others needs no PyTorch.
"""

__all__: list[str] = []
