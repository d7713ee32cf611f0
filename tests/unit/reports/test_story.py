"""The story of an instance: nothing left out, causes before what they cause, safe on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bite.planted import CELLS, fail, root
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.plan import Cell
from duroxide_stress.recording.store import read_run
from duroxide_stress.recording.tables import Recording
from duroxide_stress.reports import story_text
from duroxide_stress.reports.instances import find
from duroxide_stress.reports.story import SCHEMA, Story, tell
from recordings.make import Recorded, where

WORDS = "infrastructure:database is deadlocked"


def story(recorded: Recorded, instance: str, *checks: str) -> Story:
    """The story as it is now, with the findings of these checks."""
    recording = Recording(recorded.directory)
    try:
        head = read_run(recorded.run)
        return tell(recording, instance, "runs/one", head, [CHECKS[name] for name in checks])
    finally:
        recording.close()


def told(found: Story) -> list[tuple[str, str]]:
    """Who did what, in order."""
    return [(moment.source, moment.what) for moment in found.moments]


def test_a_clean_instance_is_told_from_its_start_to_its_end(recorded: Recorded) -> None:
    """Client, engine and activities, each once, in the order of cause and effect."""
    found = story(recorded, recorded.instance(0), "success")
    assert (found.schema, found.instance) == (SCHEMA, recorded.instance(0))
    order = told(found)
    assert order[:3] == [
        ("client", "invoke"),
        ("client", "acked"),
        ("engine", "OrchestrationStarted"),
    ]
    assert order[-2:] == [("engine", "OrchestrationCompleted"), ("client", "saw it completed")]
    lines = sum(
        len(recorded.lines(name, where(instance=found.instance))) for name in ("effects", "history")
    )
    assert len(order) == lines + 3
    assert found.findings == found.children == ()
    assert found.parent is None
    assert found.books[0].status == "Completed"
    assert found.owed is not None
    assert found.owed.activities == 3


def test_each_activity_stands_between_its_schedule_and_its_completion(recorded: Recorded) -> None:
    """Though the engine's clock has whole milliseconds only."""
    instance = recorded.instance(0)
    moments = story(recorded, instance).moments
    events = {moment.event: place for place, moment in enumerate(moments) if moment.event}
    for task in range(3):
        token = f"{instance}|1|0.{task}"
        places = [place for place, moment in enumerate(moments) if moment.detail == token]
        assert [moments[place].what for place in places] == ["activity begins", "activity ends"]
        schedule = next(
            m for m in moments if m.what == "ActivityScheduled" and token in (m.detail or "")
        )
        (completion,) = (m for m in moments if m.answers == schedule.event)
        assert events[schedule.event] < places[0] < places[1] < events[completion.event]


def test_ties_are_causes_first(recorded: Recorded) -> None:
    """Everything in one millisecond, in the wrong order by the clocks alone."""
    instance = recorded.instance(0)
    due = recorded.lines("ops", where(type="invoke", op=0))[0]["due_ns"] // 10**6 * 10**6
    recorded.change("ops", where(type="invoke", op=0), due_ns=due, at_ns=due + 900)
    recorded.change("ops", where(type="acked", op=0), begun_ns=due + 900, at_ns=due + 1_000)
    recorded.change("ops", where(type="ok", op=0), at_ns=due + 9_000)
    recorded.change("history", where(instance=instance), ts_ms=due // 10**6)
    recorded.change("effects", where(instance=instance, phase="begin"), at_ns=due + 2_000)
    recorded.change("effects", where(instance=instance, phase="end"), at_ns=due + 3_000)
    order = [what for _, what in told(story(recorded, instance))]
    assert order == [
        "invoke",
        "acked",
        "OrchestrationStarted",
        *["ActivityScheduled"] * 3,
        *["activity begins"] * 3,
        *["activity ends"] * 3,
        *["ActivityCompleted"] * 3,
        "OrchestrationCompleted",
        "saw it completed",
    ]


def test_an_activity_that_ended_after_its_completion_is_shown_so(recorded: Recorded) -> None:
    """A disorder of more than the clock's resolution is a finding, not a tie."""
    instance = recorded.instance(0)
    late = recorded.lines("ops", where(type="ok", op=0))[0]["at_ns"] + 10**9
    recorded.change("effects", where(instance=instance, phase="end"), at_ns=late)
    assert told(story(recorded, instance))[-1] == ("activity", "activity ends")


def test_calls_to_a_running_instance_are_part_of_it(
    recording_of: Callable[[Cell], Recorded],
) -> None:
    """What was sent, by whom and how long the call took; one that raised is told as that."""
    recorded = recording_of(CELLS["events"])
    instance = root(recorded, "events-queue")
    found = story(recorded, instance)
    sent = [m for m in found.moments if m.source == "client" and m.what.startswith("enqueue")]
    assert sent
    assert all("sender-" in (m.detail or "") and "took" in (m.detail or "") for m in sent)
    first = next(place for place, m in enumerate(found.moments) if m in sent)
    arrived = [p for p, m in enumerate(found.moments) if m.what == "QueueEventDelivered"]
    assert first < arrived[0]
    recorded.change("ops", where(type="acted", op=0, number=0), error="store is busy")
    (refused,) = (m for m in story(recorded, recorded.instance(0)).moments if m.failed)
    assert "store is busy" in (refused.detail or "")


def test_a_family_is_linked_both_ways(recording_of: Callable[[Cell], Recorded]) -> None:
    """A child counts from when its root was due, and owes nothing to a client."""
    recorded = recording_of(CELLS["sub-orchestrations"])
    parent = story(recorded, root(recorded))
    assert parent.children
    assert {child.status for child in parent.children} <= {"Completed", "Failed"}
    child = story(recorded, parent.children[0].instance)
    assert child.parent is not None
    assert (child.parent.instance, child.parent.status) == (parent.instance, "Completed")
    assert (child.root, child.owed) == (parent.instance, None)
    assert child.origin_ns == parent.origin_ns
    text = story_text.render(child)
    assert f"duroxide-stress show runs/one {parent.instance}" in text
    assert "~~ its root" in text


def test_nodes_are_told_where_they_fall_between(
    recording_of: Callable[[Cell], Recorded],
) -> None:
    """A rolling upgrade in the middle of an instance's life is part of its story."""
    recorded = recording_of(CELLS["versions"])
    stopping = recorded.lines("nodes", where(what="stopping"))[0]["at_ns"]
    instances = recorded.lines("ops", where(type="invoke"))
    ends = {line["op"]: line["at_ns"] for line in recorded.lines("ops", where(type="ok"))}
    crossing = next(
        line for line in instances if line["at_ns"] < stopping < ends.get(line["op"], 0)
    )
    assert ("node", "host-0 stopping") in told(story(recorded, crossing["instance"]))


def test_findings_name_the_instance_or_speak_of_it(recorded: Recorded) -> None:
    """Others' findings are left out, also those of ids that only begin alike."""
    instance = recorded.instance(3)
    fail(recorded, 3, WORDS, category="infrastructure", retryable=True)
    fail(recorded, 4, WORDS, category="infrastructure", retryable=True)
    (named,) = story(recorded, instance, "success", "outputs").findings
    assert (named.check, named.found, named.finding.instance) == ("success", 2, instance)
    recorded.swap(
        "history",
        where(instance=recorded.instance(5)),
        f"{recorded.instance(5)}|1|0.0",
        f"{instance}|1|0.0",
    )
    named = story(recorded, instance, "isolation").findings[0]
    assert named.finding.instance == recorded.instance(5)
    assert story(recorded, recorded.instance(6), "success", "isolation").findings == ()


def test_the_page_of_a_failure_ends_with_a_bug_report(recorded: Recorded) -> None:
    """Engine, store, settings, command, the error's words whole, and the history."""
    fail(recorded, 3, WORDS, category="infrastructure", retryable=True)
    found = story(recorded, recorded.instance(3), "success")
    text = story_text.render(found)
    page, _, report = text.partition("--- For a bug report")
    assert f"FOUND   success: infrastructure failure: {WORDS}" in page
    assert "the engine calls it retryable" in page
    for words in (
        "**reference 1 on Reference (virtual): infrastructure failure",
        "- orchestration / activity workers: 2/2",
        f"- repeat: `{found.command}`",
        f"Instance `{found.instance}`:",
        "(1 found in",
    ):
        assert words in report
    table = report.partition("```text\n")[2].partition("\n```")[0].splitlines()
    assert table[0].split() == ["ms", "event", "kind", "of", "data"]
    assert any("OrchestrationFailed" in line and WORDS in line for line in table)


def test_a_clean_page_has_no_bug_report(recorded: Recorded) -> None:
    """There is nothing to report."""
    text = story_text.render(story(recorded, recorded.instance(0), "success"))
    assert "bug report" not in text
    assert "found   nothing" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(recorded: Recorded, width: int) -> None:
    """But for words that are to be copied: commands and the report for a maintainer."""
    fail(recorded, 3, WORDS + " because" * 60, category="infrastructure", retryable=True)
    text = story_text.render(story(recorded, recorded.instance(3), "success"), width)
    page = text.partition("--- For a bug report")[0]
    lines = [line for line in page.splitlines() if "duroxide-stress " not in line]
    assert max(map(len, lines)) <= width
    assert page.count(" because") >= 60


def test_a_pipe_gets_long_lines_whole(recorded: Recorded) -> None:
    """An error is not broken up where no terminal asks for it; data is cut and says how long it is."""
    words = WORDS + " because" * 60
    fail(recorded, 3, words, category="infrastructure")
    text = story_text.render(story(recorded, recorded.instance(3), "success"))
    assert any(line.endswith(words) for line in text.splitlines())
    recorded.change("ops", where(type="ok", op=0), output="x" * 5_000)
    text = story_text.render(story(recorded, recorded.instance(0)))
    assert "x...(5002)" in text
    assert "x" * 300 not in text


def test_many_events_at_once_are_folded_unless_all_are_asked_for(recorded: Recorded) -> None:
    """One line for the first, one for the others; both ends of a run share one too."""
    instance = recorded.instance(0)
    (first, *_) = recorded.lines("history", where(instance=instance, kind="ActivityScheduled"))
    recorded.add("history", *({**first, "event_id": 100 + n} for n in range(20)))
    run = where(instance=instance, token=f"{instance}|1|0.0")
    begun = recorded.lines("effects", run)[0]["at_ns"]
    recorded.change("effects", run, at_ns=begun - 1)
    found = story(recorded, instance)
    folded = story_text.render(found)
    assert "101-119" in folded
    assert "19 more of these" in folded
    assert "activity runs" in folded
    whole = story_text.render(found, everything=True)
    assert "more of these" not in whole
    assert whole.count("ActivityScheduled") > folded.count("ActivityScheduled") + 10


def test_a_very_long_story_shows_its_ends(recorded: Recorded) -> None:
    """How much is left out is said, and how to see it."""
    instance = recorded.instance(0)
    (last,) = recorded.lines("history", where(instance=instance, kind="OrchestrationCompleted"))
    events = [
        {**last, "kind": "TimerCreated", "event_id": 100 + n, "ts_ms": last["ts_ms"] + n}
        for n in range(500)
    ]
    recorded.add("history", *events)
    found = story(recorded, instance)
    text = story_text.render(found)
    assert "lines left out; --all shows them" in text
    assert len(text.splitlines()) < 150
    assert len(story_text.render(found, everything=True).splitlines()) > 500


HOSTILE = "\x1b[2J\x1b]0;title\x07red\u202e\rback```\nInstance `x`"


def test_hostile_words_stay_text(recorded: Recorded) -> None:
    """Escapes, directions, new lines and fences in an error change neither terminal nor report."""
    fail(recorded, 3, HOSTILE, category="application")
    (recorded.directory / "host.log").write_text(f"{recorded.instance(3)} said {HOSTILE!s}\n")
    text = story_text.render(story(recorded, recorded.instance(3), "success"), 80)
    assert not set(text) & set("\x1b\x07\r\u202e")
    assert "\\x1b[2J" in text
    report = text.partition("--- For a bug report")[2]
    assert "\nInstance `x`" not in report
    assert "````text" in report


def test_what_logs_say_of_it_is_told(recorded: Recorded) -> None:
    """Lines that name it, those before the first that does, and none of a longer id."""
    instance = recorded.instance(3)
    lines = [
        *(f"before {n}" for n in range(9)),
        f"failing instance={instance} error=locked",
        f"other instance={instance}::sub::2",
        f"longer instance={instance}0",
        f"done instance={instance}",
    ]
    (recorded.directory / "host.log").write_text("\n".join(lines))
    log = story(recorded, instance).log
    assert [(line.names, line.text) for line in log] == [
        *((False, f"before {n}") for n in range(5, 9)),
        (True, lines[9]),
        (True, lines[12]),
    ]


def test_a_story_of_a_cell_that_was_cut_off(recorded: Recorded) -> None:
    """What there is is told, without books and without an end."""
    instance = recorded.instance(3)
    (recorded.directory / "end.json").unlink()
    recorded.drop("ops", where(op=3, type="ok"))
    for name in ("executions", "history"):
        recorded.path(name).unlink()
    found = story(recorded, instance, "success", "completion")
    assert {moment.source for moment in found.moments} == {"client", "activity"}
    text = story_text.render(found, 80)
    assert "books   unknown: the cell was cut off: no end.json" in text
    assert "nothing: no check has anything against it, but the cell was cut off" in text
    assert "the run was cut off" in text


def test_nobody_has_no_story(recorded: Recorded) -> None:
    """An id that is nowhere is an error, not an empty page."""
    with pytest.raises(RecordingError, match="has no instance 'nobody'"):
        story(recorded, "nobody")


def test_a_story_is_a_document(recorded: Recorded) -> None:
    """Its JSON is read back as it was, with all that the page shortens."""
    found = story(recorded, recorded.instance(0), "success")
    again = msgspec.json.decode(msgspec.json.encode(found), type=Story)
    assert again == found
    document: dict[str, Any] = msgspec.to_builtins(found)
    assert {"schema", "instance", "findings", "moments", "books", "children"} <= document.keys()


def test_an_instance_is_found_by_its_id_its_beginning_or_its_end(recorded: Recorded) -> None:
    """A whole id wins; what fits several is refused with their names."""
    cells = [recorded.cell.key]
    third = recorded.instance(3)
    for wanted in (third, third[-7:], third.removeprefix("parallel-")):
        assert find(recorded.run, cells, wanted).instance == third
    recorded.change("executions", where(instance=recorded.instance(4)), instance=f"{third}::sub::1")
    assert find(recorded.run, cells, third).instance == third
    with pytest.raises(
        UsageError, match=r"ids begin or end with it: parallel-\w+-0000000, .* more"
    ):
        find(recorded.run, cells, "parallel")


def test_an_unknown_instance_is_told_its_neighbours(recorded: Recorded) -> None:
    """The nearest ids, or one for an example."""
    near = recorded.instance(3)[:-1] + "x"
    with pytest.raises(UsageError, match=f"near it: .*{recorded.instance(3)[:-1]}"):
        find(recorded.run, [recorded.cell.key], near)
    with pytest.raises(UsageError, match="its ids are like parallel-"):
        find(recorded.run, [recorded.cell.key], "?")
    with pytest.raises(UsageError, match="nothing was started in it"):
        find(recorded.run, ["gone"], "?")


def test_one_id_in_two_cells_wants_a_cell(recorded: Recorded, tmp_path: Path) -> None:
    """Which of them is meant is for the user to say."""
    (recorded.run / "twin").symlink_to(recorded.directory)
    cells = [recorded.cell.key, "twin"]
    with pytest.raises(UsageError, match=r"is in 2 cells of .*: name one with --cell"):
        find(recorded.run, cells, recorded.instance(3))
    assert find(recorded.run, ["twin"], recorded.instance(3)).cell == "twin"


def test_an_id_that_cannot_be_typed_is_found_as_it_is_printed(recorded: Recorded) -> None:
    """Control characters are given as their escapes."""
    recorded.change("executions", where(instance=recorded.instance(4)), instance="odd\x1b\nid")
    assert find(recorded.run, [recorded.cell.key], "odd\\x1b\\nid").instance == "odd\x1b\nid"
