"""A user's own workflows on the released engine: the example saga, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duroxide_stress import RunResult, build_plan, run_stress_test
from duroxide_stress.config import Choices
from duroxide_stress.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "examples" / "order_saga"


@pytest.fixture(autouse=True)
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example and a directory of the test's own are where modules are looked for."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("order_saga", "mine", "ours"):
        sys.modules.pop(name, None)


def run(scenario: str, provider: str, out: Path, **more: int) -> RunResult:
    """One small cell at 1/1."""
    config: dict[str, Any] = {"duration_secs": 1, "warmup_secs": 0.2, "max_concurrent": 6}
    choices = Choices(
        scenarios=(scenario,),
        providers=(provider,),
        configs=("1/1",),
        overrides={**config, "poll_interval_ms": 10, **more},
    )
    return run_stress_test(build_plan(choices), out=out)


@pytest.mark.parametrize("provider", ["sqlite-memory", "sqlite-file"])
def test_the_example_saga_comes_out_as_it_says(provider: str, tmp_path: Path) -> None:
    """Every order ends as its number says, the cancelled ones with their steps undone."""
    (cell,) = run("order_saga:OrderSaga", provider, tmp_path / "out").cells
    checks = {check.name: check for check in cell.checks}
    assert checks["outputs"].verdict == "ok"
    assert checks["outputs"].seen == cell.completed >= 6
    assert checks["history"].verdict == checks["isolation"].verdict == "ok"
    assert not checks["determinism"].asked
    assert cell.failed == 0
    # Three steps forward, or two and one back, or three (the last failing) and two back.
    assert cell.activities_executed >= 3 * cell.completed


WRONG = (
    EXAMPLE.joinpath("order_saga.py").read_text()
    + """

class Wrong(OrderSaga):
    def expected(self, i):
        return {**super().expected(i), "status": "shipped"}


class Strict(OrderSaga):
    expected = None


del Strict.expected


class Predicate:
    name = "predicate"
    register, start = OrderSaga.register, OrderSaga.start

    def accepts(self, i, status, output, error):
        return None if output["status"] == "shipped" else f"order {i} was not shipped"
"""
)


def test_a_wrong_end_is_found_by_value_and_by_predicate(found: Path) -> None:
    """A saga that cancels where shipping was due is violated, with the user's own words."""
    (found / "mine.py").write_text(WRONG)
    by_value = run("mine:Wrong", "sqlite-memory", found / "value").cells[0]
    outputs = next(check for check in by_value.checks if check.name == "outputs")
    assert outputs.verdict == "violated"
    assert '"cancelled"' in outputs.findings[0].detail
    by_predicate = run("mine:Predicate", "sqlite-memory", found / "predicate").cells[0]
    success = next(check for check in by_predicate.checks if check.name == "success")
    assert success.verdict == "violated"
    assert success.findings[0].detail == "order 3 was not shipped"
    assert by_predicate.failed == success.found


BAD = """
class NoWord:
    name = "no-word"
    def register(self, runtime): ...
    def start(self, i): return "x", i


class NoJson(NoWord):
    def start(self, i): return "x", {1, 2}
    def expected(self, i): return None
"""


NAMED_AS_OURS = """
def canary(ctx, given):
    return (yield ctx.schedule_activity("step", given))

class Ours:
    name = "ours"
    def register(self, runtime):
        runtime.register_activity("step", lambda ctx, given: given + 1)
        runtime.register_orchestration("canary", canary)
    def start(self, i): return "canary", i
    def expected(self, i): return i + 1
"""


def test_names_that_the_tool_uses_itself_are_the_users(found: Path) -> None:
    """Duroxide keeps the first registration of a name without a word: theirs must be the only one, and
    beside canaries, which need theirs, they are told."""
    (found / "ours.py").write_text(NAMED_AS_OURS)
    (cell,) = run("ours:Ours", "sqlite-memory", found / "alone").cells
    assert (cell.verdict, cell.failed) == ("ok", 0)
    with pytest.raises(UsageError, match="'step' is taken by the canaries beside the load"):
        run("ours:Ours", "sqlite-memory", found / "beside", canary_every_ms=200)


@pytest.mark.parametrize(
    ("scenario", "provider", "sentence"),
    [
        ("mine:NoWord", "sqlite-memory", "must have either expected(i) or accepts("),
        ("mine:NoJson", "sqlite-memory", "a value of type set, which is none of JSON's"),
        ("mine:Nobody", "sqlite-memory", "'mine' has no 'Nobody'; it has: NoJson, NoWord"),
        ("order_saga:OrderSaga", "reference", "is code for Duroxide and cannot run on provider"),
    ],
)
def test_what_cannot_run_is_refused_in_a_sentence(
    found: Path, scenario: str, provider: str, sentence: str
) -> None:
    """Before anything starts, with what would be right."""
    (found / "mine.py").write_text(BAD)
    with pytest.raises(UsageError) as caught:
        run(scenario, provider, found / "out")
    assert sentence in str(caught.value)
