"""A few thousand odd inputs for everything that reads bytes; `make fuzz-bytes` tries many more."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytest.importorskip("atheris", reason="the fuzzer of bytes is not installed here")

RUNS = {
    **{"json": 3000, "arrow": 3000, "csv_body": 2000, "ndjson": 2000},
    **{"parquet_body": 2000, "arrow_file": 1000, "npy": 1000, "form": 1000},
    **{"json_file": 2000, "compressed": 1000, "workbook": 500},
    **{"csv": 2000, "parquet": 2000, "schema": 3000, "notation": 100},
}


@pytest.mark.parametrize("name", RUNS)
def test_odd_inputs_are_read_or_refused(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.bytes", name, str(RUNS[name])]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert tried is not None
    assert int(tried[1]) >= RUNS[name]
