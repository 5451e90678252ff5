"""The worker process: it computes the jobs that arrive on its socket.

No other process imports this package: a worker is started by the name of its module.
"""

__all__: list[str] = []
