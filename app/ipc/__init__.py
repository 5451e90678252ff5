"""Between API processes, workers and their supervisor: frames, messages, heartbeats, paths.

Both ends import this, and neither imports the other.
"""

__all__: list[str] = []
