"""The conditionals benchmark's questions, rules, peers and page; what a proper density comes to."""

from dataclasses import asdict
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.conditionals.coherence import monotony, sums
from benchmarks.conditionals.page import measured
from benchmarks.conditionals.pair import counted
from benchmarks.conditionals.questions import Questions
from benchmarks.conditionals.rest import pinball
from benchmarks.conditionals.routes import latin_hypercube
from benchmarks.conditionals.rules import breaking, find_rules
from benchmarks.conditionals.summary import Measured, summarise
from benchmarks.conditionals.trees import Trees
from benchmarks.report import Report
from madeira.models import Schema
from madeira.models.arrays import Bool, Float64
from madeira.models.columns.layout import Layout
from madeira.models.inference import Density

ROWS = 600


class Independent:
    """A density of columns that are independent, their shares those of some rows.

    Args:
        schema: The columns, all of categories.
        rows: Encoded rows.
        factor: What the probability of a row is multiplied with where all is known: 1 is proper.
    """

    def __init__(self, schema: Schema, rows: Float64, factor: float = 1.0) -> None:
        self.layout = Layout(schema.columns)
        self.variables = rows.shape[1]
        self._shares = [np.bincount(column.astype(int)) / len(rows) for column in rows.T]
        self._factor = factor

    def score(self, values: Float64) -> Float64:
        """Log-probability of what is known of each row."""
        total = np.where(np.isnan(values).any(axis=1), 0.0, np.log(self._factor))
        for column, shares in zip(values.T, self._shares, strict=True):
            shares = np.append(shares, 1e-300)
            known = ~np.isnan(column)
            total[known] += np.log(shares[column[known].astype(int).clip(max=len(shares) - 1)])
        return total


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Rows in which a town fixes its land, and a number follows size."""
    generator = np.random.default_rng(0)
    town = generator.integers(4, size=ROWS)
    size = generator.integers(2, size=ROWS)
    return pa.table(
        {
            "town": np.array(["Bonn", "Paris", "Lyon", "Nice"])[town],
            "land": np.array(["Germany", "France", "France", "France"])[town],
            "size": np.array(["large", "small"])[size],
            "area": np.round(size * 100 + generator.normal(size=ROWS), 2),
        }
    )


@pytest.fixture(scope="module")
def schema(table: pa.Table) -> Schema:
    """Its columns."""
    return Schema.infer(table)


@pytest.fixture(scope="module")
def rows(table: pa.Table, schema: Schema) -> Float64:
    """Its rows, encoded."""
    return schema.encode(table)


def test_a_rule_is_what_one_column_fixes_of_another(schema: Schema, rows: Float64) -> None:
    found = {(schema.names[rule.fixing], schema.names[rule.fixed]) for rule in find_rules(rows)}
    assert found == {("town", "land")}
    broken = rows.copy()
    broken[:60, 1] = 1 - broken[:60, 1]
    rules = find_rules(rows)
    assert breaking(rules, rows) == 0
    assert breaking(rules, broken) == pytest.approx(0.1)
    gappy = broken.copy()
    gappy[:60, 0] = np.nan
    assert breaking(rules, gappy) == 0


def test_neither_what_each_row_has_for_itself_nor_what_nearly_all_share_makes_a_rule() -> None:
    generator = np.random.default_rng(0)
    own = generator.permutation(ROWS).astype(float)
    rare = (np.arange(ROWS) < 2).astype(float)
    value = generator.integers(3, size=ROWS).astype(float)
    assert not find_rules(np.column_stack([own, rare, value]))


def test_counts_are_shares_shrunk_to_the_marginal() -> None:
    train = np.array([[0, 0]] * 3 + [[1, 1]] + [[np.nan, 1]], dtype=float)
    table = counted(train, np.array([0.0, 1.0]), 2)
    marginal = np.array([3.5, 1.5]) / 5
    assert table[0] == pytest.approx((np.array([3, 0]) + marginal) / 4)
    assert table[1] == pytest.approx((np.array([0, 1]) + marginal) / 2)


@pytest.mark.parametrize("single", [True, False])
def test_questions_never_hold_their_answer(rows: Float64, single: bool) -> None:
    asked: Bool = np.array([True, True, False, False])
    gappy = np.where(np.random.default_rng(1).uniform(size=rows.shape) < 0.3, np.nan, rows)
    found = Questions.of(gappy, asked, 200, np.random.default_rng(0), single)
    known = ~np.isnan(found.evidence)
    each = np.arange(200)
    assert asked[found.targets].all()
    assert not known[each, found.targets].any()
    assert not np.isnan(found.values).any()
    assert ((known.sum(axis=1) == 1) if single else (known.sum(axis=1) >= 1)).all()
    assert (found.answered[each, found.targets] == found.values).all()
    assert len(Questions.of(gappy[:, :1], asked[:1], 200, np.random.default_rng(0)).targets) == 0


def test_a_proper_density_sums_to_one_and_no_fact_raises_a_probability(
    schema: Schema, rows: Float64
) -> None:
    few = Schema(schema.columns[:3])
    density = cast(Density, Independent(few, rows[:, :3]))
    generator = np.random.default_rng(0)
    questions = Questions.of(rows[:, :3], np.ones(3, dtype=bool), 100, generator)
    assert sums(density, questions) == pytest.approx(np.ones(100))
    ratios = monotony(density, rows[:, :3], 1_000, generator)
    assert len(ratios) == 1_000
    assert ratios.max() < 1
    improper = cast(Density, Independent(few, rows[:, :3], factor=9.0))
    assert sums(improper, questions).max() == pytest.approx(9)
    assert monotony(improper, rows[:, :3], 1_000, generator).max() > 1


def test_trees_know_a_category_and_a_number_given_the_rest(schema: Schema, rows: Float64) -> None:
    for shrunk in (False, True):
        land = Trees(schema.columns, rows[:400], 1, 0, shrunk).log_probabilities(rows[400:])
        assert np.exp(land).mean() > 0.95
        unknown = rows[400:].copy()
        unknown[:, 1] = 2
        trees = Trees(schema.columns, rows[:400], 1, 0, shrunk)
        assert (trees.log_probabilities(unknown) == -np.inf).all()
        median = Trees(schema.columns, rows[:400], 3, 0, shrunk).quantile(rows[400:], 0.5)
        assert np.corrcoef(median, rows[400:, 3])[0, 1] > 0.9


def test_the_true_quantiles_have_the_smallest_pinball_loss() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    best = np.quantile(values, [0.1, 0.5, 0.9])[:, None] * np.ones(len(values))
    assert pinball(values, values, best) < pinball(values, values, best + 0.2)
    assert pinball(9 * values, 9 * values, 9 * best) == pytest.approx(pinball(values, values, best))


def test_a_latin_hypercube_has_a_point_in_every_part_of_every_column() -> None:
    points = latin_hypercube(50, 3, np.random.default_rng(0))
    assert (np.sort((points * 50).astype(int), axis=0) == np.arange(50)[:, None]).all()
    assert len(np.unique(points[:, 0])) == 50


def test_the_page_has_a_line_a_table_and_says_what_is_met() -> None:
    measures = {
        "held_out": -9.0,
        "rest_categories": 0.2,
        "rest_categories_trees": 0.3,
        "pair": 0.6,
        "pair_counts": 0.5,
        "duplicates": 0.99,
        "broken": 0.05,
        "broken_held": 0.01,
        "spread": 0.4,
        "spread_most": 1.5,
        "train_s": 9.0,
    }
    report = Report("conditionals", quick=True)
    bundled = {"spread": 0.1, "spread_most": 0.2}
    found = [Measured("made", 700, False, measures), Measured("kept", 700, True, bundled)]
    summarise(report, "fast", found)
    results = {"cases": [asdict(each) for each in report.cases]}
    text = measured({**results, "hardware": {"cpu": "made"}, "date": "2026-01-01T00"})
    assert "| made, 700 rows | 0.2 (0.3) |  | 0.6 (0.5) | 0.99 | 5 (1) |" in text
    assert "| kept (bundled) |" in text
    assert "beside boosted trees a column | 0.2 | 0.3 | met |" in text
    assert (
        "rows that break a rule: synthetic less held-out, worst of 1 | 0.04 | 0.02 | missed |"
        in text
    )
    assert "worst rule, worst of 1 | 0.01 | 0.03 | met |" in text
