"""A cell's recording as DuckDB tables. Everything the judgement knows, it asks of these.

Tables (times as in `records.py`)
- ops: one row an instance: op, instance, part, input, due_ns, expect_*, as_planned (whether it
  ended as its program plans, also by failing), begun_ns and acked_ns
  (null when never acknowledged), ended (`ok`, `fail`, `info` or null), seen_ns, output, error,
  fail_where, info_reason
- acts: one row a client call to an instance: op, instance, number, kind, name, sender, data, due_ns,
  begun_ns and at_ns (null when it never returned), error
- effects, nodes, samples, history, executions: the files as they are
- fault_lines: faults.jsonl as it is; faults: one row an injection: number, name, spec, due_ms, target,
  detail, began_ns and ended_ns (null when it never did), skipped (why, else null), refuses, harmless,
  skew_ms
- struck: stretches from_ms to until_ms in which a fault was at work, or what it struck may have been
  locked still; they do not overlap. undisturbed_ms(a, b) is the time from a to b without them,
  skewed_ms(a, b) by how much a clock may have been wrong then
- redelivered: instances in which an attempt that failed by plan was run again without being booked,
  as at-least-once allows; it used up one of the planned failures, so their attempts vary
- ends: one row an instance at rest: instance, status, output, category, retryable, error, ended_ms
- excused: instances one of whose client calls (`start`, or another) raised while a fault was at work
  that lets the store refuse clients: instance, call
- timers: one row a fired timer: instance, execution, event_id, ts_ms, late_ms (fired minus due)
- dropped: one row an instance that was due and not started: due_ns, at_ns
- marks: name, at_ns
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from duroxide_stress.errors import RecordingError, in_words
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.loading import Reading, load, open_database
from duroxide_stress.recording.pieces import pieces
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.recording.store import (
    LINE_FILES,
    read_cell_end,
    read_cell_head,
)

COLUMNS: dict[str, dict[str, str]] = {
    "ops": {
        "type": "VARCHAR", "op": "BIGINT", "instance": "VARCHAR", "part": "VARCHAR",
        "input": "JSON", "due_ns": "BIGINT", "at_ns": "BIGINT", "begun_ns": "BIGINT",
        "expect": "STRUCT(output JSON, activities BIGINT, events JSON, min_ms BIGINT, "
                  "alike VARCHAR, status VARCHAR, error VARCHAR, canceled VARCHAR, "
                  "versions JSON, predicate BOOLEAN)",
        "output": "JSON", "error": "VARCHAR", "where": "VARCHAR", "reason": "VARCHAR",
        "name": "VARCHAR", "complaint": "VARCHAR", "number": "BIGINT", "kind": "VARCHAR",
        "sender": "VARCHAR", "data": "JSON",
    },
    "effects": {
        "phase": "VARCHAR", "token": "VARCHAR", "instance": "VARCHAR", "run": "BIGINT",
        "at_ns": "BIGINT", "node": "VARCHAR",
    },
    "nodes": {"at_ns": "BIGINT", "node": "VARCHAR", "what": "VARCHAR", "version": "VARCHAR",
              "detail": "VARCHAR"},
    "faults": {
        "at_ns": "BIGINT", "number": "BIGINT", "name": "VARCHAR", "what": "VARCHAR",
        "spec": "VARCHAR", "due_ms": "BIGINT", "target": "VARCHAR", "detail": "VARCHAR",
        "refuses": "BOOLEAN", "harmless": "BOOLEAN", "skew_ms": "BIGINT",
    },
    "samples": {
        "at_ns": "BIGINT", "source": "VARCHAR", "node": "VARCHAR", "rss_bytes": "BIGINT",
        "shared_bytes": "BIGINT", "cpu_ns": "BIGINT", "bytes": "BIGINT", "connections": "BIGINT",
        "orchestrator_queue": "BIGINT", "worker_queue": "BIGINT",
    },
    "executions": {
        "instance": "VARCHAR", "execution": "BIGINT", "status": "VARCHAR", "output": "VARCHAR",
        "events": "BIGINT", "current": "BOOLEAN", "listed": "BOOLEAN",
        "instance_status": "VARCHAR", "parent": "VARCHAR",
        "orchestration": "VARCHAR", "category": "VARCHAR", "retryable": "BOOLEAN",
        "error": "VARCHAR",
    },
    "history": {
        "instance": "VARCHAR", "execution": "BIGINT", "event_id": "BIGINT", "kind": "VARCHAR",
        "source": "BIGINT", "ts_ms": "BIGINT", "data": "VARCHAR",
    },
}  # fmt: skip

_DERIVED = """
CREATE TABLE dropped AS SELECT due_ns, at_ns FROM ops_lines WHERE type = 'dropped';
CREATE TABLE marks AS SELECT name, at_ns FROM ops_lines WHERE type = 'mark';
CREATE TABLE ops AS
  SELECT i.op, i.instance, i.part, i.input, i.due_ns,
         i.expect.output AS expect_output, i.expect.activities AS expect_activities,
         i.expect.events AS expect_events, i.expect.min_ms AS expect_min_ms,
         i.expect.alike AS alike, coalesce(i.expect.status, 'Completed') AS expect_status,
         coalesce(i.expect.error, '') AS expect_error,
         coalesce(i.expect.canceled, '') AS expect_canceled,
         i.expect.versions AS expect_versions,
         a.begun_ns, a.at_ns AS acked_ns,
         e.type AS ended, e.at_ns AS seen_ns, e.output, e.error,
         e."where" AS fail_where, e.reason AS info_reason,
         coalesce(i.expect.predicate, false) AS by_predicate, e.complaint,
         CASE WHEN i.expect.predicate AND (e.type = 'ok' OR e."where" = 'end')
              THEN e.complaint IS NULL
              WHEN e.type = 'ok' THEN coalesce(i.expect.status, 'Completed') = 'Completed'
              WHEN e.type = 'fail' AND e."where" = 'end'
              THEN coalesce(i.expect.status = 'Failed'
                            AND contains(e.error, coalesce(i.expect.error, '')), false)
                OR coalesce(contains(e.error, nullif(i.expect.canceled, '')), false)
              ELSE false END AS as_planned
  FROM (SELECT * FROM ops_lines WHERE type = 'invoke') i
  LEFT JOIN (SELECT * FROM ops_lines WHERE type = 'acked') a USING (op)
  LEFT JOIN (SELECT * FROM ops_lines WHERE type IN ('ok', 'fail', 'info')) e USING (op)
  ORDER BY i.op;
CREATE TABLE acts AS
  SELECT a.op, o.instance, a.number, a.kind, a.name, a.sender, a.data, a.due_ns,
         d.begun_ns, d.at_ns, d.error
  FROM (SELECT * FROM ops_lines WHERE type = 'act') a JOIN ops o USING (op)
  LEFT JOIN (SELECT * FROM ops_lines WHERE type = 'acted') d USING (op, number)
  ORDER BY a.op, a.number;
CREATE TABLE faults AS
  SELECT number, any_value(name) AS name, min(due_ms) FILTER (WHERE what = 'intended') AS due_ms,
         coalesce(max(target) FILTER (WHERE what = 'began'), max(target), '') AS target,
         coalesce(max(detail) FILTER (WHERE what = 'began'), '') AS detail,
         min(at_ns) FILTER (WHERE what = 'began') AS began_ns,
         max(at_ns) FILTER (WHERE what = 'ended') AS ended_ns,
         max(detail) FILTER (WHERE what = 'skipped') AS skipped,
         any_value(spec) AS spec, coalesce(bool_or(refuses), false) AS refuses,
         coalesce(bool_or(harmless), false) AS harmless, coalesce(max(skew_ms), 0) AS skew_ms
  FROM fault_lines GROUP BY number ORDER BY number;
CREATE TABLE redelivered AS
  SELECT instance FROM effects WHERE phase = 'failed' GROUP BY instance
  HAVING count(*) > (SELECT count(*) FROM history h
                     WHERE h.instance = effects.instance AND h.kind = 'ActivityFailed');
CREATE TABLE excused AS
  WITH refusing AS (SELECT began_ns, coalesce(ended_ns, 2::BIGINT**62) + 5000000000 AS until_ns
                    FROM faults WHERE began_ns IS NOT NULL AND refuses),
  raised AS (SELECT instance, 'start' AS call, due_ns AS from_ns, seen_ns AS to_ns FROM ops
             WHERE fail_where = 'start'
             UNION ALL
             SELECT instance, kind, due_ns, at_ns FROM acts WHERE error IS NOT NULL)
  SELECT instance, any_value(call) AS call FROM raised
  WHERE EXISTS (FROM refusing WHERE began_ns <= to_ns AND until_ns >= from_ns)
  GROUP BY instance;
CREATE TABLE ends AS
  SELECT x.instance, x.status, x.output, x.category, x.retryable, x.error, h.ended_ms
  FROM (SELECT * FROM executions WHERE current) x
  LEFT JOIN (SELECT instance, max(ts_ms) AS ended_ms FROM history
             WHERE kind IN ('OrchestrationCompleted', 'OrchestrationFailed')
             GROUP BY instance) h USING (instance);
CREATE TABLE timers AS
  SELECT f.instance, f.execution, f.event_id, f.ts_ms,
         f.ts_ms - TRY((c.data ->> '$.fireAtMs')::BIGINT) AS late_ms
  FROM history f JOIN history c ON c.instance = f.instance AND c.execution = f.execution
   AND c.event_id = f.source AND c.kind = 'TimerCreated'
  WHERE f.kind = 'TimerFired';
"""


_STRUCK = """
CREATE TABLE struck AS
  WITH each AS (
    SELECT began_ns // 1000000 - skew_ms AS from_ms,
           coalesce(ended_ns, 2::BIGINT**62) // 1000000 + skew_ms
             + CASE WHEN starts_with(target, 'host') THEN $locked_ms ELSE 5000 END AS until_ms
    FROM faults WHERE began_ns IS NOT NULL AND NOT harmless),
  marked AS (
    SELECT *, coalesce(from_ms > max(until_ms) OVER (ORDER BY from_ms, until_ms
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS fresh FROM each),
  grouped AS (SELECT *, count(*) FILTER (WHERE fresh) OVER (ORDER BY from_ms, until_ms) AS stretch
              FROM marked)
  SELECT min(from_ms) AS from_ms, max(until_ms) AS until_ms FROM grouped GROUP BY stretch
"""
_MACROS = """
CREATE MACRO undisturbed_ms(a, b) AS (b - a) - coalesce((
  SELECT sum(least(b, until_ms) - greatest(a, from_ms)) FROM struck
  WHERE from_ms < b AND until_ms > a), 0);
CREATE MACRO skewed_ms(a, b) AS coalesce((
  SELECT max(skew_ms) FROM faults
  WHERE skew_ms > 0 AND began_ns // 1000000 - skew_ms <= b
   AND coalesce(ended_ns, 2::BIGINT**62) // 1000000 + skew_ms >= a), 0);
"""


class Recording:
    """One cell's recording, loaded. `db` is a DuckDB connection over the tables above."""

    def __init__(self, directory: Path, less: Mapping[str, Reading | None] | None = None) -> None:
        """Load all of it, or `less` of the files that stand there; a file that is None is not read."""
        self.directory = directory
        self.head: CellHead = read_cell_head(directory)
        self.end: CellEnd | None = read_cell_end(directory)
        self.store: dict[str, Any] | None = _document(directory / "store.json")
        self.metrics: dict[str, Any] | None = _document(directory / "metrics.json")
        self._scratch = tempfile.TemporaryDirectory(prefix="duroxide-stress-")
        readings = {**{name: Reading(COLUMNS[name]) for name in LINE_FILES}, **(less or {})}
        files = {name: pieces(directory, name) if readings[name] else [] for name in LINE_FILES}
        scratch = Path(self._scratch.name)
        self.db = open_database([path for found in files.values() for path in found], scratch)
        try:
            self._fill(files, readings, scratch)
        except duckdb.Error as error:
            self.close()
            words = in_words(error).splitlines()[0]
            raise RecordingError(f"the recording cannot be loaded: {words}") from error
        except BaseException:
            self.close()
            raise

    def _fill(
        self,
        files: Mapping[str, Sequence[Path]],
        readings: Mapping[str, Reading | None],
        scratch: Path,
    ) -> None:
        for name, found in files.items():
            reading = readings[name]
            if reading is None or not load(self.db, found, _table(name), reading, scratch):
                self.db.execute(_empty(name))
        whole = [name for name, reading in readings.items() if reading and reading.where == "true"]
        _refuse_damage(self.db, self.directory, self.end, whole)
        _derive(self.db, self.head.cell.config)
        _seal(self.db)

    def rows(self, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query; `$name` in it stands for a parameter."""
        return self.db.execute(sql, parameters or None).fetchall()

    def one(self, sql: str, **parameters: object) -> Any:
        """The first value of the first row; None when there is no row."""
        row = self.db.execute(sql, parameters or None).fetchone()
        return None if row is None else row[0]

    def mark(self, name: str) -> int | None:
        """When the driver passed a border, in ns."""
        found: int | None = self.one("SELECT at_ns FROM marks WHERE name = $name", name=name)
        return found

    def close(self) -> None:
        """Free the tables."""
        self.db.close()
        self._scratch.cleanup()


def empty_tables() -> duckdb.DuckDBPyConnection:
    """The tables without a row: what a query is held against before there is a recording."""
    db = duckdb.connect(":memory:")
    for name in LINE_FILES:
        db.execute(_empty(name))
    _derive(db, StressTestConfig())
    _seal(db)
    return db


def _derive(db: duckdb.DuckDBPyConnection, config: StressTestConfig) -> None:
    db.execute(_DERIVED)
    db.execute(_STRUCK, {"locked_ms": config.longest_lock_ms})
    db.execute(_MACROS)


def _seal(db: duckdb.DuckDBPyConnection) -> None:
    """From here on no query, not even a user's own, reads another file or writes one."""
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")


def _table(name: str) -> str:
    return {"ops": "ops_lines", "faults": "fault_lines"}.get(name, name)


def _empty(name: str) -> str:
    fields = ", ".join(f'"{column}" {kind}' for column, kind in COLUMNS[name].items())
    return f"CREATE TABLE {_table(name)} ({fields})"


def _refuse_damage(
    db: duckdb.DuckDBPyConnection, directory: Path, end: CellEnd | None, whole: Sequence[str]
) -> None:
    """A recording that says it is whole must be as long as it says; `whole` are those read so."""
    if end is None:
        return
    for name in LINE_FILES:
        owed = end.lines.get(name, 0)
        if name in end.lines and not pieces(directory, name):
            raise RecordingError(f"{name}.jsonl is missing, end.json says {owed} lines")
        if name not in whole:
            continue
        (lines,) = db.execute(f"SELECT count(*) FROM {_table(name)}").fetchone() or (0,)
        if lines != owed:
            raise RecordingError(
                f"{name}.jsonl is damaged: it has {lines} complete lines, end.json says {owed}"
            )


def _document(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path.name} is damaged: {error}") from error
    return found
