"""Providers of a user's own that cannot be found, and such that fail while they are used."""

from __future__ import annotations

from typing import Any

from .test_bad_input import complaints
from .tool import TINY, Tool, document

FAILING = ("CreateRaises", "ConnectRaises", "HostDies", "AuditRaises")
HARMLESS = ("SizeRaises", "DestroyRaises")


def reason(cell: dict[str, Any]) -> str:
    """The first sentence of why a cell is not ok."""
    found: str = cell["reasons"][0]
    return found


def test_providers_that_are_none_are_all_told_at_once(tool: Tool) -> None:
    """Missing module, broken module, missing name, wrong thing: before anything starts."""
    shown = {
        "missing:Thing": "module 'missing' cannot be imported: No module named 'missing'",
        "raising:Thing": "importing 'raising' failed: ValueError: broken at import",
        "exiting:Thing": "importing 'exiting' failed: SystemExit: 5",
        "awkward:Nobody": "'awkward' has no 'Nobody'; it has: Any, AuditRaises, ConnectRaises,",
        "awkward:not_a_provider": "is not a provider: it has no name, label, engine, shared,",
        "awkward:no_provider": "cannot be made: ValueError: not today",
    }
    told = complaints(tool, "run", *(word for name in shown for word in ("--provider", name)))
    for sentence, (name, expected) in zip(told, shown.items(), strict=True):
        assert sentence.startswith(f"provider '{name}'")
        assert expected in sentence


def test_a_provider_of_an_unknown_engine(tool: Tool) -> None:
    """The engine's name is checked like any other."""
    assert complaints(tool, "run", "--provider", "awkward:UnknownEngine", "--out", "out") == [
        "unknown engine 'duroxid': did you mean 'duroxide'?"
    ]


def test_each_failing_provider_costs_its_own_cell_alone(tool: Tool) -> None:
    """One run over six of them: four cells say in a sentence why nothing is proven, two are whole."""
    names = [f"awkward:{name}" for name in (*FAILING, *HARMLESS)]
    done = tool.run("run", "--quiet", *TINY, "--provider", ",".join(names), "--out", "out")
    assert done.returncode in (1, 3)
    assert "Traceback" not in done.stdout + done.stderr
    assert tool.processes() == []
    assert tool.stores() == []
    cells = {c["provider"]: c for c in document(tool.cwd / "out" / "result.json")["cells"]}
    assert list(cells) == names
    assert [cells[f"awkward:{name}"]["verdict"] for name in FAILING] == ["unknown"] * len(FAILING)
    create, connect, dies, audit = (cells[f"awkward:{name}"] for name in FAILING)
    assert reason(create) == (
        "provider sqlite-file could not create a store: ValueError: no room for a store"
    )
    assert reason(connect) == (
        "the engine's host-0 failed: ValueError: no door; its traceback is in host.log"
    )
    assert reason(dies) == "the engine's host-0 died: exit code 7"
    assert dies["reasons"][1] == "its last words:\nthese were its words"
    assert reason(audit) == "database: the audit itself failed: ValueError: no books"
    # The histories were copied out all the same, and the other checks have their evidence.
    assert {c["name"] for c in audit["checks"] if c["asked"] and c["verdict"] != "ok"} == {
        "database"
    }
    assert audit["completed"] > 0
    for name in HARMLESS:
        ended = document(tool.cwd / "out" / cells[f"awkward:{name}"]["recording"] / "end.json")
        assert ended["ended"] == "finished"
    assert done.stderr == (
        "warning: host-0 died: exit code 7\n"
        "warning: provider sqlite-file could not remove its store: ValueError: it will not go\n"
    )


def test_what_an_engine_prints_in_the_commands_own_process_stays_out_of_the_json(
    tool: Tool,
) -> None:
    """An unmovable provider brings the engine, and its log, into the command itself."""
    words = ("--provider", "awkward:Unmovable", *TINY, "--out", "out", "--json", "out.json")
    done = tool.run("run", *words)
    assert done.stdout.startswith("=== Duroxide Stress Test Results ===")
    log = tool.cwd / "out" / "output.log"
    assert log.read_text().startswith("an unmovable provider says hello\n")


def test_a_users_files_do_not_stand_in_for_pythons_own(tool: Tool) -> None:
    """A queue.py where the command is given is no part of the tool's processes."""
    (tool.cwd / "queue.py").write_text("raise ValueError('the wrong queue')")
    (tool.cwd / "mine.py").write_text(
        "from duroxide_stress.providers.sqlite import FileSqlite\n\n\nclass Mine(FileSqlite):\n"
        '    """A provider of the user\'s own."""\n'
    )
    done = tool.run_script("run", *TINY, "--provider", "mine:Mine", "--out", "out")
    assert "Traceback" not in done.stderr
    (cell,) = document(tool.cwd / "out" / "result.json")["cells"]
    assert cell["completed"] > 0
