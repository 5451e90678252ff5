"""A training that had little to learn from says what to expect."""

import re
import warnings
from typing import Any

import numpy as np
import pytest

from madeira.models import (
    DensityEstimator,
    FitConfig,
    MemberConfig,
    Schema,
    TrainingConfig,
    TrainingWarning,
)
from madeira.models.made import NetworkConfig
from madeira.models.tables.rows import rows_of
from madeira.models.training.cautions import cautions


def said(rows: dict[str, Any], **metrics: object) -> str:
    table = rows_of(rows).table
    held_out = max(1, table.num_rows // 10)
    given = {
        "train_rows": table.num_rows - held_out,
        "valid_rows": held_out,
        "valid_nats": -1.0,
        "independent_nats": -2.0,
        "interrupted": False,
        "members": [{"name": "any-order", "best_epoch": 9, "epochs": 20}],
    }
    return "\n".join(cautions({**given, **metrics}, Schema.infer(table).columns))


ENOUGH = {"x": np.arange(200) % 17 / 2, "kind": ["a", "b"] * 100}
FEW = {"x": np.arange(40) % 17 / 2, "kind": ["a", "b"] * 20}


def test_enough_rows_need_no_word() -> None:
    assert said(ENOUGH) == ""


@pytest.mark.parametrize(
    ("rows", "metrics", "words"),
    [
        (FEW, {}, "40 rows for 2 columns, of which 4 were held out.*100 rows are the least"),
        ({"x": [0.5] * 5 + [1.25] * 5 + [3.5]}, {}, "only one column is modelled"),
        ({"x": ENOUGH["x"], "t": list("abcdefghij" * 20)}, {"interrupted": True}, "^$"),
        ({"t": [*"abcdefgh", "a"], "x": [0, 1] * 4 + [0]}, {}, "category of its own in 't'"),
        (
            ENOUGH,
            {"members": [{"name": "natural", "best_epoch": 1, "epochs": 16}]},
            "the first epoch was the best of natural",
        ),
        (ENOUGH, {"members": [{"name": "one", "best_epoch": 1, "epochs": 1}]}, "^$"),
        (ENOUGH, {"valid_nats": -2.0}, "no likelier .-2.000 nats a row.*nothing to do"),
    ],
)
def test_what_to_expect_is_said(
    rows: dict[str, Any], metrics: dict[str, object], words: str
) -> None:
    assert re.search(words, said(rows, **metrics)), said(rows, **metrics)


def test_the_estimator_warns_of_two_rows_and_not_of_many() -> None:
    member = MemberConfig("m", NetworkConfig((8,)), training=TrainingConfig(max_epochs=2))
    config = FitConfig((member,))
    with pytest.warns(TrainingWarning, match="2 rows for 2 columns, of which 1 was held out"):
        DensityEstimator(config=config).fit({"a": [1.5, 2.5], "b": ["x", "y"]})
    a = np.arange(3000) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingWarning)
        longer = FitConfig(
            (MemberConfig("m", NetworkConfig((16,)), training=TrainingConfig(max_epochs=12)),),
        )
        DensityEstimator(config=longer).fit({"a": a, "b": ["x" if one else "y" for one in a]})
