"""The search of `madeira tune`: run trials, mix the best networks, draw, save."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console

from madeira.app.cli.interrupts import Interrupts
from madeira.app.cli.saving import save_trained
from madeira.app.cli.search_progress import search_display
from madeira.app.cli.train import LEARNING_CURVE
from madeira.app.pictures.learning_curve import draw_learning_curve
from madeira.app.pictures.tuning import draw_tuning
from madeira.app.processes.signals import ABORTED
from madeira.models import Schema
from madeira.models.checkpoint import Checkpoint, save_version
from madeira.models.checkpoint.card import model_card
from madeira.models.training.metrics import training_metrics
from madeira.models.tuning import KINDS, SPACES, Search, StudyFolder, TrialRecord, importances

__all__ = ["TUNING", "search_and_save"]

TUNING = "tuning.png"
"""File name of the picture of the search."""


def search_and_save(
    table: pa.Table,
    schema: Schema,
    console: Console,
    *,
    name: str,
    data: Path,
    place: Path,
    others: Sequence[Path],
    folder: Path,
    budget_s: float,
    device: str,
    seed: int,
) -> tuple[dict[str, Any], Path]:
    """Search until the time is over, and save a mixture of the best trials.

    Args:
        table: The table.
        schema: Its schema.
        console: Console for the progress.
        name: Name of the model.
        data: File of the table.
        place: Directory of the model.
        others: Other directories of models of this name.
        folder: Folder of the study.
        budget_s: Duration of the search, in seconds.
        device: Device of the training.
        seed: Seed of all random numbers.

    Returns:
        The metrics of the model, and the directory of its new version.

    Raises:
        TrainingError: The table cannot be trained on, or the study cannot be continued.
        TrainError: The directory cannot be written; the message says where the model is.
        SystemExit: Ctrl-C came before the end of the first epoch.
    """
    values = schema.encode(table)
    about = {
        "table": hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest(),
        "columns": _digest(schema.to_json()),
        "seed": str(seed),
        "space of settings": _digest(repr(SPACES)),
    }
    lost = f"The trials are kept in {folder}: the same command continues from there."
    with Interrupts(lost) as interrupts, StudyFolder(folder, about) as study:
        with search_display(console, budget_s) as display:
            if study.records:
                console.print(
                    f"{folder}: continuing after {_trials(study.records)}", soft_wrap=True
                )
            for record in study.records:
                display.known(record)
            search = Search(
                values,
                schema.columns,
                study,
                seed=seed,
                device=device,
                on_epoch=display.epoch,
                on_trial=display.trial,
            )
            try:
                with interrupts.stopping():
                    search.run(budget_s)
            except KeyboardInterrupt:  # it came before the first trial
                search.interrupted = True
            interrupts.finish()
        if search.interrupted and not any(record.usable for record in study.records):
            console.print("No epoch has ended: there is nothing to save.")
            raise SystemExit(ABORTED)
        console.print("mixing the best networks, and saving")
        fitted = search.best()
        records = study.records
        metrics = training_metrics(fitted, sum(record.seconds for record in records))
        metrics |= {"interrupted": search.interrupted, "preset": None}
        metrics |= {"smoothing": 0.0, "contamination": 0.0, "set_aside_rows": 0}
        metrics |= {"seed": seed, "device": device}
        members = [member["name"] for member in metrics["members"]]
        by_name = {f"{record.kind}-{record.number}": record for record in records}
        chosen = [by_name[member] for member in members]
        metrics["tuning"] = {
            "trials": len(records),
            "endings": dict(Counter(record.ending for record in records)),
            "settings": {member: by_name[member].settings for member in members},
        }
        console.print(f"{_trials(records)}: {_endings(records)}", soft_wrap=True)
        picture = _picture(name, records)
        study.write(folder / TUNING, picture)
        description = f"Found by `madeira tune {data.name} --name {name}`: {_trials(records)}, "
        description += f"{_endings(records)}.\n\n{_settings_table(chosen)}"
        card = model_card(schema, metrics, name, description)
        curves = draw_learning_curve(name, metrics["members"])
        checkpoint = Checkpoint(schema, fitted.density, metrics, card)
        pictures = {LEARNING_CURVE: curves, TUNING: picture}
        saved = save_trained(
            lambda directory: save_version(directory, checkpoint, pictures, others), place
        )
    if search.interrupted:
        console.print("Interrupted: the best model so far is saved.")
    console.print(f"picture of the search: {saved / TUNING}; trials: {folder}", soft_wrap=True)
    return metrics, saved


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _trials(records: Sequence[TrialRecord]) -> str:
    return "1 trial" if len(records) == 1 else f"{len(records)} trials"


def _endings(records: Sequence[TrialRecord]) -> str:
    """Return the number of trials by their ending, in words."""
    counts = Counter(record.ending for record in records)
    words = {"stopped": "stopped by the clock"}
    return ", ".join(f"{count} {words.get(how, how)}" for how, count in counts.most_common())


def _settings_table(records: Sequence[TrialRecord]) -> str:
    """Return the settings of the members as a Markdown table."""
    names = list(dict.fromkeys(name for record in records for name in record.settings))
    heads = [f"{record.kind}-{record.number}" for record in records]
    lines = ["| setting | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
    for name in names:
        cells = [_formatted(record.settings.get(name)) for record in records]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _formatted(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _picture(name: str, records: Sequence[TrialRecord]) -> bytes:
    by_kind = {kind: [record for record in records if record.kind == kind] for kind in KINDS}
    mattered = {kind: importances(trials) for kind, trials in by_kind.items()}
    return draw_tuning(f"{name}: {_trials(records)}", by_kind, mattered)
