"""Findings come by the op of their instance, and the worst of them is named."""

from duroxide_stress.checks.base import Check, Looked, judge
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CheckResult, Finding
from recordings.make import Recorded


def judged(recorded: Recorded, *found: Finding) -> CheckResult:
    """The result of a check with these findings."""
    recording = Recording(recorded.directory)
    check = Check("odd", "Odd.", "here", "things", lambda _: Looked(9, list(found)))
    try:
        return judge(check, recording)
    finally:
        recording.close()


def test_the_first_is_the_earliest_by_op(recorded: Recorded) -> None:
    """Children stand with their root, what names nobody last; equals keep their order."""
    late, early = recorded.instance(9), recorded.instance(2)
    found = [
        Finding("whole store", "broken"),
        Finding("a", "1", "stranger"),
        Finding("b", "2", late),
        Finding("c", "3", f"{early}::sub::4"),
        Finding("d", "4", early),
    ]
    result = judged(recorded, *found)
    assert [finding.detail for finding in result.findings] == ["3", "4", "2", "broken", "1"]


def test_the_worst_is_the_heaviest(recorded: Recorded) -> None:
    """The first of equals, also when it is not among those listed; none where nothing is weighed."""
    instances = [recorded.instance(op) for op in range(30)]
    found = [Finding("a", str(n), name, weight=n // 29) for n, name in enumerate(instances)]
    result = judged(recorded, *found)
    assert (result.found, len(result.findings)) == (30, 20)
    assert result.worst == found[29]
    assert judged(recorded, Finding("a", "1"), Finding("a", "2")).worst is None
    assert judged(recorded).worst is None
