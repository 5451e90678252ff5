"""Direct weights start from pairs of values that no row has."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.schema.schema import Schema
from madeira.models.training.config import FitConfig
from madeira.models.training.presets import preset
from madeira.models.training.structural_zeros import MIN_EXPECTED_ROWS, structural_zeros

TOWNS = {"C": "Cherbourg", "Q": "Queenstown", "S": "Southampton"}
ROWS = 600


def table(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """Ports and their names, a country that follows from either, a flag, and noise."""
    rng = np.random.default_rng(seed)
    port = rng.choice(["C", "Q", "S"], rows, p=[0.2, 0.1, 0.7])
    return pa.table(
        {
            "port": port,
            "town": [TOWNS[one] for one in port],
            "country": np.where(port == "C", "F", "UK"),
            "irish": port == "Q",
            "age": rng.integers(0, 80, rows),
            "deck": rng.choice(["A", "B"], rows),
        }
    )


def weights_of(rows: pa.Table) -> tuple[Schema, Layout, Float64]:
    schema = Schema.infer(rows)
    layout = Layout(schema.columns)
    return schema, layout, structural_zeros(layout, schema.encode(rows)).astype(float)


def block(schema: Schema, layout: Layout, weights: Float64, after: str, before: str) -> Float64:
    """Weights from the input units of one column to the output units of another."""
    _, inputs, _, _ = layout.single(schema.names.index(before))
    _, _, outputs, _ = layout.single(schema.names.index(after))
    return weights[outputs, inputs]


def test_a_column_that_fixes_another_counts_all_rows_against_what_contradicts_it() -> None:
    of = weights_of(table())
    against = np.log(0.5 / ROWS)
    town = block(*of, "town", "port")  # three categories and unknown, either way
    assert town[:3, :3] == pytest.approx(against * (1 - np.eye(3)))
    assert not town[3].any()
    assert not town[:, 3].any()
    assert block(*of, "country", "port")[:2, :3] == pytest.approx(
        against * np.array([[0, 1, 1], [1, 0, 0]])
    )
    assert block(*of, "port", "country")[:3, :2] == pytest.approx(
        against * np.array([[0, 1], [1, 0], [1, 0]])
    )


def test_a_number_that_is_no_atom_is_a_choice_too() -> None:
    rng = np.random.default_rng(0)
    debts = np.where(rng.random(600) < 0.5, 0, rng.integers(1, 300, 600))
    rows = pa.table({"debts": debts, "owes": np.where(debts > 0, "yes", "no")})
    schema, layout, weights = weights_of(rows)
    logistics, against = schema.columns[0].choices.tolist().count(0), np.log(0.5 / 600)
    owes = block(schema, layout, weights, "owes", "debts")[:2]  # no, yes
    assert owes[:, [4, -1]] == pytest.approx(np.array([[0, against], [against, 0]]))
    debts_of = block(schema, layout, weights, "debts", "owes")[:, :2]
    assert debts_of[:logistics] == pytest.approx(np.tile([against, 0], (logistics, 1)))
    assert debts_of[3 * logistics] == pytest.approx([0, against])  # the atom 0


def test_a_value_alone_has_its_share_in_the_table() -> None:
    rows = table()
    config = FitConfig(preset("fast").members, valid_fraction=0.2)
    estimator = DensityEstimator(config=config).fit(rows, validation=rows)
    ports, counts = np.unique(rows["port"].to_numpy(), return_counts=True)
    shares = np.exp(estimator.log_prob(pa.table({"port": ports})))
    assert shares == pytest.approx(counts / ROWS, abs=0.01)
    towns = np.exp(estimator.log_prob(pa.table({"town": [TOWNS[port] for port in ports]})))
    assert towns == pytest.approx(shares, rel=1e-5)


def test_a_logit_of_a_binary_column_is_raised_where_no_row_has_its_zero() -> None:
    of = weights_of(table())
    assert block(*of, "irish", "port")[0, :3] == pytest.approx(
        np.log(0.5 / ROWS) * np.array([1, -1, 1])
    )


def test_columns_that_have_nothing_to_do_with_each_other_start_at_zero() -> None:
    of = weights_of(table())
    assert not block(*of, "deck", "port").any()
    assert not block(*of, "age", "deck").any()


def test_a_pair_that_is_never_seen_counts_the_rows_that_chance_would_give_it() -> None:
    rng = np.random.default_rng(0)
    kinship = rng.choice(["wife", "husband", "child"], 900)
    sex = np.where(kinship == "wife", "f", np.where(rng.random(900) < 0.5, "f", "m"))
    rows = pa.table({"kinship": kinship, "sex": sex})
    of = weights_of(rows)
    wives, men = (kinship == "wife").sum(), (sex == "m").sum()
    expected = np.zeros((2, 3))
    expected[1, 2] = np.log(0.5) - np.log(wives * men / 900)
    assert block(*of, "sex", "kinship")[:2, :3] == pytest.approx(expected, abs=1e-6)
    few = rows.slice(0, int(MIN_EXPECTED_ROWS))
    assert not weights_of(few)[2].any()


def test_missing_values_speak_for_nothing() -> None:
    rows = table()
    towns = pa.array([t if i % 2 else None for i, t in enumerate(rows["town"].to_pylist())])
    of = weights_of(rows.set_column(1, "town", towns))
    assert block(*of, "town", "port")[:3, :3] == pytest.approx(
        np.log(0.5 / (ROWS / 2)) * (1 - np.eye(3))
    )


def test_what_repeats_a_column_follows_it_by_every_route() -> None:
    estimator = DensityEstimator(preset="fast", seed=0).fit(table())
    for port, town in TOWNS.items():
        both = pa.table({"port": [port], "town": [town]})
        given = estimator.log_prob(both) - estimator.log_prob(both.select(["port"]))
        assert np.exp(given[0]) == pytest.approx(1.0, abs=0.05)
        assert np.exp(-estimator.contributions(both)[0, :2]) == pytest.approx(1.0, abs=0.05)
        guess = estimator.impute(both.select(["port"]), estimate="mode")
        assert guess["town"].to_pylist() == [town]
        drawn = estimator.sample(200, {"port": port}, seed=0)
        share = np.mean(np.array(drawn["town"].to_pylist()) == town)
        assert share > 0.95
