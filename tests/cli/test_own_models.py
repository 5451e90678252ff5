"""Models that a user trains go to a directory of their own; `madeira serve` says what it has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from madeira.models.checkpoint import versions
from madeira.models.model_directories import bundled_directory

COMMAND = [sys.executable, "-m", "madeira"]


def test_training_writes_to_the_users_directory_and_to_no_other(
    fruit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = bundled_directory() / "penguins"
    before = versions(bundled)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    run = subprocess.run(
        [*COMMAND, "train", str(fruit), "--name", "penguins", "--preset", "fast"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    own = tmp_path / "data" / "madeira" / "models"
    assert versions(own / "penguins") == ["2"]  # the bundled one has number 1
    assert versions(bundled) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    said = " ".join(run.stdout.split())
    assert "instead of" in said
    listed = subprocess.run(
        [*COMMAND, "models"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert f"{own}\n" in listed.stdout
    assert f"{bundled.parent}\n" in listed.stdout


def test_a_service_without_a_model_says_where_it_looked(tmp_path: Path) -> None:
    serving = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--checkpoints", str(tmp_path / "none")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MADEIRA_DEVICES": "cpu:1"},
    )
    assert serving.stdout is not None
    said = ""
    try:
        for line in serving.stdout:
            said += line
            if "has started" in line:
                break
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=150)
    assert serving.returncode == 0
    assert f"{tmp_path / 'none'}: none yet" in said
    assert "`madeira train DATA --name NAME` makes one" in said
