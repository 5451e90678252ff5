"""The command `madeira`: `python -m madeira`."""

from madeira.app.command import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
