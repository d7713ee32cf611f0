"""What each host did, all its lives together.

- ready: from `ready` (or going on after standing still) to whatever came next, the last of them to the
  end of the drain; a host whose process is gone is not ready until its next life is
- activities: executions that ended on it, over the cell; per second those of the load in the window
- memory: the highest of any sample until the drain was over
- CPU: time used in the window, over the time in which any host was seen there, so that the hosts' cores
  add up to the cell's
"""

from __future__ import annotations

from duroxide_stress.measure.metrics import LOAD, PROCESSES
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import NodeFigures, Window
from duroxide_stress.units import MIB, NS_PER_SEC

LIVES = """
WITH moments AS (
  SELECT split_part(node, '.', 1) AS host, node, what, at_ns,
         lead(at_ns, 1, greatest($rest, at_ns)) OVER life - at_ns AS until_next_ns,
         count(*) FILTER (WHERE what = 'ready') OVER life > 0 AS was_ready
  FROM nodes WINDOW life AS (PARTITION BY node ORDER BY at_ns, rowid))
SELECT host, count(DISTINCT node),
       coalesce(sum(until_next_ns) FILTER (
         WHERE was_ready AND what IN ('ready', 'resumed', 'thawed')), 0)::BIGINT,
       count(DISTINCT node) FILTER (WHERE what IN ('killed', 'died')),
       count(*) FILTER (WHERE what = 'killed'), count(*) FILTER (WHERE what = 'died'),
       count(*) FILTER (WHERE what = 'paused'), count(*) FILTER (WHERE what = 'frozen')
FROM moments GROUP BY host ORDER BY length(host), host
"""
WORK = f"""
SELECT split_part(e.node, '.', 1), count(*),
       count(*) FILTER (WHERE e.at_ns >= $begin AND e.at_ns < $finish AND coalesce({LOAD}, true))
FROM effects e LEFT JOIN ops o USING (instance) WHERE e.phase <> 'begin' GROUP BY 1
"""
MEMORY = """
SELECT split_part(node, '.', 1), max(rss_bytes) FROM samples
WHERE source = 'engine' AND node IS NOT NULL AND at_ns <= $rest GROUP BY 1
"""
CORES = f"""
SELECT split_part(node, '.', 1),
       sum(cpu_ns) / (SELECT max(last_ns) - min(first_ns) FROM ({PROCESSES}))
FROM ({PROCESSES}) WHERE node IS NOT NULL GROUP BY 1
HAVING (SELECT max(last_ns) > min(first_ns) FROM ({PROCESSES}))
"""
LAST_SEEN = "SELECT max(at_ns) FROM (SELECT at_ns FROM samples UNION ALL SELECT at_ns FROM effects)"


def node_figures(recording: Recording, measured: Window) -> tuple[NodeFigures, ...]:
    """The figures of every host; nothing where the recording does not say who served."""
    rest = recording.mark("drained") or recording.one(LAST_SEEN) or 0
    span = {"begin": measured.begin_ns or 0, "finish": measured.end_ns or 0}
    done = {host: counts for host, *counts in recording.rows(WORK, **span)}
    peaks = dict(recording.rows(MEMORY, rest=rest))
    cores = dict(recording.rows(CORES, **span, sources=["engine"])) if measured.secs else {}
    found = []
    for host, lives, ready_ns, deaths, *counts in recording.rows(LIVES, rest=rest):
        total, inside = done.get(host, (0, 0))
        peak = peaks.get(host)
        killed, died, paused, frozen = counts
        found.append(
            NodeFigures(
                host=host,
                lives=lives,
                ready_secs=round(ready_ns / NS_PER_SEC, 3),
                activities=total,
                activities_per_sec=None if not measured.secs else inside / measured.secs,
                rss_peak_mb=None if peak is None else peak / MIB,
                cpu_cores=None if cores.get(host) is None else float(cores[host]),
                deaths=deaths,
                killed=killed,
                died=died,
                paused=paused,
                frozen=frozen,
            )
        )
    return tuple(found)
