"""What would make a cell's figures untrustworthy. Limits and their reasons stand beside each."""

from __future__ import annotations

from math import sqrt

from duroxide_stress.measure.memory import as_result, process_memory
from duroxide_stress.measure.metrics import LOAD, cores_used, latency
from duroxide_stress.recording.records import DriverEnd
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Health, Latency, Offered, Window

MIN_SAMPLES = 30
"""Below this a mean has no useful interval, whatever is computed from it."""
LATENESS_SHARE = 0.1
LATENESS_MS = 20.0
"""A start call begun later than both this and a tenth of the median latency distorts the load."""
GENERATOR_CORES = 0.9
"""One Python process can use one core: near it, the generator is what is measured."""
FOREIGN_SHARE = 0.25
"""Part of the machine that others may use before figures are theirs as well."""
RATE_ERROR = 0.01
"""An open loop that is further from its rate than this offered another load."""
DRIFT_MS = 5.0
"""A wall clock that was set during the run makes latencies of two clocks."""
UNSTEADY_SIGMAS, UNSTEADY_SHARE = 4.0, 0.25
"""The halves of the window may differ by chance (Poisson) or a little; by both is a trend."""


def health(
    recording: Recording, measured: Window, durable: Latency, offer: Offered, cpus: int | None
) -> Health:
    """Judge the measurement, not the engine."""
    end = recording.end.driver if recording.end is not None else DriverEnd()
    lateness = latency(recording, measured, "begun")
    embedded = recording.head.mode == "embedded"
    generator = None if embedded else cores_used(recording, measured, "driver", "harness")
    machine = cores_used(recording, measured, "machine")
    ours = cores_used(recording, measured, "engine", "driver", "embedded", "harness", "store")
    foreign = None if machine is None or ours is None else max(0.0, machine - ours)
    drift_ms = end.clock_drift_ns / 1e6
    reasons = []
    if durable.samples < MIN_SAMPLES and not recording.head.lasting:
        reasons.append(f"only {durable.samples} latencies, {MIN_SAMPLES} are the least")
    if lateness.p99 is not None and lateness.p99 > max(
        LATENESS_MS, LATENESS_SHARE * (durable.p50 or 0)
    ):
        reasons.append(f"the driver began its calls late: P99 {lateness.p99:.0f} ms after due")
    reasons += _rate(offer, measured.secs or 0.0)
    busiest = max(cores_used(recording, measured, one) or 0 for one in ("driver", "harness"))
    if generator is not None and busiest > GENERATOR_CORES:
        reasons.append(f"the load generator used {busiest:.2f} cores of the 1 it can use")
    if foreign is not None and cpus and foreign > FOREIGN_SHARE * cpus:
        reasons.append(f"other processes used {foreign:.2f} of {cpus} cores")
    if abs(drift_ms) > DRIFT_MS:
        reasons.append(f"the wall clock moved by {drift_ms:+.1f} ms during the run")
    if recording.one("SELECT count(*) FROM faults WHERE name = 'clock' AND began_ns IS NOT NULL"):
        reasons.append("the clock of a host was made wrong, and with it what it stamped")
    # A rate that faults drove up and down is no fault of the measurement.
    struck = recording.one("SELECT count(*) FROM faults WHERE began_ns IS NOT NULL")
    level = offer.load == "closed" or offer.load.startswith("constant")
    if level and not struck and (unsteady := _unsteady(recording, measured)):
        reasons.append(unsteady)
    notes = []
    if embedded:
        notes.append("embedded: the driver shares the engine's process, its CPU and its memory")
    if end.watch_errors:
        notes.append(f"{end.watch_errors} looks at instances failed: {end.last_watch_error}")
    driver = process_memory(recording, "driver")
    if driver.slope is not None:
        notes.append(
            f"the driver's memory: {driver.peak or 0:.0f} MiB at most, its private part "
            f"{driver.slope:+.3f} MiB a minute ({driver.slope_low:+.3f} to {driver.slope_high:+.3f})"
        )
    return Health(
        trustworthy=not reasons,
        reasons=tuple(reasons),
        driver_lateness_ms=lateness,
        generator_cpu=generator,
        foreign_cpu=foreign,
        clock_drift_ms=round(drift_ms, 3),
        watch_errors=end.watch_errors,
        notes=tuple(notes),
        generator_memory_mb=None if embedded else as_result(driver),
    )


def _rate(offer: Offered, secs: float) -> list[str]:
    """What is wrong with the rate that was offered, a sentence each."""
    found = []
    if offer.dropped:
        due = offer.started + offer.dropped
        found.append(
            f"{offer.dropped} of {due} instances that were due were dropped: as many as there may be "
            "were in flight (--max-concurrent)"
        )
    if offer.rate_error is not None and offer.wanted_per_sec:
        off = abs(offer.rate_error) * offer.wanted_per_sec * secs
        if abs(offer.rate_error) > RATE_ERROR and off > 1:
            found.append(f"the offered rate was off by {offer.rate_error:+.1%}")
    return found


def _unsteady(recording: Recording, measured: Window) -> str:
    """Whether the rate rose or fell within the window, in one sentence; empty when it did not."""
    if measured.begin_ns is None or measured.end_ns is None:
        return ""
    middle = (measured.begin_ns + measured.end_ns) // 2
    first, second = recording.rows(
        "SELECT count(*) FILTER (WHERE ms * 1000000 < $middle), "
        "count(*) FILTER (WHERE ms * 1000000 >= $middle) FROM "
        "(SELECT e.ended_ms AS ms FROM ops o JOIN ends e USING (instance) WHERE o.as_planned "
        f"AND {LOAD} AND e.ended_ms * 1000000 >= $begin AND e.ended_ms * 1000000 < $finish)",
        begin=measured.begin_ns,
        middle=middle,
        finish=measured.end_ns,
    )[0]
    total = first + second
    gap = abs(first - second)
    if total and gap > UNSTEADY_SIGMAS * sqrt(total) and gap > UNSTEADY_SHARE * total:
        return (
            f"unsteady: {first} completions in the first half of the window, {second} in the second"
        )
    return ""
