"""Settings: read once, refused when unknown, and documented."""

import re
from pathlib import Path

import pytest

from madeira.app.errors import AppError, SettingsError
from madeira.app.settings import PREFIX, Settings, settings_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"

COUNTS = ("port", "draws_limit", "api_processes")
"""Numbers that are counts of what they are called after."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)


def test_the_environment_sets_and_a_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADEIRA_PORT", "9000")
    monkeypatch.setenv("MADEIRA_CHECKPOINTS", "elsewhere")
    assert Settings.read().port == 9000
    assert Settings.read(port=9001).port == 9001
    assert Settings.read(port=None).port == 9000
    assert Settings.read().checkpoints == Path("elsewhere")


def test_a_variable_that_is_empty_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADEIRA_DEFAULT_MODEL", "")
    monkeypatch.setenv("MADEIRA_PORT", "")
    assert Settings.read() == Settings()


def test_a_misspelt_variable_stops_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADEIRA_BODY_LIMIT", "1")
    with pytest.raises(SettingsError, match="MADEIRA_BODY_LIMIT_BYTES"):
        Settings.read()


def test_a_misspelt_flag_is_refused() -> None:
    with pytest.raises(SettingsError, match="Did you mean 'checkpoints'"):
        Settings.read(chekpoints="x")


def test_the_data_of_the_benchmarks_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADEIRA_DATA", "/data")
    Settings.read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "many"),
        ("port", "65536"),
        ("port", "-1"),
        ("body_limit_bytes", "0"),
        ("request_limit_rows", "0"),
        ("sample_limit_rows", "1.5"),
        ("draws_limit", "0"),
        ("compute_chunk_rows", "0"),
        ("stream_chunk_rows", "-5"),
        ("threads", "0"),
        ("drain_timeout_s", "-1"),
        ("devices", "tpu"),
        ("devices", "cuda:"),
        ("devices", "cuda:x"),
        ("devices", "cpu:0"),
        ("devices", "cpu,"),
        ("api_processes", "0"),
        ("queue_limit_cost", "0"),
        ("queue_limit_requests", "0"),
        ("deadline_s", "0"),
        ("job_timeout_s", "-1"),
        ("batch_target_ms", "0"),
        ("batch_delay_ms", "-1"),
        ("log_level", "loud"),
    ],
)
def test_an_impossible_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)
    with pytest.raises(AppError) as raised:
        Settings.read()
    assert f"{PREFIX}{name.upper()}" in str(raised.value)
    assert repr(value) in str(raised.value)


@pytest.mark.parametrize(
    ("devices", "workers"),
    [
        ("cpu", ("cpu",)),
        ("cpu:3", ("cpu", "cpu", "cpu")),
        ("cuda", ("cuda",)),
        ("cuda:0, cuda:1", ("cuda:0", "cuda:1")),
        ("cpu:1,cuda:0", ("cpu", "cuda:0")),
    ],
)
def test_every_worker_has_a_device(devices: str, workers: tuple[str, ...]) -> None:
    assert Settings.read(devices=devices).worker_devices == workers


def test_the_cores_are_shared_among_the_workers_on_the_cpu() -> None:
    alone = Settings.read(devices="cpu").worker_threads
    assert Settings.read(devices=f"cpu:{alone}").worker_threads == 1
    assert Settings.read(devices="cpu:1,cuda:0").worker_threads == alone
    assert Settings.read(devices="cpu:64").worker_threads == 1
    assert Settings.read(devices="cpu:64", threads=3).worker_threads == 3


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.read().port = 1


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_number_has_its_unit_in_its_name(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    if isinstance(field.default, int | float) and name not in COUNTS:
        assert name.endswith(("_bytes", "_rows", "_s", "_ms", "_cost", "_requests", "_connections"))


def test_every_setting_is_documented() -> None:
    assert settings_table() in PAGE.read_text(encoding="utf-8"), (
        "docs/settings.md has another table than madeira.app.settings.settings_table() writes"
    )


def test_nothing_is_documented_that_is_no_setting() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {"MADEIRA_DATA"}
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    for path in pages:
        if path.exists():
            named = set(re.findall(r"MADEIRA_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
            assert named <= known, f"{path.name}: {sorted(named - known)}"
