"""What must hold of the latencies: read from `p99<200ms`."""

from __future__ import annotations

import re

import msgspec

from duroxide_stress.errors import UsageError, shown
from duroxide_stress.units import format_duration, parse_duration_secs

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
FORM = "p50, p95, p99, p999 or mean, then < and a duration with its unit, for example p99<200ms"
_FORM = re.compile(r"\s*([A-Za-z]\w*)\s*(<=|<|>=|>|==|=)?\s*(.*?)\s*", re.DOTALL)
_UNIT = re.compile(r"[0-9.]+\s*(?:ms|s|m|h)")


class Slo(msgspec.Struct, frozen=True):
    """A bound of one figure of the latency, from due to durable end."""

    figure: str
    """`p50`, `p95`, `p99`, `p999` or `mean`."""
    bound_ms: float

    @property
    def allowed(self) -> float | None:
        """The share of instances that may take as long as the bound or longer; None for a mean."""
        quantile = QUANTILES.get(self.figure)
        return None if quantile is None else round(1 - quantile, 6)

    def __str__(self) -> str:
        return f"{self.figure}<{bound_text(self.bound_ms)}"


def bound_text(ms: float) -> str:
    """A bound as it may be written: `200ms`, `2s`."""
    return f"{ms:g}ms" if ms < 1000 else f"{format_duration(ms / 1000).replace(' ', '')}"


def read_slo(text: str) -> Slo:
    """The objective that a text stands for. Raises UsageError, one sentence for each mistake."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"--slo {shown(text)} is not an objective: write {FORM}")
    figure, sign, bound = match[1].lower(), match[2], match[3]
    problems = []
    if figure not in QUANTILES and figure != "mean":
        problems.append(f"--slo {shown(text)}: no figure {shown(match[1])}: write {FORM}")
    if sign != "<":
        found = f"found {sign}" if sign else "found none"
        problems.append(f"--slo {shown(text)}: < must stand before the duration, {found}")
    elif _UNIT.fullmatch(bound) is None:
        problems.append(
            f"--slo {shown(text)}: {shown(bound)} is no duration with a unit: write 200ms or 2s"
        )
    else:
        problems += _length_problems(text, bound)
    if problems:
        raise UsageError(problems)
    return Slo(figure, round(parse_duration_secs(bound) * 1000, 6))


def _length_problems(text: str, bound: str) -> list[str]:
    try:
        secs = parse_duration_secs(bound)
    except ValueError as error:
        return [f"--slo {shown(text)}: {error}"]
    if not 0.001 <= secs <= 3600:
        return [f"--slo {shown(text)}: the bound must be between 1ms and 1h, found {shown(bound)}"]
    return []
