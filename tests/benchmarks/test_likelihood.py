"""The likelihood table: its parts, and all of it on a set of a few bits."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from benchmarks.likelihood.__main__ import kept_runs, models_of, quick_runs
from benchmarks.likelihood.bernoulli_mixture import BernoulliMixture, fit_bernoulli_mixture
from benchmarks.likelihood.columns import BitColumns, groups_of_bits
from benchmarks.likelihood.models import Figures
from benchmarks.likelihood.published import BEST_EXACT, PUBLISHED, TARGETS
from benchmarks.likelihood.recipes import RECIPES, seeds_of
from benchmarks.likelihood.runs import Run, perform
from benchmarks.likelihood.sets import SETS, BinarySet, Bits
from benchmarks.likelihood.summary import OURS, summarise, table
from benchmarks.report import Report
from madeira.models.training import fit


@pytest.fixture
def rows() -> Bits:
    """Two squares of three bits, one or none of each set, and two bits of their own."""
    generator = np.random.default_rng(0)
    squares = np.eye(4, 3, dtype=np.uint8)[generator.integers(0, [3, 4], (400, 2))]
    own = generator.random((400, 2)) < [0.5, 0.9]
    own[:, 1] |= squares[:, 0, 0] == 1
    return np.hstack([squares.reshape(400, 6), own.astype(np.uint8)])


@pytest.fixture
def data(rows: Bits, tmp_path: Path) -> BinarySet:
    """Return the rows in a file such as the sets come in."""
    train, valid, test = (np.packbits(part, axis=1) for part in np.split(rows, [200, 300]))
    file = tmp_path / "squares.npz"
    np.savez(file, n_vars=8, train=train, valid=valid, test=test)
    return BinarySet("squares", file)


def test_a_set_is_read_from_its_bits(data: BinarySet, rows: Bits) -> None:
    np.testing.assert_array_equal(data.train, rows[:200])
    np.testing.assert_array_equal(data.first(7).test, rows[300:307])


def test_a_set_that_is_not_there_is_named(data: BinarySet, monkeypatch: pytest.MonkeyPatch) -> None:
    (data.file.parent / "binary").mkdir()
    data.file.rename(data.file.parent / "binary" / data.file.name)
    monkeypatch.setenv("MADEIRA_DATA", str(data.file.parent))
    assert BinarySet.named("squares").train.shape == (200, 8)
    with pytest.raises(SystemExit, match="no binary set is called 'circles'; there are squares"):
        BinarySet.named("circles")


@pytest.mark.parametrize("name", SETS)
def test_the_papers_sets_have_the_papers_shapes(name: str) -> None:
    try:
        found = BinarySet.named(name)
    except SystemExit as missing:
        pytest.skip(str(missing))
    variables = {"adult": 123, "nips": 500, "web": 300, "binarized_mnist": 784}
    assert found.valid.shape[1] == variables.get(name, found.valid.shape[1])
    assert set(np.unique(found.valid)) == {0, 1}


def test_groups_end_where_a_row_has_two_bits_set() -> None:
    train = np.array([[1, 0, 0, 1, 0], [0, 1, 0, 1, 1], [0, 0, 1, 0, 0]], dtype=np.uint8)
    assert groups_of_bits(train) == ((0, 3), (3, 4), (4, 5))


@pytest.mark.parametrize("grouping", ["bits", "groups"])
def test_the_masses_of_all_rows_of_bits_sum_to_one(grouping: str, rows: Bits) -> None:
    # The first square has no empty pattern in training: unseen patterns of both sorts exist.
    columns = BitColumns.of(rows, grouping)  # type: ignore[arg-type]
    config = RECIPES["mushrooms"].smaller().fit
    density = fit(columns.encode(rows), columns.layout, config).density
    every = np.array(list(product([0, 1], repeat=8)), dtype=np.uint8)
    values = columns.encode(every)
    log_prob = density.score(values) + columns.unseen_nats(every, values)
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-5)


def test_every_step_of_the_mixture_gains(rows: Bits) -> None:
    mixture = BernoulliMixture.start(rows, 5, np.random.default_rng(0))
    nats = []
    for _ in range(20):
        nats.append(mixture.log_prob(rows).sum())
        mixture = mixture.improved(rows, prior=0.0)
    assert (np.diff(nats) > -1e-9).all()
    assert nats[-1] > nats[0] + 10


def test_a_step_of_the_mixture_is_what_a_loop_over_rows_gives(rows: Bits) -> None:
    few = rows[:9]
    mixture = BernoulliMixture.start(few, 3, np.random.default_rng(1))
    shares = np.zeros((9, 3))
    for n, row in enumerate(few):
        for k in range(3):
            chances = np.where(row == 1, mixture.chances[k], 1 - mixture.chances[k])
            shares[n, k] = mixture.weights[k] * chances.prod()
    assert mixture.log_prob(few) == pytest.approx(np.log(shares.sum(axis=1)))
    shares /= shares.sum(axis=1, keepdims=True)
    improved = mixture.improved(few, prior=0.0)
    assert improved.weights == pytest.approx(shares.mean(axis=0))
    expected = np.array([np.average(few, axis=0, weights=share) for share in shares.T])
    assert improved.chances == pytest.approx(expected.clip(1e-9, 1 - 1e-9))


def test_the_mixture_finds_kinds_that_are_there() -> None:
    generator = np.random.default_rng(0)
    kinds = np.array([[0.9] * 10 + [0.1] * 10, [0.1] * 10 + [0.9] * 10])
    rows = (generator.random((900, 20)) < kinds[generator.integers(0, 2, 900)]).astype(np.uint8)
    fitted = fit_bernoulli_mixture(rows[:600], rows[600:], 2)
    order = fitted.chances[:, 0].argsort()[::-1]
    np.testing.assert_allclose(fitted.chances[order], kinds, atol=0.1)


def test_every_set_has_a_recipe_and_baselines_with_figures_to_meet() -> None:
    assert set(RECIPES) == set(SETS)
    assert set(TARGETS) == set(BEST_EXACT) == set(SETS)
    for name in RECIPES:
        models = models_of(name)
        assert next(iter(models)) == OURS
        assert set(PUBLISHED) <= set(models)
        assert all(seeds_of(name, model) for model in models)


def test_a_run_is_kept_and_not_done_again(data: BinarySet, tmp_path: Path) -> None:
    class Counted:
        runs = 0

        def __repr__(self) -> str:
            return "Counted()"

        def smaller(self) -> "Counted":
            return self

        def figures(self, data: BinarySet, seed: int, *_: object) -> Figures:
            self.runs += 1
            nats = np.full(len(data.test), -2.5) + [-0.5, 0.5] * (len(data.test) // 2)
            return Figures(nats, -2.0, 1.0, 1.0, 10, 1, 1, {})

    model = Counted()
    first = perform(data, "a model", model, 0, "cpu", tmp_path / "kept")
    again = perform(data, "a model", model, 0, "cpu", tmp_path / "kept")
    assert first == again
    assert model.runs == 1
    assert perform(data, "a model", model, 1, "cpu", tmp_path / "kept").seed == 1
    assert model.runs == 2
    assert first.test_nats == pytest.approx(2.5)
    assert first.standard_error == pytest.approx(np.sqrt(0.25 / 99))


def run_of(data: str, model: str, nats: float, seed: int = 0) -> Run:
    hardware = {"cpu": "a processor", "gpu": None, "threads": 1}
    return Run(
        data, model, seed, nats, 0.1, nats, 9.0, 1.0, 10, 2, 4, "cpu", hardware, {}, "today", {}
    )


def test_the_table_shows_what_is_met_and_what_is_missed() -> None:
    runs = [run_of("adult", OURS, 12.7), run_of("adult", OURS, 12.8, 1), run_of("nips", OURS, 275)]
    runs += [run_of("nips", "FVSBN", 277.0)]
    lines = table(runs).splitlines()
    assert lines[2:] == [
        "| adult | 13.12 | 13.13 | 13.12 | 13.05 | 12.75 ± 0.10 | 2 |",
        "| nips | 280.25 | 277.28 | 272.39 | 271.50 | 275.00 ± 0.10 missed | 1 |",
    ]


def test_baselines_are_held_to_their_published_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report("likelihood", quick=True)
    summarise(report, [run_of("web", "FVSBN", 29.5), run_of("web", "FVSBN", 29.7, 1)])
    summarise(report, [run_of("web", "MADE, one mask", 30.0), run_of("web", "another", 1.0)])
    assert [case.met for case in report.cases] == [True, False, None]
    assert report.cases[0].detail["spread over seeds"] == pytest.approx(np.sqrt(0.02))
    assert "web: FVSBN" in capsys.readouterr().out


def test_of_two_ways_to_sample_masks_the_one_that_validates_better_is_compared() -> None:
    report = Report("likelihood", quick=True)
    runs = [
        run_of("nips", model, nats)
        for model, nats in (("MADE, mask sampling", 281.0), ("MADE, order-agnostic", 277.0))
    ]
    summarise(report, runs)
    assert [case.met for case in report.cases] == [None, True]


def test_the_whole_runs_on_a_small_set(
    data: BinarySet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(RECIPES, "squares", RECIPES["mushrooms"])
    monkeypatch.chdir(tmp_path)
    runs = quick_runs([data], "cpu")
    assert [run.model for run in runs] == list(models_of("squares"))
    assert all(0 < run.test_nats < 8 for run in runs)
    assert list(kept_runs()) == [], "a quick run is kept nowhere"
    json.dumps([run.notes for run in runs])
