"""The pytest plugin: a `stress` fixture, a `stress` marker and two options.

It is loaded by every pytest of an environment in which this package is installed, so nothing but
pytest is imported until a test asks for the fixture.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from duroxide_stress.testing import Stress

MARKER = (
    "stress(**settings): settings of StressTestConfig for this test's stress runs, for example "
    "stress(duration_secs=5, max_concurrent=50)"
)
_STRESS: pytest.StashKey[Stress] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("duroxide-stress", "stress tests of durable-execution engines")
    group.addoption(
        "--stress-out",
        metavar="DIR",
        help="Keep the recordings of stress tests below DIR [default: in each test's tmp_path].",
    )
    group.addoption(
        "--stress-duration",
        metavar="TIME",
        help="The measuring window of every stress run, whatever its test says: 2, 30s, 5m.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse options that say nothing before any test is run."""
    config.addinivalue_line("markers", MARKER)
    _duration_secs(config)
    out = config.getoption("--stress-out")
    if out is not None and _out(config, out).is_file():
        raise pytest.UsageError(f"--stress-out {out} is a file: name a directory")


@pytest.fixture
def stress(request: pytest.FixtureRequest, tmp_path: Path) -> Stress:
    """Runs stress tests and says what they found; see `duroxide_stress.testing.Stress`."""
    from duroxide_stress.testing import Stress

    out = request.config.getoption("--stress-out")
    node = request.node
    made = Stress(
        home=tmp_path if out is None else _out(request.config, out) / _word(node.nodeid),
        beside=request.path.parent,
        settings=_marked(node),
        duration_secs=_duration_secs(request.config),
        ran=lambda run: node.user_properties.append(("stress_recording", str(run))),
    )
    node.stash[_STRESS] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under a test that failed, whatever its assertion was: what its runs found."""
    report = yield
    if report.failed and (made := item.stash.get(_STRESS, None)) is not None:
        report.sections += made.untold()
    return report


def _marked(node: pytest.Item) -> dict[str, Any]:
    """The settings of all `stress` markers; the one nearest to the test wins."""
    settings: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("stress"))):
        if mark.args:
            pytest.fail(
                f"@pytest.mark.stress takes settings by name, found {mark.args[0]!r} without one; "
                "for example stress(duration_secs=5)",
                pytrace=False,
            )
        settings |= mark.kwargs
    return settings


def _duration_secs(config: pytest.Config) -> float | None:
    text = config.getoption("--stress-duration")
    if text is None:
        return None
    from duroxide_stress.units import parse_duration_secs

    try:
        return parse_duration_secs(text)
    except ValueError as error:
        raise pytest.UsageError(f"--stress-duration: {error}") from error


def _out(config: pytest.Config, out: str) -> Path:
    """Where `--stress-out` lies: relative to where pytest was called."""
    return config.invocation_params.dir / out


def _word(node_id: str) -> str:
    """A test's id as a directory's name: `test_a.py::test_it[x/y]` as `test_a.py-test_it-x-y`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", node_id).strip("-.")[-150:]
