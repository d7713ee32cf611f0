"""A made-up engine: one server with exponential service, of which the whole truth is known.

The time in an M/M/1 system is exponential with rate mu - lambda (Kleinrock 1975, "Queueing Systems" 1,
5.1), so P99 < b holds exactly up to mu - ln(100) / b.
"""

import math
import random

from duroxide_stress.capacity.search import Ask
from duroxide_stress.capacity.steps import Seen


def limit(mu: float, bound_ms: float, allowed: float = 0.01) -> float:
    """The highest rate at which the share over the bound is no more than allowed."""
    return mu + math.log(allowed) * 1000 / bound_ms


class MadeUp:
    """Answers steps as such an engine would, and keeps what it was asked."""

    def __init__(self, mu: float, *, warmup_secs: float = 2.0, overhead_secs: float = 4.0) -> None:
        self.mu, self.warmup_secs, self.overhead_secs = mu, warmup_secs, overhead_secs
        self.asks: list[Ask] = []
        self.spent_secs = 0.0
        self.interrupt_at: int | None = None
        self.tires_after_secs, self.tired_mu = math.inf, mu
        """What it does in windows that are longer than that."""
        self.changes: dict[str, object] = {}

    def __call__(self, ask: Ask) -> Seen | None:
        """Carry a step out."""
        self.asks.append(ask)
        if len(self.asks) == self.interrupt_at:
            return None
        draws = random.Random(f"{ask.rate}/{ask.attempt}")
        number = round(ask.rate * ask.secs)
        mu = self.mu if ask.secs <= self.tires_after_secs else self.tired_mu
        spare = mu - ask.rate
        if spare > 0:
            late = [draws.expovariate(spare) * 1000 for _ in range(number)]
        else:
            over = max(0.1, -spare / mu)  # a queue that grows
            late = [1000 * n / ask.rate * over for n in range(number)]
        spent = (self.warmup_secs + ask.secs) * max(1.0, ask.rate / mu) + self.overhead_secs
        self.spent_secs += spent
        completed = round(min(ask.rate, mu) * ask.secs)
        seen = Seen(ask.secs, tuple(sorted(late)), number, completed, 0, number, 0)
        values = {name: getattr(seen, name) for name in Seen.__struct_fields__}
        return Seen(**{**values, "spent_secs": spent, **self.changes})
