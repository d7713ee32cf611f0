"""The verdicts as JUnit XML, for whatever shows tests: a suite a cell, a case a check.

- violated is a failure, with its findings; unknown is an error where the cell's plan put the question,
  and skipped where it did not.
- The case `verdict` is the cell's own, with every reason and the words that repeat it: a cell that was
  cut off has no checks to say so.
- Figures, targets and health are properties. They are no cases, for the exit code does not depend on
  them unless it is asked to, and a red test beside exit code 0 would be a riddle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Xml

from duroxide_stress.reports.findings import story_command
from duroxide_stress.reports.text import cut, printable
from duroxide_stress.result import CellResult, CheckResult, Finding, RunResult
from duroxide_stress.units import format_ms
from duroxide_stress.verdict import Verdict

FINDINGS = 10
"""Findings that a failure lists; result.json has more."""
_NO_XML = re.compile(r"[\ufffe\uffff]")
"""What XML 1.0 forbids beside the control characters and surrogates, which `printable` escapes."""


def render(result: RunResult, run: Path) -> str:
    """An XML 1.0 document."""
    suites = [_suite(cell, run) for cell in result.cells]
    root = Xml.Element("testsuites", {"name": "duroxide-stress", **_counts(suites)})
    root.extend(suites)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _suite(cell: CellResult, run: Path) -> Xml.Element:
    suite = Xml.Element("testsuite", {"name": xml_text(cell.recording)})
    cases = [_verdict_case(cell), *(_check_case(cell, check, run) for check in cell.checks)]
    for case in cases:
        case.set("classname", xml_text(f"{cell.scenario}.{cell.provider}.{cell.config}"))
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(cell):
        Xml.SubElement(properties, "property", {"name": name, "value": xml_text(value)})
    suite.extend(cases)
    for name, number in _counts([suite]).items():
        suite.set(name, number)
    if cell.window.secs is not None:
        suite.set("time", f"{cell.window.secs:.3f}")
    return suite


def _counts(suites: list[Xml.Element]) -> dict[str, str]:
    """How many cases there are, and how many of each kind, as attributes."""
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    return {
        attribute: str(sum(1 for suite in suites for _ in suite.iter(tag)))
        for attribute, tag in kinds.items()
    }


def _verdict_case(cell: CellResult) -> Xml.Element:
    case = Xml.Element("testcase", {"name": "verdict"})
    if cell.verdict is not Verdict.OK:
        reasons = [cut(reason) for reason in cell.reasons]
        repeat = [f"repeat: {cell.command}"] if cell.command else []
        tag = "failure" if cell.verdict is Verdict.VIOLATED else "error"
        _outcome(case, tag, reasons[0] if reasons else cell.verdict.value, [*reasons, *repeat])
    return case


def _check_case(cell: CellResult, check: CheckResult, run: Path) -> Xml.Element:
    case = Xml.Element("testcase", {"name": xml_text(check.name)})
    if check.verdict is Verdict.VIOLATED:
        found = f"{check.found} found in {check.seen} {check.unit}"
        _outcome(case, "failure", found, _violation(cell, check, run))
    elif check.verdict is Verdict.UNKNOWN:
        _outcome(case, "error" if check.asked else "skipped", cut(check.note), [])
    return case


def _violation(cell: CellResult, check: CheckResult, run: Path) -> Iterator[str]:
    yield f"promised: {check.promise}"
    for finding in check.findings[:FINDINGS]:
        yield from _finding("found", finding, run)
    if check.worst is not None:
        yield from _finding("worst", check.worst, run)
    if check.found > FINDINGS:
        yield f"{check.found} in all; result.json lists {len(check.findings)}"
    if cell.command:
        yield f"repeat: {cell.command}"


def _finding(label: str, finding: Finding, run: Path) -> Iterator[str]:
    instance = f"{cut(finding.instance)}: " if finding.instance else ""
    yield f"{label}: {instance}{finding.what}: {cut(finding.detail)}"
    if finding.instance:
        yield f"  story: {story_command(run, finding.instance)}"


def _outcome(case: Xml.Element, tag: str, message: str, lines: list[str] | Iterator[str]) -> None:
    """Say what came of a case that did not pass."""
    outcome = Xml.SubElement(case, tag, {"message": xml_text(message)})
    if tag != "skipped":
        outcome.set("type", {"failure": "violated", "error": "unknown"}[tag])
    if text := "\n".join(lines):
        outcome.text = xml_text(text)


def _properties(cell: CellResult) -> Iterator[tuple[str, str]]:
    rate = cell.orchestrations_per_sec
    yield "provider", cell.provider_label
    yield "engine", cell.engine
    yield "orchestrations_per_sec", "-" if rate is None else f"{rate:.2f}"
    yield "latency_p50", format_ms(cell.latency_ms.p50)
    yield "latency_p99", format_ms(cell.latency_ms.p99)
    for target in cell.targets:
        reason = f": {target.reason}" if target.reason else ""
        yield f"target {target.name}", f"{target.state.replace('_', ' ')}{reason}"
    yield "figures", "trustworthy" if cell.health.trustworthy else "; ".join(cell.health.reasons)


def xml_text(text: str) -> str:
    """Any text as XML 1.0 can hold it: what it forbids as escapes. Markup is the writer's to escape."""
    return _NO_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", printable(text))
