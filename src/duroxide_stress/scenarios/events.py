"""Events: clients send messages to running instances, and every one counts once.

    sender 0 ── 0 1 2 3 ──▶ ┌───────────── queue ─────────────┐
    sender 1 ── 0 1 2 3 ──▶ │ instance: receive n, continue as │──▶ {"sender-0": [0, 1, 2, 3], ...}
    sender 2 ── 0 1 2 3 ──▶ │ new, receive n, ...              │
                            └──────────────────────────────────┘

Queue messages are owed exactly once and in order per sender, also over continue-as-new, once the start
was acknowledged. Positional events promise less: one that comes while nobody waits is dropped. So the
second root waits for one event while a client raises it again and again; any of them is right.
"""

from __future__ import annotations

import msgspec

from duroxide_stress.oracle import ANY
from duroxide_stress.plan import Cell
from duroxide_stress.program import AwaitEvent, Generations, Json, Program, Receive
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario

QUEUE, SIGNAL = "inbox", "go"
RAISES, RAISE_EVERY_MS = 120, 250
"""Half a minute of raising: an instance that has not come to its wait by then is not served."""


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """A receiver that continues as new between batches, and one that waits for a signal."""
    batch = settings["senders"] * settings["batch"]
    return {
        "events-queue": Generations(settings["generations"], Receive(QUEUE, batch), merge=True),
        "events-signal": AwaitEvent(SIGNAL),
    }


def dress(cell: Cell, settings: Settings, order: Order) -> Order:
    """Add the senders' calls and what they make of the output."""
    if order.orchestration == "events-signal":
        actions = _raises()
        output: Json = {ANY: list(range(RAISES))}
    else:
        senders = [f"sender-{n}" for n in range(settings["senders"])]
        numbers = range(settings["batch"] * settings["generations"])
        actions = _messages(senders, numbers, settings["every_ms"])
        received = {sender: list(numbers) for sender in senders}
        output = {"generations": settings["generations"], "results": received}
    return msgspec.structs.replace(
        order, actions=actions, expect=msgspec.structs.replace(order.expect, output=output)
    )


def _messages(senders: list[str], numbers: range, every_ms: int) -> tuple[Action, ...]:
    return tuple(
        Action(
            "enqueue",
            after_ms=number * every_ms,
            name=QUEUE,
            data={"sender": sender, "number": number},
            sender=sender,
        )
        for number in numbers
        for sender in senders
    )


def _raises() -> tuple[Action, ...]:
    return tuple(
        Action("raise", after_ms=number * RAISE_EVERY_MS, name=SIGNAL, data=number)
        for number in range(RAISES)
    )


SCENARIO = TreeScenario(
    name="events",
    title="Events and Messages",
    summary="Clients send queue messages over continue-as-new, and raise positional events.",
    build=build,
    dress=dress,
    options=(
        Option("senders", 3, 1, 20, "clients that send to each instance"),
        Option("batch", 2, 1, 20, "messages of each sender per generation"),
        Option("generations", 2, 1, 20, "executions that share the messages"),
        Option("every_ms", 20, 0, 60_000, "pause of a sender between two messages"),
    ),
)
