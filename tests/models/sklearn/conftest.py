"""A configuration that trains in a fraction of a second, and a data frame of every type."""

import numpy as np
import pandas as pd
import pytest

from madeira.models import FitConfig, MemberConfig, TrainingConfig
from madeira.models.made import MaskConfig, NetworkConfig

__all__ = ["every_type", "small"]


@pytest.fixture(scope="session")
def small() -> FitConfig:
    """Return a small network, some epochs: the checks fit a hundred times."""
    return FitConfig(
        members=(
            MemberConfig(
                "any-order",
                NetworkConfig(hidden=(16,)),
                MaskConfig("sampled", "sampled", count=None, ensemble=2),
                TrainingConfig(max_epochs=4, batch_rows=64),
            ),
        ),
    )


@pytest.fixture(scope="session")
def every_type() -> pd.DataFrame:
    """200 rows, an index of texts; about a tenth of the cells of most columns missing."""
    generator = np.random.default_rng(0)
    rows = 200
    size = generator.normal(170, 10, rows)
    town = np.array(["Funchal", "Machico", "Calheta"], dtype=object)[(size // 7).astype(int) % 3]
    frame = pd.DataFrame(
        {
            "size": size.round(2),
            "count": pd.array(generator.poisson(30, rows), dtype="Int64"),
            "whole": generator.poisson(200, rows),
            "town": town,
            "level": pd.Categorical(
                generator.choice(["low", "mid", "high"], rows),
                categories=["low", "mid", "high", "never"],
                ordered=True,
            ),
            "member": pd.array(generator.random(rows) < 0.4, dtype="boolean"),
            "flag": generator.random(rows) < 0.5,
            "since": pd.to_datetime("2020-01-01", utc=True)
            + pd.to_timedelta(generator.integers(0, 10**8, rows), unit="s"),
            "island": "Madeira",
            "name": [f"person {row}" for row in range(rows)],
        },
        index=[f"r{row}" for row in range(rows)],
    )
    frame["text"] = frame["town"].astype("string")
    for column in ("size", "count", "town", "level", "member", "since", "text", "island"):
        frame.loc[generator.random(rows) < 0.1, column] = None
    return frame
