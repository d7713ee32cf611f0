"""Outputs: each completed instance returned exactly what the oracle says.

Both what the client was given and what the books hold at rest are compared, as JSON values:
Duroxide sorts the keys of joined results, so texts may differ where values do not.
"""

from __future__ import annotations

import json

from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

ROWS = """
SELECT o.instance, o.expect_output, o.output, e.output, e.status
FROM ops o LEFT JOIN ends e USING (instance)
WHERE o.ended = 'ok' AND o.expect_status = 'Completed' AND NOT o.by_predicate
ORDER BY o.op
"""
SHOWN = 160


def asked(recording: Recording) -> bool:
    """Some instances have an output to be compared with, and not a predicate."""
    return bool(recording.one("SELECT count(*) FROM ops WHERE NOT by_predicate"))


def look(recording: Recording) -> Looked:
    """Compare every completed instance's output with its expectation."""
    seen = 0
    found: list[Finding] = []
    cursor = recording.db.execute(ROWS)
    while rows := cursor.fetchmany(10_000):
        for instance, expected, given, stored, status in rows:
            seen += 1
            if not equal(expected, given):
                found.append(_finding(instance, "the client was given", expected, given))
            if status == "Completed" and not equal(expected, stored):
                found.append(_finding(instance, "the books hold", expected, stored))
    return Looked(seen=seen, findings=found)


def equal(expected: str | None, actual: str | None) -> bool:
    """Whether two JSON texts say the same value; the expected one may hold `$any`."""
    if expected == actual:
        return True
    try:
        return _matches(_value(expected), _value(actual))
    except (ValueError, RecursionError):
        return False


def _matches(expected: object, actual: object) -> bool:
    """Equality of JSON values, where `{"$any": [a, b]}` stands for either of several."""
    match expected:
        case {"$any": [*options]}:
            return any(_matches(option, actual) for option in options)
        case dict():
            return (
                isinstance(actual, dict)
                and expected.keys() == actual.keys()
                and all(_matches(item, actual[key]) for key, item in expected.items())
            )
        case list():
            return (
                isinstance(actual, list)
                and len(expected) == len(actual)
                and all(map(_matches, expected, actual))
            )
        case _:
            # In Python alone, True equals 1, 1 equals 1.0 and 0.0 equals -0.0.
            alike = type(expected) is type(actual) and expected == actual
            return alike and (not isinstance(expected, float) or str(expected) == str(actual))


def _value(text: str | None) -> object:
    """JSON null reads as nothing from ops.jsonl, and stands as a text in the books."""
    return None if text is None else json.loads(text)


def _finding(instance: str, who: str, expected: str | None, actual: str | None) -> Finding:
    return Finding(
        what=f"{who} a wrong output",
        detail=f"expected {_short(expected)}, found {_short(actual)}",
        instance=instance,
    )


def _short(text: str | None) -> str:
    text = "nothing" if text is None else text
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


CHECK = Check(
    name="outputs",
    promise="What an orchestration returns is what its program computes, for each instance.",
    source="stress test spec, Data Integrity; engine: what an activity returned is what is stored",
    unit="completed instances",
    look=look,
    asked=asked,
)
