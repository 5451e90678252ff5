"""Distinct values, their codes and their JSON form."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.values.vocabulary import UNSEEN, Vocabulary

VALUES = {
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=5),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False),
    pa.float32(): st.floats(allow_nan=False, allow_infinity=False, width=32),
    pa.float16(): st.floats(allow_nan=False, allow_infinity=False, width=16),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
}


@pytest.mark.parametrize("arrow_type", VALUES, ids=str)
@given(data=st.data())
def test_values_survive_codes_and_json(arrow_type: pa.DataType, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.one_of(st.none(), VALUES[arrow_type]), min_size=1, max_size=12))
    values.append(data.draw(VALUES[arrow_type]))
    array = pa.array(values, arrow_type)
    vocabulary, counts = Vocabulary.fit("v", array)
    assert counts.sum() == len(values) - array.null_count
    codes = vocabulary.codes("v", array)
    assert not (codes == UNSEEN).any()
    assert vocabulary.take(codes).to_pylist() == values
    read = Vocabulary.from_json(arrow_type, list(vocabulary.values))
    assert read == vocabulary
    np.testing.assert_array_equal(read.codes("v", array), codes)
    assert read.take(codes).to_pylist() == values


@pytest.mark.parametrize(
    ("arrow_type", "values", "message"),
    [
        (pa.string(), ["a", 1], "1 is not of type string"),
        (pa.int64(), [1, 2.5], "2.5 is not of type int64"),
        (pa.int64(), [1, True], "True is not of type int64"),
        (pa.int64(), [1, 2**70], "too large|too big|out of"),
        (pa.bool_(), [0, 1], "0 is not of type bool"),
        (pa.float64(), [0.5, None], "None is not of type double"),
        (pa.float64(), [0.5, float("nan")], "finite"),
        (pa.date32(), ["2020-01-01", "soon"], "'soon'"),
        (pa.string(), ["a", "b", "a"], "occurs twice"),
        (pa.float32(), [0.1, 0.1000000001], "occurs twice"),
        (pa.string(), ["a", "\ud800"], "utf-8|surrogate"),
    ],
)
def test_values_that_are_none_of_the_type_are_refused(
    arrow_type: pa.DataType, values: list[Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_json(arrow_type, values)


def test_the_order_of_a_dictionary_is_kept_over_chunks() -> None:
    first = pa.DictionaryArray.from_arrays([1, 0], ["low", "high"])
    second = pa.DictionaryArray.from_arrays([0, 1], ["mid", "low"])
    vocabulary, counts = Vocabulary.fit("v", pa.chunked_array([first, second]))
    assert vocabulary.values == ("low", "high", "mid")
    assert counts.tolist() == [2, 1, 1]
