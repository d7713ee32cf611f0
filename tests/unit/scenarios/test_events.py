"""Events: messages of many senders over many executions, and signals that may be lost."""

import pytest

from duroxide_stress.scenarios.events import RAISES, SCENARIO

from ..virtual import cell
from .conftest import FEW, JudgedOf


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"senders": 1, "batch": 1, "generations": 1, "every_ms": 0},
        {"senders": 20, "batch": 1, "generations": 3},
        {"senders": 2, "batch": 20, "generations": 2, "every_ms": 1},
        {"senders": 2, "batch": 2, "generations": 20, "every_ms": 0},
        {"every_ms": 60_000},
    ],
)
def test_every_message_once_and_in_order(judged: JudgedOf, options: dict[str, int]) -> None:
    """However they are dealt over senders, batches and generations, fast or a minute apart."""
    run = judged("events", options, **{**FEW, "max_concurrent": 2})
    run.all_is_well()
    given = {"senders": 3, "batch": 2, "generations": 2, **options}
    numbers = list(range(given["batch"] * given["generations"]))
    received = {f"sender-{n}": numbers for n in range(given["senders"])}
    outputs = [line["output"] for line in run.recorded.lines("ops", lambda x: x["type"] == "ok")]
    assert {"generations": given["generations"], "results": received} in outputs
    assert all(o["results"] == received for o in outputs if isinstance(o, dict))


def test_the_limits_of_messages() -> None:
    """Eight thousand messages for one instance are an order like any other, each named once."""
    options = {"events": {"senders": 20, "batch": 20, "generations": 20}}
    order = SCENARIO.workload(cell("events", options)).order(0)
    sent = {(a.data["sender"], a.data["number"]) for a in order.actions}
    assert len(order.actions) == len(sent) == 8_000
    assert order.expect.events["QueueSubscribed"] == 8_000
    assert order.expect.events["OrchestrationStarted"] == 20


def test_signals_are_raised_until_one_is_heard(judged: JudgedOf) -> None:
    """The wait ends with whatever value was raised while it was open, and raising then stops."""
    run = judged("events")
    signals = [x["output"] for x in run.recorded.lines("ops", lambda x: x["type"] == "ok")]
    heard = [signal for signal in signals if isinstance(signal, int)]
    assert heard
    assert set(heard) <= set(range(RAISES))
    raised = run.tables.rows("SELECT op, count(*) FROM acts WHERE kind = 'raise' GROUP BY op")
    assert max(count for _, count in raised) <= 2


def test_generations_are_counted(judged: JudgedOf) -> None:
    """Executions that share the messages have the figures of generations."""
    run = judged("events", {"generations": 3})
    assert run.figure("generations").count > 0
    assert {f.name for f in run.cell.figures} >= {"time per generation", "history of a generation"}
