"""What the linter of Dockerfiles cannot know: that the files fit this project.

No container engine is needed: the Dockerfiles and the compose file are read as text.
"""

import importlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.tree import ROOT, project_files

DOCKERFILES = sorted(path for path in project_files() if path.suffix == ".Dockerfile")
SERVICE_KEYS = {
    "build", "cap_drop", "deploy", "image", "mem_limit", "pids_limit", "ports", "profiles",
    "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip


def instructions(path: Path) -> list[tuple[str, str]]:
    """Split a Dockerfile into (instruction, arguments), continuation lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    parts = [line.strip().split(maxsplit=1) for line in lines if line.strip()]
    return [(part[0], part[1]) for part in parts]


def environment(path: Path) -> dict[str, str]:
    words = [
        word for name, rest in instructions(path) if name == "ENV" for word in shlex.split(rest)
    ]
    return dict(word.split("=", maxsplit=1) for word in words)


def compose() -> dict[str, Any]:
    """Read the compose file; a repeated key, which YAML readers let pass, is an error."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    nodes = [yaml.compose(text)]
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"a key is repeated: {keys}"
            nodes += [value for _, value in node.value]
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_what_an_image_copies_reaches_the_build(path: Path) -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for name, rest in instructions(path)
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == kept, "the .dockerignore keeps out, or lets in, other files than are copied"
    top = {file.parts[0] for file in project_files()}
    assert copied <= top, f"{sorted(copied - top)} is not in the repository"


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_the_service_runs_as_nobody_in_particular_and_reports_its_health(path: Path) -> None:
    written = instructions(path)
    last_stage = written[max(i for i, (name, _) in enumerate(written) if name == "FROM") :]
    final = dict(last_stage)
    user = final["USER"].split(":")[0]
    assert user.isdecimal(), "a number, so that an orchestrator can see that it is not root"
    assert int(user) > 0
    assert "/health/ready" in final["HEALTHCHECK"]
    assert f":{environment(path)['MADEIRA_PORT']}/" in final["HEALTHCHECK"]
    assert json.loads(final["ENTRYPOINT"]) + json.loads(final["CMD"]) == ["madeira", "serve"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_the_environment_holds_settings_that_exist(path: Path) -> None:
    settings = importlib.import_module("madeira.app.settings").Settings
    known = {f"MADEIRA_{field.upper()}" for field in settings.model_fields}
    given = {name for name in environment(path) if name.startswith("MADEIRA_")}
    assert given <= known, f"{sorted(given - known)} is no setting"


def test_compose_serves_the_cpu_unless_the_gpu_is_asked_for() -> None:
    services = compose()["services"]
    assert set(services) == {"cpu", "gpu"}
    assert "profiles" not in services["cpu"]
    assert services["gpu"]["profiles"] == ["gpu"]
    (device,) = services["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert "gpu" in device["capabilities"]


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_a_compose_service_can_write_nothing_that_lasts(name: str) -> None:
    service = compose()["services"][name]
    assert set(service) <= SERVICE_KEYS, "a key that this test does not know: a typing error?"
    assert Path(service["build"]["dockerfile"]) in DOCKERFILES
    dockerfile = Path(service["build"]["dockerfile"])
    assert service["read_only"] is True
    (volume,) = service["volumes"]
    assert volume["read_only"] is True
    assert volume["target"] == environment(dockerfile)["MADEIRA_CHECKPOINTS"]
    assert service["ports"][0].endswith(f":{environment(dockerfile)['MADEIRA_PORT']}")


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_a_compose_service_is_reached_from_this_machine_alone_and_is_bounded(name: str) -> None:
    service = compose()["services"][name]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert re.fullmatch(r"\d+[gm]", service["mem_limit"])
    assert 0 < service["pids_limit"] < 10_000
