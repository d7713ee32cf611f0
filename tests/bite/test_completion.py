"""Completion: instances that hang, and acknowledged ones that are lost."""

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import caught, end, forget, hang


def test_a_hung_instance(recorded: Recorded) -> None:
    """It is told with what the books at rest know of it; beside it only its success is missing."""
    hang(recorded, 4)
    found = caught(recorded)
    assert list(found) == ["success", "completion"]
    (finding,) = found["completion"].findings
    assert finding.instance == recorded.instance(4)
    assert finding.what == "no end within the wait timeout"
    assert finding.detail == (
        "lost wake-up: its activity ran, and nobody told it (event 2 of execution 1); "
        "books at rest: Running, 2 events, the last ActivityScheduled"
    )


def test_a_hung_instance_of_which_nothing_was_ever_written(recorded: Recorded) -> None:
    """Acknowledged, no end, no books: hung for the client, gone from the store."""
    hang(recorded, 4)
    forget(recorded, 4)
    found = caught(recorded)
    assert list(found) == ["success", "completion", "durability"]
    assert found["completion"].findings[0].detail.endswith("; not in the books")


def test_a_start_that_never_returned(recorded: Recorded) -> None:
    """An instance that was not even acknowledged within its timeout hangs as well."""
    hang(recorded, 4)
    forget(recorded, 4)
    recorded.drop("ops", where(op=4, type="acked"))
    found = caught(recorded)
    assert list(found) == ["success", "completion"]
    assert found["completion"].found == 1


def test_acknowledged_then_lost(recorded: Recorded) -> None:
    """What the client saw through and the books do not know is lost."""
    forget(recorded, 4)
    found = caught(recorded)
    assert list(found) == ["completion", "durability"]
    (finding,) = found["completion"].findings
    assert (finding.what, finding.detail) == ("acknowledged, then lost", "not in the books")


def test_an_end_that_did_not_last(recorded: Recorded) -> None:
    """The client was told ok, the books at rest say Running."""
    of = where(instance=recorded.instance(4))
    recorded.change("executions", of, status="Running", instance_status="Running", output=None)
    found = caught(recorded)
    assert list(found) == ["success", "completion"]
    assert found["completion"].findings[0].what == "acknowledged, then lost"
    assert "Running, 8 events" in found["completion"].findings[0].detail


def test_instances_in_flight_at_an_interruption_prove_nothing(recorded: Recorded) -> None:
    """They are neither hung nor fine: unknown, with their number."""
    for op in (70, 71):
        end(recorded, op, type="info", reason="interrupted")
    check = recorded.checks()["completion"]
    assert check.verdict is Verdict.UNKNOWN
    assert check.note == "2 instances were in flight when the run was cut off"


def test_a_hung_instance_outweighs_an_interruption(recorded: Recorded) -> None:
    """What is proven stays proven."""
    end(recorded, 70, type="info", reason="interrupted")
    hang(recorded, 4)
    assert list(caught(recorded)) == ["success", "completion"]
    assert recorded.judged().verdict is Verdict.VIOLATED


def test_ops_without_any_end_prove_nothing(recorded: Recorded) -> None:
    """A driver that died writes no end; its instances are in flight for ever."""
    recorded.drop("ops", where(op=70, type="ok"))
    check = recorded.checks()["completion"]
    assert check.verdict is Verdict.UNKNOWN
    assert check.note.startswith("1 instances were in flight")


def test_a_start_that_may_still_wait_in_a_queue_is_not_lost(recorded: Recorded) -> None:
    """Where the engine never came to rest, what its books do not have may be in its queues."""
    forget(recorded, 3)
    assert recorded.checks()["completion"].verdict is Verdict.VIOLATED
    assert recorded.checks()["durability"].verdict is Verdict.VIOLATED
    recorded.drop("ops", where(type="mark", name="at_rest"))
    checks = recorded.checks()
    assert checks["completion"].found == checks["durability"].found == 0
