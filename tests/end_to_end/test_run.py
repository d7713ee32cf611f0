"""`run` on both stores of the released engine: what it records, prints and answers with."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import jsonschema
import pytest

from duroxide_stress.reports.json import published_schema

from .tool import TINY, Ran, Tool, cells, document, lines

ESCAPE = "\x1b"
TASKS = 2


@pytest.fixture(params=["memory_run", "file_run"])
def ran(request: pytest.FixtureRequest) -> Ran:
    """Each of the two runs in turn."""
    found: Ran = request.getfixturevalue(request.param)
    return found


def ended(ran: Ran, how: str) -> dict[str, int]:
    """Instance → op number of the ops that ended so."""
    ops = lines(ran.cell / "ops.jsonl")
    instances = {op["op"]: op["instance"] for op in ops if op["type"] == "invoke"}
    return {instances[op["op"]]: op["op"] for op in ops if op["type"] == how}


def test_one_orchestrator_and_one_worker_in_memory_end_well(memory_run: Ran) -> None:
    """Nothing competes there, so that the run must be ok from end to end."""
    assert memory_run.done.returncode == 0, memory_run.done.stderr
    assert memory_run.result["verdict"] == "ok"
    assert not ended(memory_run, "fail")


def test_the_exit_code_is_the_verdicts(ran: Ran) -> None:
    """And the verdict is that of the instances: the released engine fails some now and then."""
    verdict = ran.result["verdict"]
    assert ran.done.returncode == {"ok": 0, "violated": 1, "unknown": 3}[verdict]
    assert (verdict == "ok") == (not ended(ran, "fail"))


def test_the_recording_is_whole(ran: Ran) -> None:
    """Every op has one end, every border was passed, and end.json counts the lines that are there."""
    end = document(ran.cell / "end.json")
    assert (end["ended"], end["reason"]) == ("finished", "")
    for name, number in end["lines"].items():
        assert len(lines(ran.cell / f"{name}.jsonl")) == number > 0
    ops = lines(ran.cell / "ops.jsonl")
    invoked = [op["op"] for op in ops if op["type"] == "invoke"]
    assert invoked == list(range(end["driver"]["launched"]))
    ends = Counter(op["op"] for op in ops if op["type"] in ("ok", "fail", "info"))
    assert ends == Counter(invoked)
    marks = [op["name"] for op in ops if op["type"] == "mark"]
    assert marks == ["begin", "window_begin", "window_end", "drained", "at_rest"]


def test_each_activity_really_ran(ran: Ran) -> None:
    """The effects of completed instances are those their programs owe, no other and none missing.

    The engine promises at least once: it repeats an activity whose end its store was too busy to
    take. Each execution that began has an end, because nothing was killed.
    """
    completed = ended(ran, "ok")
    assert completed
    owed = {f"{i}|1|0.{task}" for i in completed for task in range(TASKS)}
    effects = [e for e in lines(ran.cell / "effects.jsonl") if e["instance"] in completed]
    began, over = (
        {e["run"]: e["token"] for e in effects if e["phase"] == phase} for phase in ("begin", "end")
    )
    assert began == over
    assert set(over.values()) == owed
    assert len(effects) == 2 * len(began)


def test_the_histories_were_copied_out(ran: Ran) -> None:
    """Each completed instance has its execution, and the events of a fan-out in its history."""
    executions = {e["instance"]: e for e in lines(ran.cell / "executions.jsonl")}
    events: dict[str, list[dict[str, Any]]] = {}
    for event in lines(ran.cell / "history.jsonl"):
        events.setdefault(event["instance"], []).append(event)
    for instance in ended(ran, "ok"):
        assert executions[instance]["status"] == "Completed"
        assert executions[instance]["events"] == len(events[instance])
        kinds = Counter(event["kind"] for event in events[instance])
        assert kinds["ActivityScheduled"] == kinds["ActivityCompleted"] == TASKS
        assert [e["event_id"] for e in events[instance]] == [*range(1, len(events[instance]) + 1)]


def test_a_store_in_memory_runs_embedded_and_a_file_in_two_processes(
    memory_run: Ran, file_run: Ran
) -> None:
    """The mode is recorded, and with it where the engine's memory and CPU were looked at."""
    seen = {}
    for ran in (memory_run, file_run):
        sources = {sample["source"] for sample in lines(ran.cell / "samples.jsonl")}
        seen[document(ran.cell / "cell.json")["mode"]] = sources
    common = {"machine", "queues", "harness"}
    assert seen == {
        "embedded": common | {"embedded"},
        "separate": common | {"engine", "driver", "store"},
    }


def test_json_on_standard_output_stands_alone(memory_run: Ran) -> None:
    """With `--json -` the table goes to standard error."""
    assert json.loads(memory_run.done.stdout) == memory_run.result
    assert "=== Duroxide Stress Test Results ===" in memory_run.done.stderr


def test_the_json_fits_the_published_schema(ran: Ran, shared_tool: Tool) -> None:
    """Whether it was printed, written to a file or kept in the recording."""
    validator = jsonschema.Draft202012Validator(published_schema())
    validator.validate(ran.result)
    if ran.out.name == "file":
        written = document(shared_tool.cwd / "file.json")
        assert written == ran.result
    (cell,) = ran.result["cells"]
    assert cell["completed"] == len(ended(ran, "ok"))
    assert cell["failed"] == len(ended(ran, "fail")) == sum(cell["failed_by_category"].values())
    assert cell["launched"] == cell["completed"] + cell["failed"]


def test_nothing_is_coloured_when_nobody_looks(ran: Ran) -> None:
    """Pipes and files get plain text, logs of the nodes included."""
    assert ESCAPE not in ran.done.stdout + ran.done.stderr
    for log in ran.cell.glob("*.log"):
        assert ESCAPE not in log.read_text()


def test_check_and_report_say_what_run_said(ran: Ran, shared_tool: Tool) -> None:
    """The same table and verdict, from the recording alone; only the exit codes differ."""
    printed = ran.done.stderr if ran.out.name == "memory" else ran.done.stdout
    printed = printed[printed.index("=== Duroxide Stress Test Results ===") :]
    judged = ran.result
    (ran.out / "result.json").unlink()
    checked, reported = shared_tool.run("check", ran.out), shared_tool.run("report", ran.out)
    assert checked.stdout == reported.stdout == printed
    assert (checked.returncode, reported.returncode) == (ran.done.returncode, 0)
    assert ran.result == judged


def test_no_store_and_no_process_is_left(ran: Ran, shared_tool: Tool) -> None:
    """A run cleans up behind itself."""
    assert ran.out.exists()
    assert shared_tool.processes() == []
    assert shared_tool.stores() == []


def test_a_kept_store_is_where_the_run_says(tool: Tool) -> None:
    """`--keep-store` prints the path of a directory that holds the store's file."""
    done = tool.run("run", "--provider", "sqlite-file", *TINY, "--out", "out", "--keep-store")
    (path,) = re.findall(r"^store kept in (.+)$", done.stderr, re.MULTILINE)
    (kept,) = tool.tmp.iterdir()
    assert path == str(kept)
    assert (kept / "store.db").stat().st_size > 0
    assert tool.processes() == []


def test_plan_tells_what_run_then_does(tool: Tool) -> None:
    """The same words give the cells that are run, in order, and a command that repeats them."""
    words = (
        *("--provider", "reference", "--config", "1/1,2/1", "--repeat", "2", "--seed", "7"),
        *("--duration", "1"),
    )
    planned = tool.run("plan", *words)
    assert planned.returncode == 0
    first, *told, repeat = planned.stdout.splitlines()
    assert first.startswith("Plan standard: 4 cells, about ")
    done = tool.run("run", *words, "--out", "out")
    run = document(tool.cwd / "out" / "plan.json")["plan"]
    for line, cell in zip(told, run["cells"], strict=True):
        config = f"{cell['config']['orch_concurrency']}/{cell['config']['worker_concurrency']}"
        assert f"{cell['scenario']} on {cell['provider']} at {config}" in line
        assert f"repeat {cell['repeat']}:" in line
        assert line.endswith("seed 7")
    assert [c.name for c in cells(tool.cwd / "out")] == [
        f"parallel.reference.{config}.r{repeat}" for config in ("1-1", "2-1") for repeat in (1, 2)
    ]
    assert repeat == f"Repeat it with: {run['command']}"
    assert f"Repeat: {run['command']}" in done.stdout
    assert tool.run("plan", *run["command"].split()[2:]).stdout == planned.stdout


def test_repeated_cells_stand_in_the_table_one_by_one(tool: Tool) -> None:
    """`--repeat 2` gives two recordings and two rows."""
    done = tool.run(
        "run", "--provider", "reference", "--config", "1/1", "--repeat", "2", *("--out", "out")
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| Reference")]
    assert [row.split("|")[2].strip() for row in rows[:2]] == ["1/1", "1/1 #2"]
    assert len(document(tool.cwd / "out" / "result.json")["cells"]) == 2


def test_two_runs_that_begin_together_get_a_directory_each(tool: Tool) -> None:
    """The dated default never makes two runs share a recording."""
    words = ("run", "--provider", "reference", "--config", "1/1", "--duration", "1")
    started = [tool.start(*words) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(list((tool.cwd / "stress-runs").iterdir())) == 3


def test_a_missed_target_counts_only_when_asked(tool: Tool, file_run: Ran) -> None:
    """`--fail-on targets` turns ok into 4 for a missed target, into 3 for one without a figure."""
    result = file_run.result
    states = {t["state"] for c in result["cells"] for t in c["targets"]}
    code = file_run.done.returncode
    if result["verdict"] != "violated" and "missed" in states:
        code = 4
    elif result["verdict"] == "ok" and states & {"untrusted", "no_figure"}:
        code = 3
    assert tool.run("check", file_run.out, "--fail-on", "targets").returncode == code
    assert tool.run("check", file_run.out).returncode == file_run.done.returncode


def test_a_reader_that_goes_away_costs_nothing(tool: Tool, memory_run: Ran) -> None:
    """`duroxide-stress check RUN | head -1` leaves with the verdict's code and no complaint."""
    process = tool.start("check", memory_run.out)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == memory_run.done.returncode
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
