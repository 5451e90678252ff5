"""Imputers of other projects, run in an environment of their own: `.bench/imputation`.

    python imputation.py METHOD GAPPY.parquet CATEGORIES.json SEED DRAWS FOLDER

writes `FOLDER/0.parquet`, `1.parquet` ..., one a draw; one alone where the method has no draws.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

__all__ = ["METHODS"]


def miceforest(
    gappy: pd.DataFrame, categories: list[str], seed: int, draws: int
) -> list[pd.DataFrame]:
    """Chained LightGBM with predictive mean matching, five iterations for each draw.

    Categories are matched by its own faster way: the default fails on certain predictions, whose
    log-odds are infinite.
    """
    from miceforest import ImputationKernel

    typed = gappy.astype(dict.fromkeys(categories, "category"))
    kernel = ImputationKernel(
        typed,
        num_datasets=draws,
        mean_match_strategy={
            name: "fast" if name in categories else "normal" for name in typed.columns
        },
        random_state=seed,
    )
    kernel.mice(5, num_threads=1)
    return [kernel.complete_data(dataset=each) for each in range(draws)]


def hyperimpute(
    gappy: pd.DataFrame, categories: list[str], seed: int, draws: int
) -> list[pd.DataFrame]:
    """Chained learners, each chosen by cross-validation (Jarrett et al., ICML 2022)."""
    from hyperimpute.plugins.imputers import Imputers

    coded = gappy.copy()
    outcomes = {}
    for name in categories:
        codes, outcomes[name] = pd.factorize(gappy[name], sort=True)
        coded[name] = pd.Series(codes, index=gappy.index, dtype=float).where(codes >= 0)
    filled = Imputers().get("hyperimpute", random_state=seed).fit_transform(coded)
    filled.columns = gappy.columns
    for name in categories:
        codes = filled[name].round().clip(0, len(outcomes[name]) - 1).astype(int)
        filled[name] = outcomes[name].take(codes)
    return [filled]


METHODS: dict[str, Callable[[pd.DataFrame, list[str], int, int], list[pd.DataFrame]]] = {
    "miceforest": miceforest,
    "hyperimpute": hyperimpute,
}


def main() -> None:
    """Fill one table."""
    method, gappy, categories, seed, draws, folder = sys.argv[1:]
    names = json.loads(Path(categories).read_text())
    tables = METHODS[method](pd.read_parquet(gappy), names, int(seed), int(draws))
    for place, table in enumerate(tables):
        typed = table.astype(dict.fromkeys(names, "str"))
        typed.to_parquet(Path(folder) / f"{place}.parquet", index=False)


if __name__ == "__main__":
    main()
