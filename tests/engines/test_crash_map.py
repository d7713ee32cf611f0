"""The crash map on the released engine: the host really dies, and what it had begun is done again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from duroxide_stress.crashes import MOMENTS
from duroxide_stress.judge import judge_run
from duroxide_stress.plan import Plan
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.recording.store import read_run
from duroxide_stress.verdict import Verdict

WANTED = ("turn-scheduled", "activity-end", "between-generations")
PATIENCE_SECS = 300


class Mapped(NamedTuple):
    """A command that is over, its recording, and its JSON."""

    done: subprocess.CompletedProcess[str]
    out: Path
    document: dict[str, Any]

    @property
    def plan(self) -> Plan:
        """What was run."""
        return read_run(self.out).plan

    def lines(self, moment: str, name: str) -> list[dict[str, Any]]:
        """The records of the cell in which the host died at this moment."""
        (cell,) = (c for c in self.plan.cells if c.faults == (f"crash:{moment},pass=1",))
        return [msgspec.json.decode(line) for line in lines_of(self.out / cell.key, name)]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    """The map of three moments at their first pass, by the command line."""
    home = tmp_path_factory.mktemp("crash-map")
    out, json = home / "run", home / "result.json"
    words = [word for moment in WANTED for word in ("--moment", moment)]
    words += ["--passes", "1", "--out", str(out), "--json", str(json)]
    done = subprocess.run(
        [sys.executable, "-m", "duroxide_stress", "crash-map", *words],
        capture_output=True,
        text=True,
        cwd=home,
        timeout=PATIENCE_SECS,
        check=False,
    )
    assert json.exists(), done.stderr
    return Mapped(done, out, msgspec.json.decode(json.read_bytes()))


def test_every_promise_was_kept(mapped: Mapped) -> None:
    """By all checks, whatever moment the host died at; the exit code says so too."""
    assert (mapped.done.returncode, mapped.done.stderr.splitlines()[0][:8]) == (0, "3 cells,")
    words = {spot["moment"]: spot["word"] for spot in mapped.document["crash_map"]}
    assert words == dict.fromkeys(WANTED, "ok")
    order = [moment for moment in MOMENTS if moment in WANTED]
    rows = [line.split("|")[1:3] for line in mapped.done.stdout.splitlines() if "| ok" in line]
    assert [[column.strip() for column in row] for row in rows] == [[m, "ok"] for m in order]


@pytest.mark.parametrize("moment", WANTED)
def test_the_host_died_by_its_own_hand_and_came_back(mapped: Mapped, moment: str) -> None:
    """Its first life was killed, its second served and was told to stop."""
    lives = [(node["node"], node["what"]) for node in mapped.lines(moment, "nodes")]
    assert [life for life in lives if life[1] not in ("frozen", "thawed")] == [
        ("host-0", "starting"),
        ("host-0", "ready"),
        ("host-0", "killed"),
        ("host-0.2", "starting"),
        ("host-0.2", "ready"),
        ("host-0.2", "stopping"),
        ("host-0.2", "stopped"),
    ]
    faults = [(fault["what"], fault["target"]) for fault in mapped.lines(moment, "faults")]
    assert faults == [("intended", "host-0"), ("began", "host-0"), ("ended", "host-0")]


def test_an_activity_that_never_answered_ran_again(mapped: Mapped) -> None:
    """Its end was written down, and the engine could not know of it."""
    runs: dict[str, set[str]] = {}
    for effect in mapped.lines("activity-end", "effects"):
        if effect["phase"] == "end":
            runs.setdefault(effect["token"], set()).add(effect["node"])
    assert [nodes for nodes in runs.values() if nodes == {"host-0", "host-0.2"}]


def test_the_next_generation_began_in_the_second_life(mapped: Mapped) -> None:
    """The one that was over when the host died was handed on all the same."""
    effects = mapped.lines("between-generations", "effects")
    first_life = [effect for effect in effects if effect["node"] == "host-0"]
    generations = {effect["token"].split("|")[1] for effect in effects}
    assert {effect["token"].split("|")[1] for effect in first_life} < generations
    assert len(generations) == 8


@pytest.mark.parametrize("read", [judge_run, read_run], ids=["check", "show"])
def test_the_recording_is_an_ordinary_one(mapped: Mapped, read: Callable[[Path], Any]) -> None:
    """Judged again it is what it was."""
    found = read(mapped.out)
    assert getattr(found, "verdict", Verdict.OK) is Verdict.OK
    assert found.plan.command == mapped.document["plan"]["command"]
