"""Worked examples of every endpoint, on the bundled model `penguins`: pressed, they succeed.

The answers show the shape; their figures are those of one training of the model.
"""

from typing import Any

__all__ = ["IMPUTE", "IMPUTED", "MODEL", "SAMPLE", "SAMPLED", "SCORE", "SCORED"]

MODEL = "penguins"

_ADELIE = {
    "species": "Adelie",
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181,
    "body_mass_g": 3750,
    "sex": "male",
    "year": 2007,
}
_GENTOO = {
    "species": "Gentoo",
    "island": "Biscoe",
    "bill_length_mm": 46.1,
    "bill_depth_mm": 13.2,
    "flipper_length_mm": 211,
    "body_mass_g": 4500,
    "sex": "female",
    "year": 2007,
}
_IMPOSSIBLE = {**_ADELIE, "species": "Gentoo"}

SCORE: dict[str, dict[str, Any]] = {
    "rows": {
        "summary": "A usual penguin, an unusual one, and one of which little is known",
        "value": {
            "model": MODEL,
            "rows": [
                _ADELIE,
                _IMPOSSIBLE,
                {"species": "Chinstrap", "bill_length_mm": 48.5, "sex": None},
            ],
        },
    },
    "contributions": {
        "summary": "Which column is surprising, and by how much",
        "value": {
            "model": MODEL,
            "contributions": True,
            "contamination": 0.05,
            "rows": [_IMPOSSIBLE],
        },
    },
    "columns and data": {
        "summary": "The same in the form of columns and data",
        "value": {
            "model": MODEL,
            "columns": list(_ADELIE),
            "data": [list(_ADELIE.values()), list(_IMPOSSIBLE.values())],
        },
    },
}

SAMPLE: dict[str, dict[str, Any]] = {
    "rows": {
        "summary": "Five penguins, the same ones each time",
        "value": {"model": MODEL, "n": 5, "seed": 7},
    },
    "given": {
        "summary": "Five female penguins of one species, with their likelihoods",
        "value": {
            "model": MODEL,
            "n": 5,
            "seed": 7,
            "given": {"species": "Gentoo", "sex": "female"},
            "log_likelihood": True,
        },
    },
    "temperature": {
        "summary": "More typical than typical",
        "value": {"model": MODEL, "n": 5, "seed": 7, "temperature": 0.5},
    },
}

IMPUTE: dict[str, dict[str, Any]] = {
    "rows": {
        "summary": "Fill what is null or not there",
        "value": {
            "model": MODEL,
            "seed": 7,
            "rows": [{**_ADELIE, "sex": None, "bill_depth_mm": None}, {"species": "Gentoo"}],
        },
    },
    "estimate": {
        "summary": "The best single guess",
        "value": {
            "model": MODEL,
            "seed": 7,
            "estimate": "mean",
            "rows": [{**_GENTOO, "body_mass_g": None, "sex": None}],
        },
    },
    "draws": {
        "summary": "Five tables, for multiple imputation",
        "value": {
            "model": MODEL,
            "seed": 7,
            "draws": 5,
            "rows": [{**_GENTOO, "body_mass_g": None, "sex": None}],
        },
    },
}

_ANSWERING = {"name": MODEL, "version": "1"}

SCORED: dict[str, dict[str, Any]] = {
    "rows": {
        "value": {
            "model": _ANSWERING,
            "log_likelihood": [-17.18, -22.12, -4.59],
            "anomaly_score": [0.28, 0.95, 0.85],
            "is_anomaly": [False, False, False],
        }
    },
    "contributions": {
        "value": {
            "model": _ANSWERING,
            "log_likelihood": [-22.12],
            "anomaly_score": [0.95],
            "is_anomaly": [False],
            "contributions": [
                {
                    "species": 6.15,
                    "island": 4.02,
                    "bill_length_mm": 3.37,
                    "bill_depth_mm": 3.26,
                    "flipper_length_mm": 5.81,
                    "body_mass_g": 7.13,
                    "sex": 0.12,
                    "year": 1.01,
                }
            ],
        }
    },
}

SAMPLED: dict[str, dict[str, Any]] = {
    "rows": {"value": {"model": _ANSWERING, "seed": 7, "rows": [_ADELIE, _GENTOO]}},
    "with likelihoods": {
        "value": {
            "model": _ANSWERING,
            "seed": 7,
            "rows": [_ADELIE, _GENTOO],
            "log_likelihood": [-17.18, -16.9],
        }
    },
}

_FILLED = {"row": 0, "column": "sex"}

IMPUTED: dict[str, dict[str, Any]] = {
    "rows": {
        "value": {
            "model": _ANSWERING,
            "seed": 7,
            "rows": [{**_ADELIE, "bill_depth_mm": 19.48}],
            "imputed": [
                {
                    "row": 0,
                    "column": "bill_depth_mm",
                    "value": 19.48,
                    "interval": [16.86, 20.99],
                },
                {**_FILLED, "value": "male", "probability": 0.69},
            ],
        }
    },
    "draws": {
        "value": {
            "model": _ANSWERING,
            "seed": 7,
            "rows": [[_ADELIE], [{**_ADELIE, "sex": "female"}]],
            "imputed": [{**_FILLED, "values": ["male", "female"]}],
        }
    },
}
