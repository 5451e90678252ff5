"""Builds the documentation site: `python -m docs.website`, or `make docs-site`.

The pages under docs/ are also read where the repository is read, so they link to files of code.
The site has no such files. This module lays all pages out in `build/docs-source`:

- a file that a page links to, outside docs/, becomes a page of its own: code with its highlights,
  a notebook with its outputs;
- the pages of reference get what the program says of itself: commands, endpoints.

Then Zensical makes `build/docs-site` of it. It fails where a link leads nowhere.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

__all__ = ["commands", "endpoints", "main", "notebook_page", "stage"]

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILD = ROOT / "build"
SOURCE = BUILD / "docs-source"

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FENCES = re.compile(r"^(```|~~~).*?^\1\s*?$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LANGUAGES = {"": "text", ".py": "python", ".toml": "toml", ".json": "json", ".csv": "text"}
_PAGES = {".md", ".png", ".svg", ".json"}


def stage() -> None:
    """Lay out the pages of the site.

    Raises:
        FileNotFoundError: A page links to a file that is not there.
    """
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(DOCS, SOURCE, ignore=lambda _, names: [n for n in names if n.endswith(".py")])
    shutil.rmtree(SOURCE / "__pycache__", ignore_errors=True)
    waiting = sorted(SOURCE.rglob("*.md"))
    made: dict[Path, Path] = {}
    while waiting:
        page = waiting.pop()
        origin = made.get(page, DOCS / page.relative_to(SOURCE))
        if origin.suffix not in {".md", ".ipynb"}:
            continue
        text = page.read_text(encoding="utf-8")
        for target in _outside(text, origin):
            new = _page_of(target)
            if new not in made:
                made[new] = target
                new.parent.mkdir(parents=True, exist_ok=True)
                new.write_text(_text_of(target), encoding="utf-8")
                waiting.append(new)
        text = _relinked(text, origin, page).replace("```bash no-test", "```bash")
        page.write_text(text, encoding="utf-8")
    _fill("reference/cli.md", "<!-- commands -->", commands())
    document = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
    _fill("reference/http.md", "<!-- endpoints -->", endpoints(document))


def _fill(name: str, mark: str, text: str) -> None:
    page = SOURCE / name
    page.write_text(page.read_text(encoding="utf-8").replace(mark, text), encoding="utf-8")


# ---------------------------------------------------------------- links out of docs/


def _outside(text: str, origin: Path) -> Iterator[Path]:
    """Yield the files outside docs/ that a page links to."""
    for found in _LINK.finditer(_FENCES.sub("", text)):
        target = Path(os.path.normpath(origin.parent / found[1]))
        if not target.is_relative_to(DOCS):
            yield target


def _page_of(target: Path) -> Path:
    """Where the page of a file outside docs/ stands on the site."""
    name = target.relative_to(ROOT)
    if target.suffix == ".ipynb":
        return SOURCE / name.with_suffix(".md")
    return SOURCE / (name if target.suffix == ".md" else name.with_name(f"{name.name}.md"))


def _relinked(text: str, origin: Path, page: Path) -> str:
    """Text of a page, its links led to the pages of the site."""

    def new(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(origin.parent / found[1]))
        inside = target.is_relative_to(DOCS)
        place = SOURCE / target.relative_to(DOCS) if inside else _page_of(target)
        return os.path.relpath(place, page.parent) + (found[2] or "")

    parts = []
    end = 0
    for fence in _FENCES.finditer(text):
        parts += [_LINK.sub(new, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(new, text[end:])])


def _text_of(target: Path) -> str:
    """Return the page of a file outside docs/."""
    if target.suffix == ".ipynb":
        return notebook_page(json.loads(target.read_text(encoding="utf-8")))
    text = target.read_text(encoding="utf-8")
    if target.suffix == ".md":
        return text
    language = _LANGUAGES.get(target.suffix, "text")
    name = target.relative_to(ROOT).as_posix()
    return f"# {name}\n\n````{language}\n{text.rstrip()}\n````\n"


def notebook_page(notebook: dict[str, Any]) -> str:
    """Turn the JSON of a notebook into a page, outputs and pictures included."""
    parts = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"]).rstrip()
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                parts.append(f"![](data:image/png;base64,{''.join(data['image/png'].split())})")
            elif "text/html" in data:
                html = "".join(data["text/html"]).replace(' border="1" class="dataframe"', "")
                html = re.sub(r"<style.*?</style>", "", html, flags=re.S)
                parts.append(re.sub(r"\n\s*", "\n", html).strip())
            else:
                said = "".join(output.get("text") or data.get("text/plain", "")).rstrip()
                parts.append(f"```text\n{said}\n```")
    return "\n\n".join(parts) + "\n"


# ---------------------------------------------------------------- what the program says of itself


def commands() -> str:
    """Every command of `madeira` with its options, as the program describes them."""
    from madeira.app.cli import _commands

    group = typer.main.get_command(_commands)
    parts = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        parts += [f"## madeira {name}", " ".join((command.help or "").split(" "))]
        rows = [
            f"| {_cell(_names(option))} | {_cell(_default(option))} | {_cell(option.help or '')} |"
            for option in command.params
        ]
        parts.append("\n".join(["| option | default | |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def _names(option: Any) -> str:  # noqa: ANN401 - of typer's own making
    names = [*option.opts, *option.secondary_opts]
    if option.param_type_name == "argument":
        names = [option.metavar or option.name.upper()]
    return ", ".join(f"`{name}`" for name in names)


def _default(option: Any) -> str:  # noqa: ANN401
    if option.required:
        return "required"
    return "" if option.default in (None, False) else f"`{option.default}`"


def endpoints(document: dict[str, Any]) -> str:
    """Return the endpoints of an OpenAPI document, with their parameters, bodies and answers."""
    parts = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += [f"## {method.upper()} {path}", operation.get("description", "")]
            if operation.get("parameters"):
                rows = [_parameter_row(one) for one in operation["parameters"]]
                head = ["| parameter | in | type | |", "| --- | --- | --- | --- |"]
                parts.append("\n".join([*head, *rows]))
            answers = [
                f"| {status} | {_cell(answer.get('description', ''))} |"
                f" {_cell(', '.join(_types(answer)))} |"
                for status, answer in operation["responses"].items()
            ]
            parts.append("\n".join(["| status | | body |", "| --- | --- | --- |", *answers]))
    parts.append("## Bodies")
    for name, schema in document["components"]["schemas"].items():
        parts += [f"### {name}", schema.get("description", "")]
        required = schema.get("required", [])
        rows = [
            f"| `{field}`{' (required)' if field in required else ''} | {_cell(_type(one))} |"
            f" {_cell(one.get('description', ''))} |"
            for field, one in schema.get("properties", {}).items()
        ]
        if rows:
            parts.append("\n".join(["| field | type | |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(part for part in parts if part)


def _parameter_row(one: dict[str, Any]) -> str:
    required = " (required)" if one.get("required") else ""
    text = one.get("description", "")
    kind = _type(one.get("schema", {}))
    return f"| `{one['name']}`{required} | {one['in']} | {_cell(kind)} | {_cell(text)} |"


def _types(answer: dict[str, Any]) -> list[str]:
    """Return the media types of an answer, with the schema of each."""
    return [
        f"`{media}` {_type(content.get('schema', {}))}".rstrip()
        for media, content in answer.get("content", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in a few words: a link to its table where it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any value"))


def _cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Build the site.

    Raises:
        SystemExit: The site cannot be built; what is wrong stands above.
    """
    stage()
    shutil.copy(DOCS / "zensical.toml", BUILD)
    zensical = Path(sys.executable).with_name("zensical")
    sys.exit(subprocess.run([zensical, "build", "--strict", "--clean"], cwd=BUILD).returncode)


if __name__ == "__main__":
    main()
