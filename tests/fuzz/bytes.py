"""Fuzzes what reads bytes: `python -m tests.fuzz.bytes NAME RUNS [SEED]`.

Coverage guides the fuzzer (atheris, libFuzzer): inputs that reach new lines are changed further.
The same seed tries the same inputs. It ends with an error at the first fault, whose input is
written to `crash-...` in the working directory, and else says how many inputs were tried.
"""

import sys
import tempfile
from pathlib import Path

import atheris

FOLLOWED = [
    "madeira.app.codecs",
    "madeira.app.cli",
    "madeira.models.columns",
    "madeira.models.tables",
]

with atheris.instrument_imports(include=FOLLOWED):
    from tests.fuzz.codecs import TARGETS

__all__ = ["main"]

MAX_BYTES = 4096


def main(name: str, runs: int, seed: int = 1) -> None:
    """Fuzzes a target; the process ends with it."""
    target = TARGETS[name]
    corpus = Path(tempfile.mkdtemp())
    for place, content in enumerate(target.seeds):
        (corpus / f"seed{place}").write_bytes(content)
    words = corpus.parent / f"{corpus.name}.dict"
    lines = (
        '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"' for word in target.words
    )
    words.write_text("\n".join(lines) + "\n")
    flags = [f"-runs={runs}", f"-seed={seed}", f"-max_len={MAX_BYTES}", "-timeout=60"]
    flags += [
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-dict={words}",
        str(corpus),
    ]
    atheris.Setup([name, *flags], target.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
