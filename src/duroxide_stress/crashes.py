"""The moments of an instance's life at which a host can be made to kill itself, and how they are named
in a plan: read by the run, which has it done, and by the reports, which say what came of it."""

from __future__ import annotations

CRASH = "crash"
SWEPT_MS = 20
"""How long after an answer or a new command a host dies at most, where it dies after it."""
MOMENTS: dict[str, str] = {
    "after-start": "an instance's code is called for the first time, so its start was acknowledged",
    "turn-begin": "an orchestration's code is called, or called again",
    "turn-scheduled": "it asks for something new, before the turn can be committed",
    "turn-committed": f"up to {SWEPT_MS} ms after that: the commit lies there",
    "activity-begin": "an activity is called, before its begin is written down",
    "activity-middle": "in the middle of its delay, after its begin was written down",
    "activity-end": "its work is done and its end written down, before it returns",
    "activity-answered": f"up to {SWEPT_MS} ms after it returned: the acknowledgement lies there",
    "between-generations": "a generation is over, before it continues as new",
    "orchestration-end": "an orchestration's code is over, before its end can be committed",
    "store-write": "the file that SQLite writes ahead was seen to change",
}
"""In the order of a life."""
DEFAULT_PASS = 1


def crash_of(fault: str) -> tuple[str, int] | None:
    """Moment and pass of a crash as a plan has it, `crash:activity-end,pass=4`; None for another fault.

    The moment is empty where none is named.
    """
    name, _, rest = fault.partition(":")
    if name.strip() != CRASH:
        return None
    moment, times = "", DEFAULT_PASS
    for part in map(str.strip, rest.split(",")):
        key, equals, value = part.partition("=")
        if key == "pass":
            times = int(float(value))
        elif key == "moment" or (part and not equals):
            moment = value if equals else part
    return moment, times
