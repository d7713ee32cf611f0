"""A recording loaded for its pictures alone: what only checks and stories need is left on disk.

Not read are outputs and what must come out, activity executions, and of histories all but ends and
timers. The tables are those of `tables.py`, with nulls for what was left out, so the same queries serve;
a million ops are there in a quarter of the time.
"""

from __future__ import annotations

from pathlib import Path

from duroxide_stress.recording.loading import Reading
from duroxide_stress.recording.store import read_cell_head
from duroxide_stress.recording.tables import COLUMNS, Recording

_EXPECT = "STRUCT(status VARCHAR, error VARCHAR, canceled VARCHAR, predicate BOOLEAN)"
"""What says whether an instance ended as its program plans."""
_WHOLE = (
    "struct_pack(output := NULL::JSON, activities := NULL::BIGINT, events := NULL::JSON, "
    "min_ms := NULL::BIGINT, alike := NULL::VARCHAR, status := expect.status, "
    "error := expect.error, canceled := expect.canceled, versions := NULL::JSON, "
    "predicate := expect.predicate)"
)
_KINDS = "('OrchestrationCompleted', 'OrchestrationFailed', 'TimerCreated', 'TimerFired')"


def glance(directory: Path) -> Recording:
    """The recording, good for `measure/series.py` and `measure/percentiles.py` and for nothing else.

    Raises RecordingError when what is read whole of it is damaged.
    """
    # Generations end with whatever event is their last: there all events are looked at.
    kinds = "true" if read_cell_head(directory).lasting else f"kind IN {_KINDS}"
    due = "CASE WHEN kind = 'TimerCreated' THEN data END"
    return Recording(
        directory,
        {
            "ops": Reading(
                {**COLUMNS["ops"], "expect": _EXPECT},
                _chosen("ops", without=("input", "output", "data"), expect=_WHOLE),
            ),
            "effects": None,
            "executions": Reading(
                COLUMNS["executions"], _chosen("executions", without=("output", "error"))
            ),
            "history": Reading(COLUMNS["history"], _chosen("history", data=due), kinds),
        },
    )


def _chosen(file: str, without: tuple[str, ...] = (), **instead: str) -> str:
    """All columns of a file's table, some as nulls, some by another expression."""
    values = {
        **{name: f'"{name}"' for name in COLUMNS[file]},
        **{name: f"NULL::{COLUMNS[file][name]}" for name in without},
        **instead,
    }
    return ", ".join(f'{value} AS "{name}"' for name, value in values.items())
