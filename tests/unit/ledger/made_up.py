"""Entries without runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from duroxide_stress.ledger.entry import FORMAT, Entry, FiledCell, Machine
from duroxide_stress.units import NS_PER_SEC
from duroxide_stress.verdict import Verdict

DAY_NS = 86_400 * NS_PER_SEC
BEGAN_NS = 1_760_000_000 * NS_PER_SEC
HERE = Machine("bench-1", 4, 16, "Linux x86_64")
HOSTILE = '</script><img src=x onerror="alert(1)">\x1b[31m\u202e{{ 7*7 }}'
"""Markup, a terminal's escape, a change of direction, a template's expression."""

replace = msgspec.structs.replace


def cell(throughput: float = 20.0, **fields: Any) -> FiledCell:
    """A cell with one figure that is trusted."""
    given = FiledCell(
        scenario="parallel",
        provider="sqlite-file",
        provider_label="File SQLite",
        config="2/2",
        repeat=1,
        engine="duroxide 0.2.2",
        settings={},
        digest="44136fa3",
        verdict=Verdict.OK,
        trustworthy=True,
        values={"throughput": throughput},
        samples=200,
        recording="parallel.sqlite-file.2-2.r1",
    )
    return replace(given, **fields)


def entry(number: int, *cells: FiledCell, **fields: Any) -> Entry:
    """The run of the so-manieth day."""
    given = Entry(
        format=FORMAT,
        id=f"{number:08x}",
        filed_at_ns=BEGAN_NS + number * DAY_NS + NS_PER_SEC,
        started_ns=BEGAN_NS + number * DAY_NS,
        plan="standard",
        command="duroxide-stress run --suite standard",
        run=f"/runs/{number}",
        label=None,
        commit=f"{number:040x}",
        machine=HERE,
        engines=("duroxide 0.2.2",),
        duroxide_stress="0.1.0",
        environment={"host": "bench-1"},
        verdict=Verdict.OK,
        cells=cells,
    )
    return replace(given, **fields)


def runs(values: Sequence[float]) -> list[Entry]:
    """A run a day with these throughputs."""
    return [entry(number, cell(value)) for number, value in enumerate(values)]
