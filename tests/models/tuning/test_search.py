"""A search tries settings, prunes, keeps what it tried, and mixes the best into one density."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from madeira.models.arrays import Float64
from madeira.models.errors import TrainingError
from madeira.models.schema.schema import Schema
from madeira.models.training.ensemble import MIN_GAIN
from madeira.models.tuning import (
    KINDS,
    SPACES,
    Search,
    StudyFolder,
    TrialProgress,
    TrialRecord,
    importances,
)

SCHEMA = Schema.infer(pa.table({name: [True, False] for name in "abcd"}))


def copies(rows: int = 300, missing: float = 0.0) -> Float64:
    """Return a coin and three copies of it, each wrong one time in ten."""
    generator = np.random.default_rng(0)
    coin = generator.random(rows) < 0.5
    wrong = generator.random((rows, 3)) < 0.1
    values = np.column_stack([coin, coin[:, None] ^ wrong]).astype(np.float64)
    values[generator.random(values.shape) < missing] = np.nan
    return values


class Clock:
    """Ends a search by an interrupt at the end of some epoch, counted over all trials."""

    def __init__(self, epochs: int) -> None:
        self._epochs = iter(range(epochs))

    def __call__(self, _: TrialProgress) -> None:
        if next(self._epochs, None) is None:
            raise KeyboardInterrupt


def searched(
    folder: Path, epochs: int, values: Float64 | None = None
) -> tuple[Search, StudyFolder]:
    study = StudyFolder(folder, {"table": "copies"})
    with study:
        data = copies() if values is None else values
        search = Search(data, SCHEMA.columns, study, on_epoch=Clock(epochs))
        search.run(3600.0)
    return search, study


@pytest.fixture(scope="module", autouse=True)
def small_networks() -> Iterator[None]:
    """Keep the networks small, so that hundreds of epochs take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in KINDS:
            patch.setitem(SPACES[kind], "width", CategoricalDistribution((64, 128)))
            patch.setitem(SPACES[kind], "layers", IntDistribution(1, 2))
        yield


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, StudyFolder]:
    """Return a search long enough that a trial is pruned on any processor."""
    return searched(tmp_path_factory.mktemp("long"), 2500)


def test_the_best_trials_become_one_density(
    long: tuple[Search, StudyFolder],
) -> None:
    search, study = long
    fitted = search.best()
    assert search.interrupted
    names = {member.name for member in fitted.members}
    assert f"any-order-{study.best('any-order')[0].number}" in names
    assert f"fixed-order-{study.best('fixed-order')[0].number}" in names
    assert any(member.any_order for member in fitted.density.members)
    assert fitted.valid_nats > fitted.independent_nats
    # A fixed ordering that gains less than that is left out of the mixture.
    best = max(member.complete_nats for member in fitted.members)
    assert fitted.valid_nats >= best - MIN_GAIN
    rows = copies(20)
    assert np.isfinite(fitted.density.score(rows)).all()


def test_a_network_that_is_read_back_is_the_one_that_was_validated(
    long: tuple[Search, StudyFolder],
) -> None:
    search, study = long
    member = next(m for m in search.best().members if m.name.startswith("fixed-order"))
    record = next(r for r in study.records if f"{r.kind}-{r.number}" == member.name)
    assert member.complete_nats == pytest.approx(record.best_nats, abs=1e-2)


def test_the_kinds_take_turns_and_every_trial_keeps_its_curve(
    long: tuple[Search, StudyFolder],
) -> None:
    _, study = long
    assert [record.number for record in study.records] == list(range(1, len(study.records) + 1))
    assert [record.kind for record in study.records[:4]] == [*KINDS, *KINDS]
    for record in study.records:
        assert len(record.train) == len(record.valid) > 0
        assert set(record.settings) == set(SPACES[record.kind])
        kept = json.loads((study.path / "trials" / f"{record.number:04d}.json").read_text())
        assert kept["valid"] == record.valid
        assert kept["ending"] == record.ending


def test_trials_among_the_worst_are_pruned(long: tuple[Search, StudyFolder]) -> None:
    _, study = long
    pruned = [record for record in study.records if record.ending == "pruned"]
    assert pruned
    for record in pruned:
        assert len(record.valid) >= 8
        assert record.best_nats < study.best(record.kind)[0].best_nats
        assert not (study.path / "trials" / f"{record.number:04d}.safetensors").exists()


def test_only_the_best_networks_of_a_kind_are_kept(long: tuple[Search, StudyFolder]) -> None:
    _, study = long
    kept = {path.stem for path in (study.path / "trials").glob("*.safetensors")}
    best = [record for kind in KINDS for record in study.best(kind)[:3]]
    assert kept == {f"{record.number:04d}" for record in best}


def test_a_search_that_goes_on_makes_the_trials_that_it_would_have_made(tmp_path: Path) -> None:
    _, whole = searched(tmp_path / "whole", 260)
    first, _ = searched(tmp_path / "parts", 120)
    assert first.interrupted
    trials = sorted((tmp_path / "parts" / "trials").glob("*.json"))
    trials[-1].unlink()  # the one under way when it was ended: as if it had been killed
    _, again = searched(tmp_path / "parts", 260 - sum(map(epochs_of, trials[:-1])))

    def told(study: StudyFolder) -> Iterator[tuple[object, ...]]:
        for record in study.records:
            yield record.number, record.kind, record.settings, record.ending, record.valid

    assert list(told(again)) == list(told(whole))


def epochs_of(path: Path) -> int:
    return len(json.loads(path.read_text())["valid"])


def test_a_trial_that_outlasts_the_time_is_stopped_and_still_counts(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, {}) as study:
        search = Search(copies(), SCHEMA.columns, study)
        search.run(0.001)
        assert [(record.ending, len(record.valid)) for record in study.records] == [("stopped", 1)]
        assert not search.interrupted
        assert len(search.best().members) == 1
        search.run(0.0)
        assert len(study.records) == 1


def test_rows_that_are_mostly_incomplete_are_searched_by_any_order_networks_alone(
    tmp_path: Path,
) -> None:
    _, study = searched(tmp_path, 60, copies(missing=0.4))
    assert {record.kind for record in study.records} == {"any-order"}


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, {}) as study, pytest.raises(TrainingError, match="1 row"):
        Search(copies(1), SCHEMA.columns, study)


def test_what_decides_the_likelihood_is_what_mattered(long: tuple[Search, StudyFolder]) -> None:
    template = next(record for record in long[1].records if record.kind == "fixed-order")
    generator = np.random.default_rng(0)

    def record(number: int) -> TrialRecord:
        dropout = float(generator.random() / 2)
        settings = template.settings | {"dropout": dropout, "layers": int(generator.integers(1, 3))}
        return replace(template, number=number, settings=settings, valid=[-dropout])

    records = [record(number) for number in range(1, 40)]
    mattered = importances(records)
    assert next(iter(mattered)) == "dropout"
    assert sum(mattered.values()) == pytest.approx(1)
    assert importances(records[:11]) == {}


def test_numbers_of_trials_are_counted_on_where_one_is_missing(tmp_path: Path) -> None:
    _, study = searched(tmp_path, 40)
    numbers = count(1)
    assert all(record.number == next(numbers) for record in study.records)
    assert study.next_number == next(numbers)
