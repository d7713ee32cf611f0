"""Histories of the released engine, replayed: unchanged code follows them all, changed code is found.

The histories are those of workflows of the user's: some that use all that the SDK offers, and the
example saga. Those of the scenarios are replayed where they are run (`test_scenarios.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from duroxide_stress import StressTestConfig, replay_recording, run_stress_test
from duroxide_stress.plan import Cell, Plan

HERE = Path(__file__).parent
SAGA = HERE.parents[1] / "examples" / "order_saga"
OWN = {"constructs:Constructs": (12, 4), "order_saga:OrderSaga": (6, 1)}
"""How many at once, and activity workers; of the constructs one of each kind."""


def _cell(scenario: str) -> Cell:
    instances, workers = OWN[scenario]
    config = StressTestConfig(
        max_concurrent=instances,
        duration_secs=0.3,
        warmup_secs=0.1,
        orch_concurrency=1,
        worker_concurrency=workers,
        poll_interval_ms=10,
        wait_timeout_secs=30,
    )
    return Cell(scenario, "sqlite-file", config)


@pytest.fixture(scope="module")
def modules() -> Iterator[pytest.MonkeyPatch]:
    """The directories of the user's modules, here and in the processes of the run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(HERE))
        patched.syspath_prepend(str(SAGA))
        yield patched
    for name in ("constructs", "order_saga"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, modules: pytest.MonkeyPatch) -> Path:
    """A run of the user's workflows."""
    run = tmp_path_factory.mktemp("replay") / "run"
    run_stress_test(Plan("all", tuple(map(_cell, OWN)), ""), out=run)
    return run


@pytest.mark.parametrize("scenario", OWN)
def test_unchanged_code_follows_every_history(own: Path, scenario: str) -> None:
    """Nothing differs, nothing was left out, and no timer is seen to have changed."""
    cell = next(cell for cell in replay_recording(own).cells if cell.scenario == scenario)
    assert (cell.places, cell.reasons, cell.unreadable) == ((), (), 0)
    assert cell.verdict == "ok"
    assert cell.instances >= OWN[scenario][0]
    assert cell.executions >= cell.instances
    assert cell.changed_delays == 0


CHANGES = {
    "reordered": (
        '("reserve", "charge", "ship")',
        '("charge", "reserve", "ship")',
        ("schedules activity 'reserve' with", "schedules activity 'charge' with"),
    ),
    "removed": (
        '("reserve", "charge", "ship")',
        '("reserve", "ship")',
        ("schedules activity 'charge' with", "schedules activity 'ship' with"),
    ),
    "added": (
        '("reserve", "charge", "ship")',
        '("reserve", "insure", "charge", "ship")',
        ("schedules activity 'charge' with", "schedules activity 'insure' with"),
    ),
    "early": (
        "            done.append(step)\n",
        '            done.append(step)\n            return {"order": order["number"]}\n',
        ("schedules activity 'charge' with", 'returns {"order": 0}'),
    ),
    "unchanged": ("Put the goods aside", "Put them aside", None),
}


@pytest.fixture
def changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str, str], str]]:
    """A copy of the saga with other code; returns the reference of its scenario."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def copy(name: str, old: str, new: str) -> str:
        source = (SAGA / "order_saga.py").read_text()
        assert old in source
        (tmp_path / f"saga_{name}.py").write_text(source.replace(old, new))
        made.append(f"saga_{name}")
        return f"saga_{name}:OrderSaga"

    yield copy
    for module in made:
        sys.modules.pop(module, None)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_code_is_found_at_its_first_other_step(
    own: Path, changed: Callable[[str, str, str], str], change: str
) -> None:
    """Before it is deployed, on the histories of the code that it would take over from."""
    old, new, sides = CHANGES[change]
    directory = _cell("order_saga:OrderSaga").key
    result = replay_recording(own, changed(change, old, new))
    cell = next(cell for cell in result.cells if cell.recording == directory)
    if sides is None:
        assert (cell.verdict, cell.places) == ("ok", ())
        return
    (place,) = cell.places
    first = place.examples[0]
    assert (cell.verdict, place.count, cell.different) == ("violated", *[cell.instances] * 2)
    assert first.event_id == (2 if change == "reordered" else 4)
    assert first.history.startswith(sides[0])
    assert first.code.startswith(sides[1])


def test_no_engine_is_started_and_no_activity_runs(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would do either refuses."""
    import constructs  # type: ignore[import-not-found, unused-ignore] # found by the fixture
    import duroxide

    def refuse(*given: object) -> None:
        raise AssertionError("not during a replay")

    for name in ("echo", "slow", "flaky", "send"):
        monkeypatch.setattr(constructs, name, refuse)
    for name in ("Runtime", "Client", "SqliteProvider"):
        monkeypatch.setattr(duroxide, name, refuse)
    assert replay_recording(own).verdict == "ok"
