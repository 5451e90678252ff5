"""Every kind and type of column survives the way through every format, there and back."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.app.codecs.answers import Samples
from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import FORMATS, JSON
from madeira.app.jobs import ModelKey, SampleResult
from madeira.models.arrays import Float64
from madeira.models.schema.schema import Schema
from madeira.models.values.arrow_types import Family, family
from tests.app.kinds import every_kind, training_table

SCHEMA, TABLE = every_kind(), training_table()
NUMBERS = Schema(
    tuple(
        column
        for column in SCHEMA.columns
        if family(column.arrow_type) in (Family.NUMBER, Family.BOOLEAN)
    ),
    (),
)
OTHERS = [one for one in FORMATS.values() if one is not JSON]


def written(media_type: str, schema: Schema, codes: Float64) -> bytes:
    """Return rows in a format, as a sample is answered."""
    answer = Samples(ModelKey("any", "1"), schema, (), 1, {}, len(codes))
    writer = FORMATS[media_type].samples(answer)
    half = len(codes) // 2
    parts = [writer.write(SampleResult(part, None)) for part in (codes[:half], codes[half:])]
    return b"".join([*parts, writer.end()])


@pytest.mark.parametrize("form", OTHERS, ids=lambda form: form.short)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_rows_that_are_drawn_can_be_sent_back(form: Format, data: st.DataObject) -> None:
    schema = NUMBERS if form.short == "npy" else SCHEMA
    rows = data.draw(st.lists(st.integers(0, len(TABLE) - 1), min_size=2, max_size=9))
    codes = schema.encode(TABLE.select(schema.names))[rows]
    gaps = data.draw(st.lists(st.booleans(), min_size=codes.size, max_size=codes.size))
    codes[np.array(gaps).reshape(codes.shape)] = np.nan
    body = written(form.media_type, schema, codes)
    table = form.parse(body, 100, 10**7).table(schema, left_out=True)
    assert len(table) == len(codes)
    # Text has the digits that a float of 32 bits needs, and decimals as many as a float of 64.
    assert table.encode(schema) == pytest.approx(codes, rel=1e-6, nan_ok=True)


def test_tables_answer_in_the_types_of_the_columns() -> None:
    body = written("application/vnd.apache.arrow.stream", SCHEMA, SCHEMA.encode(TABLE))
    with pa.ipc.open_stream(body) as stream:
        assert stream.schema.remove_metadata() == SCHEMA.arrow_schema
