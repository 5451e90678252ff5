"""scikit-learn's own checks of an estimator, every one, each skip with its reason."""

from collections.abc import Callable
from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from madeira.models import FitConfig
from madeira.models.sklearn import MADEDensity

Check = Callable[[MADEDensity], None]

SKIPPED = {
    "check_array_api_input": "estimators that compute on arrays of other libraries, which this one "
    "does not: rows become an Arrow table first; scikit-learn checks it where the "
    "environment variable SCIPY_ARRAY_API is set",
}


def _name(check: Check) -> str:
    function = getattr(check, "func", check)
    keywords = getattr(check, "keywords", {})
    settings = "".join(f"-{name}={value}" for name, value in keywords.items() if name != "name")
    return f"{function.__name__}{settings}"


CHECKS = {_name(check): check for _, check in estimator_checks_generator(MADEDensity())}


@pytest.mark.parametrize("name", CHECKS)
def test_check(name: str, small: FitConfig) -> None:
    try:
        CHECKS[name](MADEDensity(config=small))
    except SkipTest:
        assert name.split("-")[0] in SKIPPED, f"{name} was skipped, which nobody has explained"
        pytest.skip(SKIPPED[name.split("-")[0]])


def test_every_check_of_scikit_learn_is_run() -> None:
    """More than the plain checks: those of outlier detectors and of transformers too."""
    names = {name.split("-")[0] for name in CHECKS}
    assert {"check_outliers_train", "check_transformer_general", "check_estimators_pickle"} < names
    assert len(CHECKS) >= 45
