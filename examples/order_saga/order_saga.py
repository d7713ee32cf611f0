"""An order-processing saga under stress: reserve, charge, ship; undo in reverse when a step fails.

Every fourth order's card is declined, every sixth cannot be shipped. What must come out follows from
the order's number alone, so `expected` says it exactly:

    duroxide-stress run --scenario order_saga:OrderSaga --provider sqlite-file --duration 5
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

Order = dict[str, Any]


def reserve(ctx: Any, order: Order) -> str:
    """Put the goods aside."""
    time.sleep(0.005)
    return f"reserved {order['items']} for order {order['number']}"


def charge(ctx: Any, order: Order) -> str:
    """Charge the card, which may be declined."""
    time.sleep(0.005)
    if order["card"] == "declined":
        raise ValueError("card declined")
    return f"charged {order['amount']}"


def ship(ctx: Any, order: Order) -> str:
    """Hand over to the carrier, who may not serve the address."""
    time.sleep(0.005)
    if order["address"] == "unknown":
        raise ValueError("no such address")
    return f"shipped order {order['number']}"


def undo(ctx: Any, step: str) -> str:
    """Take one step back."""
    time.sleep(0.002)
    return f"undone: {step}"


def process_order(ctx: Any, order: Order) -> Generator[Any, Any, dict[str, Any]]:
    """The saga: steps forward, and back in reverse order when one fails."""
    done: list[str] = []
    try:
        for step in ("reserve", "charge", "ship"):
            yield ctx.schedule_activity(step, order)
            done.append(step)
    except Exception:  # noqa: BLE001 - the SDK raises bare Exceptions for failed activities
        for step in reversed(done):
            yield ctx.schedule_activity("undo", step)
        return {"order": order["number"], "status": "cancelled", "undone": done[::-1]}
    return {"order": order["number"], "status": "shipped", "undone": []}


class OrderSaga:
    """The scenario: how to register the code, what order i is, and what must come of it."""

    name = "order-saga"
    title = "Order-Processing Saga"

    def register(self, runtime: Any) -> None:
        """As in production."""
        for activity in (reserve, charge, ship, undo):
            runtime.register_activity(activity.__name__, activity)
        runtime.register_orchestration("process-order", process_order)

    def start(self, i: int) -> tuple[str, Order]:
        """Order i."""
        order = {
            "number": i,
            "items": i % 5 + 1,
            "amount": f"{i % 90 + 10}.00",
            "card": "declined" if i % 4 == 3 else "good",
            "address": "unknown" if i % 6 == 5 else "Main Street 1",
        }
        return "process-order", order

    def expected(self, i: int) -> dict[str, Any]:
        """What must come of order i."""
        if i % 4 == 3:
            return {"order": i, "status": "cancelled", "undone": ["reserve"]}
        if i % 6 == 5:
            return {"order": i, "status": "cancelled", "undone": ["charge", "reserve"]}
        return {"order": i, "status": "shipped", "undone": []}
