"""Machine code is kept where it can be written, and follows its sources."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from madeira.models import compiled
from madeira.models.compiled import machine_code_folder

START = """
from madeira.models.compiled import machine_code_folder
print(machine_code_folder())
"""


def test_the_package_keeps_its_machine_code() -> None:
    assert machine_code_folder().is_dir()


def test_a_package_that_cannot_be_written_to_hands_on_what_it_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = machine_code_folder()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    refuse = shipped.parent
    script = f"""
import tempfile
real = tempfile.TemporaryFile
def refusing(dir=None, **options):
    if str(dir).startswith({str(refuse)!r}):
        raise PermissionError("read-only")
    return real(dir=dir, **options)
tempfile.TemporaryFile = refusing
{START}
"""
    (shipped / "shipped_with").write_text("it")
    try:
        found = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.strip()
    finally:
        (shipped / "shipped_with").unlink()
    assert Path(found).is_relative_to(tmp_path)
    assert (Path(found) / "shipped_with").read_text() == "it"


def test_every_file_with_a_compiled_function_is_part_of_the_digest() -> None:
    models = Path(compiled.__file__).parent
    compiling = re.compile(r"^(@|\w+ = )(compiled|inlined|subroutine)\b", re.MULTILINE)
    files = {path for path in models.rglob("*.py") if compiling.search(path.read_text("utf-8"))}
    assert files <= set(compiled._SOURCES)
    assert len(files) > 10
