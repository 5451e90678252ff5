"""The HTTP server, in one process or several: sockets, connections, draining.

Nothing is imported with the package: importing the application takes seconds.
"""

__all__: list[str] = []
