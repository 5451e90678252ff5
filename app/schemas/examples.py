"""Worked examples of every endpoint, on the bundled model `penguins`: pressed, they succeed.

The answers show the shape; their figures are those of one training of the model.
"""

from typing import Any

__all__ = [
    "GIVEN_AS_TEXT",
    "IMPUTE",
    "IMPUTED",
    "INVOCATIONS",
    "MODEL",
    "OPTIONS",
    "PREDICTED",
    "ROWS_AS_TEXT",
    "SAMPLE",
    "SAMPLED",
    "SCORE",
    "SCORED",
]

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

_UNFINISHED = {**_GENTOO, "body_mass_g": None, "sex": None}

OPTIONS: dict[str, object] = {"model": MODEL, "n": 5, "seed": 7}
"""Values of options in the query. No body of an example sets one of these options, so that a value
in the query contradicts nothing."""

SCORE: dict[str, dict[str, Any]] = {
    "rows": {
        "summary": "A usual penguin, an unusual one, and one of which little is known",
        "value": {
            "rows": [
                _ADELIE,
                _IMPOSSIBLE,
                {"species": "Chinstrap", "bill_length_mm": 48.5, "sex": None},
            ],
        },
    },
    "one row": {
        "summary": "One that cannot be: with `contributions` the answer says which column is odd",
        "value": {"rows": [_IMPOSSIBLE]},
    },
    "reasons": {
        "summary": "What makes it an anomaly, and what is expected there",
        "value": {"rows": [_IMPOSSIBLE], "reasons": True, "contamination": 0.2},
    },
    "columns and data": {
        "summary": "The form of columns and data",
        "value": {
            "columns": list(_ADELIE),
            "data": [list(_ADELIE.values()), list(_IMPOSSIBLE.values())],
        },
    },
}

SAMPLE: dict[str, dict[str, Any]] = {
    "rows": {"summary": "Any penguins, the same ones each time", "value": {}},
    "given": {
        "summary": "Female penguins of one species",
        "value": {"given": {"species": "Gentoo", "sex": "female"}},
    },
    "amounts": {
        "summary": "Heavy ones with long flippers",
        "value": {"given": {"body_mass_g": 5800, "flipper_length_mm": 225}},
    },
}

IMPUTE: dict[str, dict[str, Any]] = {
    "rows": {
        "summary": "Fill what is null or not there",
        "value": {"rows": [{**_ADELIE, "sex": None, "bill_depth_mm": None}, {"species": "Gentoo"}]},
    },
    "one row": {
        "summary": "One row: try `estimate` for the best guess, or several `draws`",
        "value": {"rows": [_UNFINISHED]},
    },
    "columns and data": {
        "summary": "The form of columns and data",
        "value": {"columns": list(_UNFINISHED), "data": [list(_UNFINISHED.values())]},
    },
}

_ANSWERING = {"name": MODEL, "version": "1"}

SCORED: dict[str, dict[str, Any]] = {
    "rows": {
        "value": {
            "model": _ANSWERING,
            "log_likelihood": [-17.52, -27.59, -6.59],
            "anomaly_score": [0.107, 0.982, 0.82],
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

SCORED["reasons"] = {
    "value": {
        "model": _ANSWERING,
        "log_likelihood": [-27.59],
        "anomaly_score": [0.982],
        "is_anomaly": [True],
        "reasons": [
            [
                {
                    "column": "species",
                    "value": "Gentoo",
                    "expected": ["Adelie"],
                    "p": 1.4e-6,
                },
                {
                    "column": "island",
                    "value": "Torgersen",
                    "expected": ["Biscoe", "Dream"],
                    "p": 0.026,
                },
            ]
        ],
    }
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

INVOCATIONS: dict[str, dict[str, Any]] = {
    "instances": {
        "summary": "Score rows",
        "value": {"instances": [_ADELIE, _IMPOSSIBLE]},
    },
    "dataframe_split": {
        "summary": "Fill what is missing",
        "value": {
            "dataframe_split": {
                "columns": list(_UNFINISHED),
                "data": [list(_UNFINISHED.values())],
            },
            "params": {"job": "impute"},
        },
    },
    "sample": {
        "summary": "Draw rows",
        "value": {"params": {"job": "sample", "n": 3, "given": {"species": "Gentoo"}}},
    },
}

PREDICTED: dict[str, dict[str, Any]] = {
    "instances": {
        "value": {
            "predictions": [
                {"log_likelihood": -17.52, "anomaly_score": 0.107, "is_anomaly": False},
                {"log_likelihood": -27.59, "anomaly_score": 0.982, "is_anomaly": False},
            ]
        }
    }
}

ROWS_AS_TEXT = {
    "text/csv": "species,island,body_mass_g,sex\nAdelie,Torgersen,3750,male\nGentoo,Biscoe,NA,\n",
    "application/x-ndjson": '{"species":"Adelie","body_mass_g":3750}\n{"species":"Gentoo"}\n',
}
GIVEN_AS_TEXT = {
    "text/csv": "species,sex\nGentoo,female\n",
    "application/x-ndjson": '{"species":"Gentoo","sex":"female"}\n',
}
"""Bodies as text by media type: rows, and what is given to a sample."""
