"""`madeira score`: the rows of files with their likelihoods and anomaly scores."""

from typing import Annotated

import typer

from madeira.app.cli.bulk import BulkOutput, load_model, manifest_of, say, say_columns
from madeira.app.cli.bulk_options import (
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
)
from madeira.app.cli.options import ComputeDeviceOption, SearchPathOption

__all__ = ["score"]


def score(
    data: FilesArgument,
    model: ModelOption,
    out: OutOption,
    model_version: VersionOption = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Add which values make a row an anomaly.")
    ] = False,
    contamination: Annotated[
        float,
        typer.Option(
            "--contamination", min=0.0, max=0.5, help="Share of real rows that count as anomalies."
        ),
    ] = 0.01,
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
    """Score the rows of DATA: add log_likelihood, anomaly_score and is_anomaly to their columns.

    Any number of rows is scored in constant memory, on all cores.
    """
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from madeira.app.bulk.answers import Score
    from madeira.app.bulk.blocks import read_blocks, sources, with_first

    output = BulkOutput(out, form, resume, refused, as_json, threads)
    with sources(data, f".{form}") as files:
        output.check(files)
        with load_model(model, model_version, checkpoints, device, url) as loaded:
            names, blocks = with_first(read_blocks(files, say))
            say_columns(loaded, names)
            answer = Score(loaded, output.as_texts, errors is OnErrors.SKIP, contamination, reasons)
            options = {
                "contamination": contamination,
                "reasons": reasons,
                "output": output.extension,
            }
            output.write(blocks, answer, manifest_of("score", loaded, files, options))
