"""Large payloads: sizes as told, contents to the letter."""

import json

import pytest

from .conftest import FEW, JudgedOf


@pytest.mark.parametrize("max_kb", [1, 10, 100, 1024])
def test_payloads_have_their_sizes_and_survive(judged: JudgedOf, max_kb: int) -> None:
    """A tenth, a half and the whole, then a child with the whole; digests of both directions."""
    run = judged("large-payload", {"max_kb": max_kb}, **FEW)
    run.all_is_well()
    one = run.recorded.instance(0)
    lines = run.recorded.lines("history", lambda line: line["instance"].startswith(one))
    sent = [
        json.loads(e["data"])["input"]["payload"] for e in lines if e["kind"] == "ActivityScheduled"
    ]
    back = [json.loads(e["data"])["payload"] for e in lines if e["kind"] == "ActivityCompleted"]
    whole = max_kb * 1024
    assert (
        sorted(map(len, sent)) == sorted(map(len, back)) == [whole // 10, whole // 2, whole, whole]
    )
    assert len(set(sent) | set(back)) == 8
    assert run.seen("effects") == 4 * run.cell.launched


def test_the_output_is_digests_and_stays_small(judged: JudgedOf) -> None:
    """The recording's own lines do not carry the payloads a second time."""
    run = judged("large-payload", {"max_kb": 100}, **FEW)
    (output,) = [
        line["output"] for line in run.recorded.lines("ops", lambda x: x.get("type") == "ok")
    ][:1]
    for result in (*output[:3], output[3][0]):
        assert set(result) == {"token", "value", "received", "payload"}
        assert len(result["received"]) == len(result["payload"]) == 16
    assert run.recorded.path("ops").stat().st_size < 4_000 * run.cell.launched
