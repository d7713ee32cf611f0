"""Nodes that are killed or crash in the middle of a cell."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from .tool import LONG, TINY, Tool, cells, document, finish, wait_for, wait_for_effects

FILE, MEMORY = "sqlite-file", "sqlite-memory"
HOST, DRIVER = "effects", "ops"


def strike(tool: Tool, provider: str, node: str, number: signal.Signals) -> dict[str, Any]:
    """Hit a node of a running cell; the result, once the run has ended without a process left."""
    out = tool.cwd / "out"
    process = tool.start("run", *LONG, "--provider", provider, "--out", "out", "--quiet")
    wait_for(lambda: out.exists() and cells(out), "the first cell")
    (cell,) = cells(out)
    wait_for_effects(cell)
    tool.node(node).send_signal(number)
    done = finish(process)
    assert "Traceback" not in done.stdout + done.stderr
    assert tool.processes() == []
    assert tool.stores() == []
    result = document(out / "result.json")
    assert done.returncode == {"violated": 1, "unknown": 3}[result["verdict"]]
    return result


def end(result: dict[str, Any], out: Path) -> dict[str, Any]:
    """end.json of the only cell."""
    return document(out / result["cells"][0]["recording"] / "end.json")


@pytest.mark.parametrize("provider", [FILE, MEMORY])
def test_a_host_killed_from_outside(tool: Tool, provider: str) -> None:
    """SIGKILL is no crash of the engine: the cell says who died, and is not called ok."""
    result = strike(tool, provider, HOST, signal.SIGKILL)
    ended = end(result, tool.cwd / "out")
    assert ended["ended"] == "host-died"
    who = "host-0" if provider == FILE else "host"
    assert ended["reason"] == (
        f"the engine's {who} died in the middle of the cell: killed by signal 9 (SIGKILL)"
    )
    assert ended["reason"] in result["cells"][0]["reasons"]
    checked = tool.run("check", "out")
    assert checked.returncode == {"violated": 1, "unknown": 3}[result["verdict"]]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_host_that_crashes_is_a_violation(tool: Tool, number: signal.Signals) -> None:
    """A signal a process only sends itself is the engine's own failure."""
    result = strike(tool, FILE, HOST, number)
    assert result["verdict"] == "violated"
    ended = end(result, tool.cwd / "out")
    assert ended["ended"] == "host-crashed"
    assert ended["reason"].endswith(f"killed by signal {number.value} ({number.name})")


def test_an_embedded_host_that_crashes_is_a_violation(tool: Tool) -> None:
    """The driver dies with it, which changes nothing in who is to blame."""
    result = strike(tool, MEMORY, HOST, signal.SIGSEGV)
    assert result["verdict"] == "violated"


def test_a_signal_without_a_name_has_its_number(tool: Tool) -> None:
    """Real-time signals are not all known to Python."""
    result = strike(tool, FILE, HOST, signal.SIGRTMIN + 5)  # type: ignore[arg-type]
    assert end(result, tool.cwd / "out")["reason"].endswith(f"signal {signal.SIGRTMIN + 5}")


def test_a_killed_driver_proves_nothing(tool: Tool) -> None:
    """The harness failed, not the engine."""
    result = strike(tool, FILE, DRIVER, signal.SIGKILL)
    assert result["verdict"] == "unknown"
    ended = end(result, tool.cwd / "out")
    assert ended["ended"] == "error"
    assert ended["reason"] == "the driver died: killed by signal 9 (SIGKILL)"


def test_a_host_whose_helper_lives_on_is_seen_to_die(tool: Tool) -> None:
    """A process that the provider started holds the host's pipes open, and ends with the cell."""
    result = strike(tool, "awkward:WithHelper", HOST, signal.SIGKILL)
    assert end(result, tool.cwd / "out")["ended"] == "host-died"


def test_later_cells_still_run(tool: Tool) -> None:
    """The second cell is whole although the first lost its host."""
    out = tool.cwd / "out"
    words = ("run", *TINY, "--provider", FILE, "--provider", "reference", "--out", "out")
    process = tool.start(*words, "--duration", "5")
    wait_for(lambda: out.exists() and cells(out), "the first cell")
    wait_for_effects(cells(out)[0])
    tool.node(HOST).kill()
    finish(process)
    first, second = document(out / "result.json")["cells"]
    assert first["verdict"] in ("violated", "unknown")
    assert (second["provider"], second["verdict"]) == ("reference", "ok")
