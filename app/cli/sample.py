"""`madeira sample`: any number of new rows."""

from collections.abc import Sequence
from typing import Annotated

import typer

from madeira.app.cli.bulk import BulkOutput, load_model, manifest_of
from madeira.app.cli.bulk_options import (
    DrawSeedOption,
    Form,
    FormOption,
    JsonOption,
    ModelOption,
    OutOption,
    ResumeOption,
    ThreadsOption,
    UrlOption,
    VersionOption,
    WithinRangeOption,
)
from madeira.app.cli.options import ComputeDeviceOption, SearchPathOption

__all__ = ["sample"]


def sample(
    model: ModelOption,
    out: OutOption,
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, help="How many rows.")],
    model_version: VersionOption = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--given",
            metavar="COLUMN=VALUE",
            help="A value that every row has; may be said for several columns.",
        ),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature", min=0.0, help="Above 1 rarer values, below 1 more typical ones."
        ),
    ] = 1.0,
    seed: DrawSeedOption = 0,
    within_range: WithinRangeOption = True,
    nulls: Annotated[
        bool | None,
        typer.Option(
            "--nulls/--no-nulls",
            help="Whether cells are missing as in the training rows.",
            show_default="where nothing is given",
        ),
    ] = None,
    resume: ResumeOption = False,
    form: FormOption = Form.CSV,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    device: ComputeDeviceOption = "cpu",
    checkpoints: SearchPathOption = None,
    url: UrlOption = None,
) -> None:
    """Draw new rows from a model.

    Any number of rows is drawn in constant memory, on all cores.
    """
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from madeira.app.bulk.blocks import ranges
    from madeira.app.bulk.parts import Part

    output = BulkOutput(out, form, resume, None, as_json, threads)
    output.check()
    fixed = _pairs(given or ())
    options = {
        "rows": rows,
        "given": fixed,
        "seed": seed,
        "temperature": temperature,
        "within_range": within_range,
        "nulls": nulls,
    }
    with load_model(model, model_version, checkpoints, device, url) as loaded:
        output.write(
            ranges(rows),
            lambda block: Part(
                loaded.sample(
                    block.start,
                    block.rows,
                    given=fixed,
                    seed=seed,
                    temperature=temperature,
                    within_range=within_range,
                    nulls=nulls,
                )
            ),
            manifest_of("sample", loaded, (), options),
        )


def _pairs(given: Sequence[str]) -> dict[str, str]:
    """Read COLUMN=VALUE; the model reads a number or a date of its text.

    Raises:
        BadParameter: A text is of another form.
    """
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not COLUMN=VALUE", param_hint="--given")
        pairs[name] = value
    return pairs
