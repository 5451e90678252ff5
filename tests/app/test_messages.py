"""Jobs and results are the same behind a frame, merged or cut."""

from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, cast

import numpy as np
import pytest

from madeira.app.errors import FrameError
from madeira.app.ipc import messages
from madeira.app.ipc.frames import Frame, FrameReader, encode_frame
from madeira.app.ipc.messages import concat, merge_key_of, split, to_job, to_message, to_result
from madeira.app.jobs import (
    ImputeJob,
    ImputeResult,
    Job,
    ModelKey,
    SampleJob,
    SampleResult,
    ScoreJob,
    ScoreResult,
)

KEY = ModelKey("shop", "1")
RNG = np.random.default_rng(0)
OPTIONS: dict[str, Any] = {
    "contributions": True,
    "cell_anomaly": True,
    "reasons": 0.99,
    "temperature": 0.7,
    "log_likelihood": True,
    "draws": 2,
    "estimate": "draw",
    "within_range": True,
    "nulls": True,
    "null_pattern": False,
}


def job(kind: type[Any], rows: int, **changes: object) -> Job[Any]:
    found: dict[str, object] = {"model": KEY, "values": RNG.random((rows, 4))}
    found["noise"] = RNG.random((rows, 2, 5) if kind is ImputeJob else (rows, 5))
    wanted = {field.name for field in fields(kind)}
    given = {**OPTIONS, **found, **changes}
    made: Job[Any] = kind(**{name: given[name] for name in wanted})
    return made


def assert_same(one: object, other: object) -> None:
    assert type(one) is type(other)
    for field in fields(cast(Any, one)):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def carried(whole: object) -> Frame:
    parts = to_message(whole)
    content = b"".join(encode_frame(parts.header, parts.arrays))
    reader = FrameReader()
    reader.space()[: len(content)] = content
    (frame,) = reader.filled(len(content))
    return frame


@pytest.mark.parametrize("kind", [ScoreJob, SampleJob, ImputeJob])
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_job_is_the_same_behind_a_frame(kind: type[Any], rows: int) -> None:
    sent = job(kind, rows)
    frame = carried(sent)
    assert_same(to_job(frame.header, frame.arrays), sent)


@pytest.mark.parametrize("kind", [ScoreJob, SampleJob, ImputeJob])
def test_merged_jobs_hold_their_rows_one_after_the_other(kind: type[Any]) -> None:
    jobs = [job(kind, rows) for rows in (2, 0, 3)]
    parts = [to_message(one) for one in jobs]
    assert all(merge_key_of(one) == merge_key_of(parts[0]) for one in parts)
    merged = to_job(parts[0].header, concat([one.arrays for one in parts]))
    np.testing.assert_array_equal(merged.values, np.concatenate([one.values for one in jobs]))


def test_jobs_that_differ_in_more_than_rows_are_not_merged() -> None:
    jobs = [
        job(ScoreJob, 2),
        job(ScoreJob, 2, contributions=False),
        job(ScoreJob, 2, model=ModelKey("shop", "2")),
        job(ScoreJob, 2, values=np.ones((2, 5))),
        job(SampleJob, 2),
        job(SampleJob, 2, temperature=0.8),
        job(ImputeJob, 2),
        job(ImputeJob, 2, noise=np.ones((2, 3, 5))),
    ]
    groups = [merge_key_of(to_message(one)) for one in jobs]
    assert all(one != other for one, other in combinations(groups, 2))


@pytest.mark.parametrize(
    "result",
    [
        ScoreResult(np.arange(6.0), np.arange(6.0), None),
        ScoreResult(np.arange(6.0), np.arange(6.0), RNG.random((6, 3))),
        SampleResult(RNG.random((6, 3)), None),
        ImputeResult(RNG.random((2, 6, 3)), *(RNG.random((6, 3)) for _ in range(3))),
    ],
    ids=lambda result: type(result).__name__,
)
def test_results_are_cut_where_their_jobs_were_joined(result: ImputeResult) -> None:
    assert_same(to_result(carried(result)), result)
    pieces = list(split(result, [1, 0, 3, 2]))
    for field in fields(result):
        whole = getattr(result, field.name)
        axis = field.metadata.get("row_axis", 0)
        parts = [getattr(one, field.name) for one in pieces]
        if whole is None:
            assert parts == [None] * 4
        else:
            assert [part.shape[axis] for part in parts] == [1, 0, 3, 2]
            np.testing.assert_array_equal(np.concatenate(parts, axis=axis), whole)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({}, "kind"),
        ({"kind": "Shutdown"}, "kind"),
        ({"kind": "ScoreJob", "model": ["a", "1"]}, "values"),
        ({"kind": "ScoreJob", "model": "a", "values": 1, "contributions": True}, "model"),
        ({"kind": "SampleResult", "values": 1, "log_likelihood": None}, "job"),
    ],
)
def test_what_is_no_job_is_refused(header: dict[str, Any], said: str) -> None:
    with pytest.raises(FrameError, match=said):
        to_job(header, {})


def test_a_field_that_is_new_travels_too(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, kw_only=True)
    class NewJob(ScoreJob):
        flag: bool
        more: Any

    monkeypatch.setitem(messages._KINDS, "NewJob", NewJob)
    more = np.array([[True], [False]])
    sent = NewJob(KEY, np.ones((2, 3)), False, flag=True, more=more)
    frame = carried(sent)
    assert_same(to_job(frame.header, frame.arrays), sent)
