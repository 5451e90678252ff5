"""Train a model of the Palmer penguins and ask it four things.

    .venv/bin/python examples/train_and_ask.py

344 penguins with species, island, bill, flipper, body mass, sex and year; 19 cells are missing.
"""

import tempfile
from pathlib import Path

import pandas as pd
from palmerpenguins import load_penguins

import madeira

pd.set_option("display.width", 120)
penguins = load_penguins().sample(frac=1, random_state=0, ignore_index=True)
train, test = penguins[:300], penguins[300:]

print("1. Train on 300 penguins, keep 44 back.")
estimator = madeira.DensityEstimator(preset="balanced", seed=0).fit(train)
metrics = estimator.metrics
print(f"   Penguins that were kept back: {estimator.log_prob(test).mean():.2f} nats a row.")
print(
    f"   Validation rows: {metrics['valid_nats']:.2f} nats, and if columns had nothing to do with"
)
print(
    f"   each other {metrics['independent_nats']:.2f}. Higher is better: the difference is what the"
)
print("   model knows of how columns hang together.")

print("\n2. Ten female Gentoo penguins, drawn from the conditional distribution.")
given = {"species": "Gentoo", "sex": "female"}
print(estimator.sample(10, given=given, seed=1).to_string())
real = train[(train.species == "Gentoo") & (train.sex == "female")]
many = estimator.sample(1000, given=given, seed=2)
numbers = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
means = {"real": real[numbers].mean(), "drawn": many[numbers].mean(), "sd": real[numbers].std()}
print(f"\n   Means of the {len(real)} real ones and of 1,000 drawn ones, standard deviation:")
print(pd.DataFrame(means).round(1).to_string())
print(
    f"   Gentoos live on Biscoe alone; of the drawn ones {(many.island == 'Biscoe').mean():.1%} do."
)
print("   Believe the whole: each value is one that female Gentoos have, and they fit each other.")
print(
    "   Do not believe every row: what always holds in 300 rows holds nearly always in the model."
)
print("   And its females are a little too heavy: half a standard deviation. Few rows do that.")

print("\n3. Which cell makes a row odd? A Gentoo with the body mass of an Adelie.")
odd = pd.DataFrame(
    {
        "species": ["Gentoo"],
        "island": ["Biscoe"],
        "flipper_length_mm": [217.0],
        "body_mass_g": [2700.0],
    }
)
print(f"   anomaly score {estimator.anomaly_score(odd)[0]:.3f} (rarer than this share of rows)")
names = [column.name for column in estimator.schema.columns]
surprise = pd.Series(estimator.contributions(odd)[0], names).dropna().sort_values(ascending=False)
print("   surprise of each value given the others, nats:")
print(surprise.round(1).to_string())

print("\n4. Save, load, ask again: the answers are the same.")
with tempfile.TemporaryDirectory() as folder:
    estimator.save(Path(folder) / "penguins" / "1")
    again = madeira.DensityEstimator.load(Path(folder) / "penguins" / "1")
print("   equal:", (again.log_prob(test) == estimator.log_prob(test)).all())
