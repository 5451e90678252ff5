"""An error shows little of what it is about, whatever it is about."""

import string
from collections.abc import Iterator

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from madeira.models import SchemaError, TableError
from madeira.models.echo import MAX_CANDIDATES, MAX_ECHO, closest, cut, did_you_mean, listed, quoted
from madeira.models.schema.schema import Schema

LONG = "x" * 10_000_000

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_a_value_of_any_kind_is_shown_shortly(value: object) -> None:
    assert len(quoted(value)) <= 10 * MAX_ECHO + 12  # an escape is up to ten letters


@pytest.mark.parametrize("value", [LONG, LONG.encode(), [LONG], {LONG: LONG}, 10**5000], ids=type)
def test_a_value_of_any_length_is_shown_shortly(value: object) -> None:
    assert len(quoted(value)) <= MAX_ECHO + 10


def test_the_first_of_many_names_are_listed() -> None:
    assert listed([f"c{number}" for number in range(1000)]).endswith("c19, ... (1000 in all)")
    assert len(listed([LONG] * 1000)) < 25 * MAX_ECHO


def test_what_was_meant_is_found_whatever_the_lengths() -> None:
    assert closest("vists", ["city", "visits"]) == "visits"
    assert closest(LONG, ["visits"]) is None
    assert did_you_mean(LONG, [LONG + "y"]) == f" Did you mean {cut(LONG + 'y')!r}?"


def test_few_words_are_compared() -> None:
    looked_at = []

    def words() -> Iterator[str]:
        for number in range(100_000):
            looked_at.append(number)
            yield f"{string.ascii_letters}{number}"

    closest("nothing", words())
    assert len(looked_at) <= MAX_CANDIDATES + 1


def test_an_error_of_a_schema_is_short_whatever_it_is_about() -> None:
    table = pa.table({"size": [1.5, 2.5, 4.0], LONG: [1.0, 2.0, 3.5]})
    schema = Schema.infer(pa.table({"size": [1.5, 2.5, 4.0]}))
    wrong = [
        table,
        pa.table({f"{LONG}{number}": [1] for number in range(30)}),
        pa.table({"size": [LONG]}),
        pa.table({"size": [[LONG]]}),
        pa.table([pa.array([1]), pa.array([1])], [LONG, LONG]),
    ]
    for one in wrong:
        with pytest.raises(TableError) as caught:
            schema.encode(one)
        assert len(str(caught.value)) < 2000
        assert len(caught.value.cells) <= 20
    with pytest.raises(SchemaError) as refused:
        Schema.infer(table, {LONG + "y": "continuous"})
    assert len(str(refused.value)) < 1000
    with pytest.raises(SchemaError) as refused:
        Schema.infer(table, {LONG: {"kind": LONG}})
    assert len(str(refused.value)) < 1000
