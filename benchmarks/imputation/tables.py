"""Complete tables of the benchmark, whose values are then removed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.data import data_folder

__all__ = ["LEFT_OUT", "TABLES", "Complete", "load"]

TABLES = ("penguins", "wine_quality", "titanic", "california_housing", "diamonds", "german_credit")
"""Tables of numbers, of categories and of both; the first are measured first."""

LEFT_OUT = {"titanic": ["deck", "alive", "embark_town", "class", "who", "adult_male", "alone"]}
"""Columns that repeat others (titanic's) or that few rows have."""

MAX_CATEGORY_NUMBERS = 10


@dataclass(frozen=True)
class Complete:
    """A table without missing values.

    Attributes:
        name: Its name.
        frame: Numbers as float64, categories as text, an index of 0, 1, 2 ...
        numbers: Columns that are numbers.
        categories: Columns that are categories: text, truth values, and numbers of at most ten
            distinct values.
    """

    name: str
    frame: pd.DataFrame
    numbers: list[str]
    categories: list[str]


def load(name: str, rows: int, seed: int) -> Complete:
    """Rows of a table that have every value, drawn without replacement.

    Args:
        name: A table of the data directory.
        rows: Most rows.
        seed: Of the draw.
    """
    whole = pd.read_parquet(data_folder("tabular") / f"{name}.parquet")
    whole = whole.drop(columns=LEFT_OUT.get(name, [])).dropna()
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(whole))[:rows])
    frame = whole.iloc[chosen].reset_index(drop=True)
    frame = frame.loc[:, frame.nunique() > 1]
    few = frame.nunique() <= MAX_CATEGORY_NUMBERS
    numbers = [
        column
        for column in frame
        if pd.api.types.is_numeric_dtype(frame[column])
        and not pd.api.types.is_bool_dtype(frame[column])
        and not few[column]
    ]
    categories = [column for column in frame if column not in numbers]
    types = dict.fromkeys(numbers, "float64") | dict.fromkeys(categories, "str")
    return Complete(name, frame.astype(types), numbers, categories)
