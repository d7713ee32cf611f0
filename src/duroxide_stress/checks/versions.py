"""Versions: an instance keeps the version of its code while a node with newer code takes over.

OrchestrationStarted says which version an instance began with; the two versions give different
outputs, so what came out says which one it ended with. What begins after the node with the old code has
stopped must begin with the newest. Before that either version may be chosen, by the node whose turn
it was.
"""

from __future__ import annotations

import json

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.checks.outputs import equal
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.units import NS_PER_MS

BEGAN = f"""
CREATE OR REPLACE TEMP TABLE began AS
SELECT o.op, o.instance, o.ended, o.output, o.expect_versions,
       TRY(h.data ->> '$.version') AS version, h.ts_ms * {NS_PER_MS} AS begun_ns,
       e.ended_ms * {NS_PER_MS} AS ended_ns
FROM ops o JOIN history h USING (instance) LEFT JOIN ends e USING (instance)
WHERE o.expect_versions IS NOT NULL AND h.kind = 'OrchestrationStarted' AND h.execution = 1
"""
CROSSED = "SELECT count(*) FROM began WHERE begun_ns < $stopping AND ended_ns > $stopped"
ENDED = (
    "SELECT instance, version, expect_versions, output FROM began WHERE ended = 'ok' ORDER BY op"
)
LATE = """
SELECT instance, 'began with old code though only newer was served',
       'with version ' || version || ', when every node had ' || $newest
FROM began WHERE begun_ns > $stopped AND version <> $newest ORDER BY op
"""


def asked(recording: Recording) -> bool:
    """Newer code was to take over in the middle."""
    return bool(recording.one("SELECT count(*) FROM ops WHERE expect_versions IS NOT NULL"))


def look(recording: Recording) -> Looked:
    """Compare what each instance began with and what it ended with."""
    recording.db.execute(BEGAN)
    found = [finding for row in recording.rows(ENDED) if (finding := _changed(*row)) is not None]
    stopping, stopped = (_moment(recording, what) for what in ("stopping", "stopped"))
    if stopping is None or stopped is None:
        undecided = cut_off(recording) or "the node with the old code was never replaced"
        return Looked(0, found, undecided=undecided)
    newest = recording.one("SELECT version FROM nodes WHERE node = $node", node=SECOND_NODE)
    found += findings(recording, LATE, stopped=stopped, newest=newest)
    begun = recording.rows("SELECT version, count(*) FROM began GROUP BY version ORDER BY version")
    return Looked(
        seen=recording.one(CROSSED, stopping=stopping, stopped=stopped),
        findings=found,
        undecided=cut_off(recording),
        note=", ".join(f"{count} began with {version}" for version, count in begun),
    )


def _moment(recording: Recording, what: str) -> int | None:
    """When the first node did that, in ns."""
    sql = "SELECT at_ns FROM nodes WHERE node = $node AND what = $what"
    found: int | None = recording.one(sql, node=FIRST_NODE, what=what)
    return found


def _changed(instance: str, version: str, versions: str, output: str | None) -> Finding | None:
    """What is wrong when an instance gave what another version gives than it began with."""
    texts = {name: json.dumps(value) for name, value in json.loads(versions).items()}
    if version not in texts:
        detail = f"it began with {version}; nodes had {' and '.join(texts)}"
        return Finding("began with a version that nobody had", detail, instance)
    if equal(texts[version], output):
        return None
    ended = next((name for name, text in texts.items() if equal(text, output)), None)
    if ended is None:
        return None  # it belongs to neither: a wrong output, which is another check's
    detail = f"it began with {version} and gave what {ended} gives"
    return Finding("changed its version on the way", detail, instance)


CHECK = Check(
    name="versions",
    promise="A running instance keeps its version of the code while newer code takes over.",
    source="engine: the version is resolved at the first turn and stands in OrchestrationStarted",
    unit="instances that crossed the upgrade",
    look=look,
    asked=asked,
)
