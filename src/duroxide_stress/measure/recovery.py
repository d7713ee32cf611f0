"""What each injected fault cost, and how long it took until the work went on as before.

- Completion: the durable end of a load instance as its program plans, as in every rate; of instances
  that last through the whole run, the end of a generation. Ends carry the engine's milliseconds: one
  in the millisecond in which a fault began counts as before it.
- First progress: from the fault's beginning (or its healing) to the next completion. For a fault that
  stops everything that is what it took.
- Former rate: see `former_rate`.
- Backlog: both queues together, which are looked at once a second: the last look before the fault, and
  the highest from its beginning until it was healed and the former rate was back (to the window's end
  where either never came); where no look fell between, the first after.
- In flight: instances acknowledged and not durably over when it began. Settled: from its beginning until
  the last of these was over, which is what a lost lock costs.
- Extra executions: a run of an activity is extra when, as it begins, more runs of its step have begun
  than attempts of it have been scheduled. It counts for the last fault that began before it.

Faults may overlap. Each is looked at by itself: what another does meanwhile is in its figures, and what
earlier ones did is in what was before it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil

from duroxide_stress.measure.metrics import LOAD
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Recovery, RecoverySummary, Spread
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

BEFORE_NS = 5 * NS_PER_SEC
"""So much before a fault says what the rate was."""
LEAST_NS, LEAST = NS_PER_SEC, 5
"""Less time or fewer completions before it say nothing."""
SPAN_NS = NS_PER_SEC
DIP, BACK = 0.5, 0.9
"""Far apart, so that chance is neither: of ten completions expected, fewer than five come in 3 %."""

NOT_BACK = "not within the window"
UNCOLLECTED = "the histories were not copied out"
NO_WINDOW = "the window was never closed"

COMPLETIONS = f"""
SELECT e.ended_ms * {NS_PER_MS} AS ns FROM ops o JOIN ends e USING (instance)
WHERE o.as_planned AND {LOAD} AND e.ended_ms IS NOT NULL
"""
GENERATIONS = f"""
SELECT max(h.ts_ms) * {NS_PER_MS} AS ns FROM history h JOIN ops o USING (instance)
JOIN executions x USING (instance, execution)
WHERE {LOAD} AND x.status NOT IN ('Running', 'NotStarted') GROUP BY h.instance, h.execution
"""
STRUCK = """
CREATE OR REPLACE TEMP TABLE injections AS
SELECT number, name, target, detail, began_ns, ended_ns FROM faults
WHERE began_ns IS NOT NULL AND NOT harmless
"""
QUEUES = """
CREATE OR REPLACE TEMP TABLE queues AS
SELECT at_ns, coalesce(orchestrator_queue, 0) + coalesce(worker_queue, 0) AS depth
FROM samples WHERE source = 'queues'
"""
PROGRESS = """
SELECT f.number, c.ns - f.began_ns
FROM injections f ASOF JOIN completions c ON f.began_ns < c.ns
"""
PROGRESS_AFTER_HEAL = """
SELECT f.number, c.ns - f.ended_ns
FROM (FROM injections WHERE ended_ns IS NOT NULL) f ASOF JOIN completions c ON f.ended_ns < c.ns
"""
# One row a fault: instances open when it began, those that never ended, when the last of them did.
OPEN = f"""
SELECT f.number, count(i.op), count(*) FILTER (WHERE i.op IS NOT NULL AND i.ended_ns IS NULL),
       max(i.ended_ns) - any_value(f.began_ns)
FROM injections f LEFT JOIN (
  SELECT o.op, o.acked_ns, e.ended_ms * {NS_PER_MS} AS ended_ns
  FROM ops o LEFT JOIN ends e USING (instance) WHERE {LOAD} AND o.acked_ns IS NOT NULL) i
  ON i.acked_ns <= f.began_ns AND coalesce(i.ended_ns, 9223372036854775807) > f.began_ns
GROUP BY f.number
"""
BACKLOG_BEFORE = """
SELECT f.number, q.depth FROM injections f ASOF JOIN queues q ON f.began_ns >= q.at_ns
"""
BACKLOG_PEAK = """
WITH spans AS (
  SELECT f.number, f.began_ns, u.until_ns
  FROM injections f
  JOIN (SELECT unnest($numbers) AS number, unnest($untils) AS until_ns) u USING (number)),
inside AS (
  SELECT s.number, max(q.depth) AS depth
  FROM spans s JOIN queues q ON q.at_ns BETWEEN s.began_ns AND s.until_ns GROUP BY s.number)
SELECT s.number, coalesce(i.depth, q.depth)
FROM spans s ASOF LEFT JOIN queues q ON s.until_ns < q.at_ns LEFT JOIN inside i ON i.number = s.number
WHERE coalesce(i.depth, q.depth) IS NOT NULL
"""
# Steps are named by the token in an activity's input, and a user's own by the activity's name.
EXTRA = f"""
WITH runs AS (
  SELECT token, instance, at_ns, row_number() OVER step AS nth
  FROM effects WHERE phase = 'begin'
  WINDOW step AS (PARTITION BY token ORDER BY at_ns, node, run)
  QUALIFY count(*) OVER (PARTITION BY token) > 1),
scheduled AS (
  SELECT unnest([TRY(data ->> '$.input.token'),
                 instance || '|' || execution || '|' || TRY(data ->> '$.name')]) AS token,
         ts_ms * {NS_PER_MS} AS ns
  FROM history WHERE kind = 'ActivityScheduled' AND instance IN (SELECT instance FROM runs)),
attempts AS (
  SELECT token, ns, max(nth) AS nth FROM (
    SELECT token, ns, row_number() OVER (PARTITION BY token ORDER BY ns) AS nth FROM scheduled)
  GROUP BY token, ns),
beyond AS (
  SELECT r.token, r.nth, r.at_ns, r.nth - greatest(coalesce(a.nth, 0), 1) AS more
  FROM (FROM runs SEMI JOIN attempts USING (token)) r
  ASOF LEFT JOIN attempts a ON a.token = r.token AND r.at_ns >= a.ns),
extra AS (
  SELECT at_ns FROM beyond QUALIFY more > coalesce(max(more) OVER (
    PARTITION BY token ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))
SELECT f.number, count(*) FROM extra x
ASOF JOIN (SELECT max(number) AS number, began_ns FROM injections GROUP BY began_ns) f
  ON x.at_ns >= f.began_ns
GROUP BY f.number
"""


def recovery(recording: Recording) -> tuple[Recovery, ...]:
    """The figures of every fault that began, in the order of their numbers."""
    if not recording.one("SELECT count(*) FROM faults WHERE began_ns IS NOT NULL AND NOT harmless"):
        return ()
    collected = (recording.directory / "executions.jsonl").exists()
    lasting = recording.head.lasting
    recording.db.execute(STRUCK)
    recording.db.execute(QUEUES)
    ends = GENERATIONS if lasting else COMPLETIONS
    recording.db.execute(f"CREATE OR REPLACE TEMP TABLE completions AS {ends}")
    rates = _rates(recording, collected=collected)
    progress = dict(recording.rows(PROGRESS))
    healed = dict(recording.rows(PROGRESS_AFTER_HEAL))
    opened = {number: counts for number, *counts in recording.rows(OPEN)} if collected else {}
    before = dict(recording.rows(BACKLOG_BEFORE))
    peaks = _peaks(recording, rates)
    extra = dict(recording.rows(EXTRA))
    last_start = recording.one(f"SELECT max(o.acked_ns) FROM ops o WHERE {LOAD}") or 0
    window = recording.mark("window_begin")
    found = []
    for number, name, target, detail, began, ended in recording.rows(
        "SELECT number, name, target, detail, began_ns, ended_ns FROM injections ORDER BY number"
    ):
        in_flight, never_ended, settled = opened.get(number, (None, 0, None))
        rate_ns, reason = rates[number]
        wanted = bool(in_flight) or last_start > began
        found.append(
            Recovery(
                number=number,
                name=name,
                target=target,
                detail=detail,
                began_secs=None if window is None else round((began - window) / NS_PER_SEC, 3),
                lasted_secs=None if ended is None else round((ended - began) / NS_PER_SEC, 3),
                first_progress_ms=_ms(progress.get(number)),
                first_progress_after_heal_ms=_ms(healed.get(number)),
                stuck=collected and wanted and number not in progress,
                former_rate_ms=_ms(rate_ns),
                former_rate_reason=reason,
                backlog_before=before.get(number),
                backlog_peak=peaks.get(number),
                in_flight=in_flight,
                settled_ms=None if never_ended or lasting else _ms(settled),
                never_ended=0 if lasting else never_ended,
                extra_executions=extra.get(number, 0) if collected else None,
            )
        )
    return tuple(found)


def former_rate(
    ends: Sequence[int], began_ns: int, ended_ns: int | None, opened_ns: int, closed_ns: int
) -> tuple[int | None, str]:
    """How long until completions came as before: nanoseconds from the fault's beginning, or why not.

    `ends` are the completions in order; load was offered from `opened_ns` to `closed_ns`. The rate
    before is that of the five seconds before the fault. A dip is a span of one second (longer where
    five completions took longer before) that begins with the fault, or at a completion while it
    lasted, and in which fewer than half as many completions followed as came before; without one the
    figure is 0. The rate is back at the first completion after that from which on a span holds nine
    tenths of them.
    """
    since = max(opened_ns, began_ns - BEFORE_NS)
    if began_ns - since < LEAST_NS:
        return None, "less than 1 s of load before it"
    before = bisect_right(ends, began_ns) - bisect_left(ends, since)
    if before < LEAST:
        return None, f"fewer than {LEAST} completions before it"
    span = max(SPAN_NS, ceil(LEAST * (began_ns - since) / before))
    if began_ns + span > closed_ns:
        return None, "too near the end of the window"
    held = before * span / (began_ns - since)
    first = bisect_right(ends, began_ns)
    healed = bisect_right(ends, closed_ns if ended_ns is None else ended_ns)
    last = bisect_right(ends, closed_ns - span)
    dip = None
    for start in (began_ns, *ends[first : min(healed, last)]):
        if bisect_right(ends, start + span) - bisect_right(ends, start) < DIP * held:
            dip = start
            break
    if dip is None:
        return 0, ""
    for place in range(bisect_right(ends, dip), last):
        if bisect_left(ends, ends[place] + span) - place >= BACK * held:
            return ends[place] - began_ns, ""
    return None, NOT_BACK


def summaries(recording: Recording, faults: Sequence[Recovery]) -> tuple[RecoverySummary, ...]:
    """The faults of a cell by name, also those of which every injection was skipped."""
    planned = recording.rows(
        "SELECT name, skipped, began_ns IS NOT NULL FROM faults WHERE NOT harmless"
    )
    found = []
    for name in dict.fromkeys(name for name, _, _ in planned):
        these = [fault for fault in faults if fault.name == name]
        why = Counter(why for one, why, began in planned if one == name and why and not began)
        extra = [f.extra_executions for f in these if f.extra_executions is not None]
        found.append(
            RecoverySummary(
                name=name,
                intended=sum(one == name for one, _, _ in planned),
                count=len(these),
                skipped=sum(why.values()),
                skip_reasons=dict(sorted(why.items())),
                never_healed=tuple(
                    f"{f.number} ({f.target})" for f in these if f.lasted_secs is None
                ),
                lasted_secs=_spread(
                    (f.lasted_secs for f in these), sum(f.lasted_secs is None for f in these)
                ),
                first_progress_ms=_spread(
                    (f.first_progress_ms for f in these), sum(f.stuck for f in these)
                ),
                first_progress_after_heal_ms=_spread(
                    (f.first_progress_after_heal_ms for f in these),
                    sum(f.stuck and f.lasted_secs is not None for f in these),
                ),
                former_rate_ms=_spread(
                    (f.former_rate_ms for f in these),
                    sum(f.former_rate_reason == NOT_BACK for f in these),
                ),
                backlog_peak=_spread(f.backlog_peak for f in these),
                settled_ms=_spread(
                    (f.settled_ms for f in these), sum(f.never_ended > 0 for f in these)
                ),
                extra_executions=sum(extra) if extra else None,
            )
        )
    return tuple(found)


def _rates(recording: Recording, *, collected: bool) -> dict[int, tuple[int | None, str]]:
    """Fault → when the former rate was back, or why nobody knows."""
    closed = recording.mark("window_end")
    opened = recording.mark("begin") or recording.mark("window_begin")
    ends = [ns for (ns,) in recording.rows("SELECT ns FROM completions ORDER BY ns")]
    found: dict[int, tuple[int | None, str]] = {}
    for number, began, ended in recording.rows("SELECT number, began_ns, ended_ns FROM injections"):
        if not collected:
            found[number] = None, UNCOLLECTED
        elif opened is None or closed is None:
            found[number] = None, NO_WINDOW
        else:
            found[number] = former_rate(ends, began, ended, opened, closed)
    return found


def _peaks(recording: Recording, rates: dict[int, tuple[int | None, str]]) -> dict[int, int]:
    """Fault → the highest backlog until it was over and done with."""
    closed = recording.mark("window_end") or 2**62
    untils = {}
    for number, began, ended in recording.rows("SELECT number, began_ns, ended_ns FROM injections"):
        back, reason = rates[number]
        recovered = closed if reason == NOT_BACK else began + (back or 0)
        untils[number] = max(closed if ended is None else ended, recovered)
    return dict(recording.rows(BACKLOG_PEAK, numbers=[*untils], untils=[*untils.values()]))


def _spread(values: Iterable[float | None], never: int = 0) -> Spread:
    """Median (nearest rank) and maximum, those that never came behind all others."""
    known: list[float | None] = [*sorted(value for value in values if value is not None)]
    ranked = [*known, *[None] * never]
    if not ranked:
        return Spread()
    return Spread(len(known), never, ranked[(len(ranked) - 1) // 2], ranked[-1])


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / NS_PER_MS, 3)
