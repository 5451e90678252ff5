"""`madeira impute`: the rows of files with their missing cells filled."""

from typing import Annotated

import typer

from madeira.app.cli.bulk import BulkOutput, load_model, manifest_of, say, say_columns
from madeira.app.cli.bulk_options import (
    DrawSeedOption,
    ErrorsOption,
    FilesArgument,
    Form,
    FormOption,
    JsonOption,
    ModelOption,
    OnErrors,
    OutOption,
    RefusedOption,
    ResumeOption,
    ThreadsOption,
    UrlOption,
    VersionOption,
    WithinRangeOption,
)
from madeira.app.cli.options import ComputeDeviceOption, SearchPathOption
from madeira.models.estimate_names import Estimate

__all__ = ["impute"]


def impute(
    data: FilesArgument,
    model: ModelOption,
    out: OutOption,
    model_version: VersionOption = None,
    estimate: Annotated[
        Estimate,
        typer.Option(
            "--estimate",
            help="What fills a cell: a draw of its distribution, or its mean, median or mode.",
        ),
    ] = "draw",
    draws: Annotated[
        int,
        typer.Option(
            "--draws", min=1, max=100, help="Fillings of each row, told apart by a column draw."
        ),
    ] = 1,
    seed: DrawSeedOption = 0,
    within_range: WithinRangeOption = False,
    errors: ErrorsOption = OnErrors.FAIL,
    refused: RefusedOption = None,
    resume: ResumeOption = False,
    form: FormOption = Form.CSV,
    as_json: JsonOption = False,
    threads: ThreadsOption = None,
    device: ComputeDeviceOption = "cpu",
    checkpoints: SearchPathOption = None,
    url: UrlOption = None,
) -> None:
    """Fill the missing cells of the rows of DATA; everything else stays as it is.

    Any number of rows is filled in constant memory, on all cores.
    """  # noqa: DOC501 - it is the help text
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from madeira.app.bulk.answers import Impute
    from madeira.app.bulk.blocks import read_blocks, sources, with_first

    if draws > 1 and estimate != "draw":
        raise typer.BadParameter(f"several draws of the {estimate} would all be the same")
    output = BulkOutput(out, form, resume, refused, as_json, threads)
    with sources(data, f".{form}") as files:
        output.check(files)
        with load_model(model, model_version, checkpoints, device, url) as loaded:
            names, blocks = with_first(read_blocks(files, say))
            say_columns(loaded, names)
            answer = Impute(
                loaded,
                output.as_texts,
                errors is OnErrors.SKIP,
                draws,
                seed,
                estimate,
                within_range,
            )
            options = {
                "draws": draws,
                "seed": seed,
                "estimate": estimate,
                "within_range": within_range,
                "output": output.extension,
            }
            output.write(blocks, answer, manifest_of("impute", loaded, files, options))
