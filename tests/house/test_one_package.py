"""What is installed is one name, `madeira`: a user's own `app` and `models` are not in its way."""

import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

PROGRAM = """
import app, models, madeira
from madeira import DensityEstimator, Settings, read_table
assert (app.OWN, models.OWN) == ("app", "models")
print(read_table("fruit.csv").num_rows, Settings().port)
"""


def test_a_folder_with_modules_of_the_same_names(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("OWN = 'models'\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("OWN = 'app'\n")
    (tmp_path / "fruit.csv").write_text("name\napple\npear\n")
    (tmp_path / "own.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MADEIRA_PORT": "9000"}
    said = subprocess.run(
        [sys.executable, "own.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == "2 9000\n", said.stderr
    command = [sys.executable, "-m", "madeira", "--version"]
    version = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert version.returncode == 0, version.stderr
