"""The machine's report: its schema is published, true, and strict enough to refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.reports.json import generate_schema, published_schema, render
from duroxide_stress.result import CATEGORIES, SCHEMA, RunResult
from recordings.make import Recorded, where

REGENERATE = (
    "the types of result.py have changed: if that is meant, write the schema anew with\n"
    "  python -c 'import json; from duroxide_stress.reports.json import generate_schema; "
    "print(json.dumps(generate_schema(), indent=2))' > src/duroxide_stress/schemas/result-1.json\n"
    "and give it a new version when a reader of the old one could stumble"
)
# The names issue 2 promises to other programs.
CELL_KEYS = {
    *("scenario", "provider", "provider_label", "config", "launched", "completed", "failed"),
    *("failed_by_category", "success_rate", "orchestrations_per_sec", "activities_per_sec"),
    *("latency_ms", "time_per_completion_ms", "ceiling", "memory_mb", "cpu_cores"),
    *("checks", "targets", "health"),
}
INNER_KEYS = {
    "latency_ms": "mean p50 p95 p99 p999 max",
    "ceiling": "orchestrations_per_sec share bound_by",
    "memory_mb": "peak mean slope_per_min",
    "health": "driver_lateness_ms generator_cpu foreign_cpu",
}


def _nothing(recorded: Recorded) -> None:
    pass


def _failures(recorded: Recorded) -> None:
    line = {"type": "fail", "where": "end", "error": "Ünwanted", "at_ns": 1, "op": 3}
    recorded.drop("ops", where(type="ok", op=3))
    recorded.add("ops", line)


def _cut_off(recorded: Recorded) -> None:
    (recorded.directory / "end.json").unlink()
    recorded.drop("ops", where(name="window_end"))


def _torn(recorded: Recorded) -> None:
    recorded.path("history").write_text("")


def _never_ran(recorded: Recorded) -> None:
    recorded.directory.rename(recorded.run / "away")


DAMAGES: list[Callable[[Recorded], None]] = [_nothing, _failures, _cut_off, _torn, _never_ran]


@pytest.fixture(params=DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def result(request: pytest.FixtureRequest, recorded: Recorded) -> RunResult:
    """The judgement of a recording in each state one can be in."""
    request.param(recorded)
    return judge_run(recorded.run)


def test_every_result_fits_the_published_schema(result: RunResult) -> None:
    """Clean, failed, cut off, damaged, never run."""
    validator = jsonschema.Draft202012Validator(published_schema())
    assert [error.message for error in validator.iter_errors(json.loads(render(result)))] == []


def test_a_result_is_read_back_as_it_was(result: RunResult) -> None:
    """Nothing is lost on the way, and the text ends with a newline."""
    text = render(result)
    assert msgspec.json.decode(text, type=RunResult) == result
    assert text.endswith("}\n")
    assert text.count("\n") > 50


def test_the_promised_names_are_there(result: RunResult) -> None:
    """Whatever state the recording is in, a reader finds every key."""
    document = json.loads(render(result))
    assert document["schema"] == SCHEMA
    assert {"verdict", "plan", "environment", "cells"} <= document.keys()
    (cell,) = document["cells"]
    assert cell.keys() >= CELL_KEYS
    for outer, inner in INNER_KEYS.items():
        assert set(inner.split()) <= cell[outer].keys(), outer
    assert list(cell["failed_by_category"]) == list(CATEGORIES)
    for check in cell["checks"]:
        assert {"name", "verdict", "seen", "findings"} <= check.keys()


def test_the_published_schema_is_what_the_types_say() -> None:
    """Code and schema cannot drift apart."""
    assert published_schema() == generate_schema(), REGENERATE


def test_the_schema_is_a_schema() -> None:
    """Draft 2020-12, named after the version that stands in every result."""
    schema = published_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == SCHEMA
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def _without(*path: str | int) -> Callable[[Any], None]:
    def spoil(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return spoil


def _with(value: Any, *path: str | int) -> Callable[[Any], None]:
    def spoil(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        _without("verdict"),
        _without("plan"),
        _without("cells", 0, "launched"),
        _without("cells", 0, "checks", 0, "name"),
        _with("fine", "verdict"),
        _with("fine", "cells", 0, "checks", 0, "verdict"),
        _with("many", "cells", 0, "launched"),
        _with("fast", "cells", 0, "latency_ms", "p99"),
        _with({}, "cells"),
    ],
)
def test_the_schema_refuses_what_is_not_a_result(
    clean: RunResult, spoil: Callable[[Any], None]
) -> None:
    """A schema that takes everything would promise nothing."""
    document = json.loads(render(clean))
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published_schema(), jsonschema.Draft202012Validator)
