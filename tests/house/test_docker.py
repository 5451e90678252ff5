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


def services() -> dict[str, dict[str, Any]]:
    """Read the services of the compose file, by name; there are some."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    assert found
    return found


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


def test_compose_serves_on_a_machine_without_a_gpu() -> None:
    by_default = {name: one for name, one in services().items() if "profiles" not in one}
    assert by_default, "`docker compose up` starts nothing"
    wanting = [name for name, one in by_default.items() if gpus(one)]
    assert not wanting, f"only a profile may need a GPU: {wanting}"
    assert any(gpus(one) for one in services().values()), "no service computes on a GPU"


def gpus(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the GPUs that a service reserves."""
    resources = service.get("deploy", {}).get("resources", {})
    devices = resources.get("reservations", {}).get("devices", [])
    return [one for one in devices if "gpu" in one["capabilities"] and one["driver"] == "nvidia"]


@pytest.mark.parametrize("name", services())
def test_a_compose_service_can_write_nothing_that_lasts(name: str) -> None:
    service = services()[name]
    dockerfile = Path(service["build"]["dockerfile"])
    assert dockerfile in DOCKERFILES
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(volume["read_only"] is True for volume in service["volumes"])
    mounted = {volume["target"] for volume in service["volumes"]}
    assert environment(dockerfile)["MADEIRA_CHECKPOINTS"] in mounted
    port = environment(dockerfile)["MADEIRA_PORT"]
    assert any(published.endswith(f":{port}") for published in service["ports"])


@pytest.mark.parametrize("name", services())
def test_a_compose_service_is_reached_from_this_machine_alone_and_is_bounded(name: str) -> None:
    service = services()[name]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert re.fullmatch(r"\d+[gm]", service["mem_limit"])
    assert 0 < service["pids_limit"] < 10_000
