"""The pytest plugin in a pytest of its own, on the reference engine: what it runs, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

import duroxide_stress.testing  # noqa: F401 - kept loaded: compiled modules bear no second import
import own_checks  # noqa: F401 - so that tests within a test find it

pytest_plugins = ["pytester"]

Runs: TypeAlias = Callable[..., pytest.RunResult]

REFERENCE = """
import pytest

SMALL = dict(duration_secs=1, warmup_secs=0.2, max_concurrent=18, tasks_per_instance=2)
"""


@pytest.fixture
def ran(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs a test file that is given, with pytest's words, in this process.

    Not as in CI, where pytest's summary says each failure once more, whole.
    """
    for word in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(word, raising=False)

    def run(text: str, *words: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=REFERENCE + text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)

    return run


def test_a_clean_run_is_ok(ran: Runs) -> None:
    """A cell by its names, judged, with its recording in the test's own directory."""
    found = ran("""
@pytest.mark.stress(**SMALL)
def test_it(stress, tmp_path):
    result = stress.run(provider="reference", scenario="timers")
    stress.assert_ok(result)
    stress.assert_targets(result, throughput=0.001, success=100)
    assert result.cells[0].settings.duration_secs == 1
    assert stress.recording(result).parent == tmp_path
    assert (stress.recording(result) / "result.json").is_file()
""")
    found.assert_outcomes(passed=1)


def test_settings_nearest_to_the_run_win(ran: Runs) -> None:
    """Of the class, of the test, of the call; a config in the call stands for the markers'."""
    found = ran("""
from duroxide_stress import StressTestConfig

@pytest.mark.stress(**SMALL)
class TestIt:
    @pytest.mark.stress(tasks_per_instance=3)
    def test_it(self, stress):
        near = stress.run(provider="reference", max_concurrent=19).cells[0].settings
        assert (near.duration_secs, near.tasks_per_instance, near.max_concurrent) == (1, 3, 19)
        mine = StressTestConfig(duration_secs=0.5, warmup_secs=0)
        own = stress.run(mine, provider="reference", seed=7).cells[0].settings
        assert (own.duration_secs, own.tasks_per_instance, own.seed) == (0.5, 5, 7)
""")
    found.assert_outcomes(passed=1)


def test_a_plan_lies_beside_its_test(ran: Runs, pytester: pytest.Pytester) -> None:
    """Also when pytest is called elsewhere; markers are laid over it as flags are."""
    pytester.path.joinpath("plan.toml").write_text(
        'providers = ["reference"]\nconfigs = ["2/2"]\n'
        "[stress]\nduration_secs = 9\nmax_concurrent = 18\n"
    )
    found = ran("""
from pathlib import Path
from duroxide_stress import load_plan

@pytest.mark.stress(duration_secs=1)
def test_it(stress, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for plan in ("plan.toml", load_plan(Path(__file__).with_name("plan.toml"))):
        result = stress.run_plan(plan)
        settings = result.cells[0].settings
        assert (settings.duration_secs, settings.max_concurrent) == (1, 18)
        assert "--duration 1" in result.plan.command
        stress.assert_ok(result)
""")
    found.assert_outcomes(passed=1)


OBJECT = """
from duroxide_stress.providers.reference import Reference

class Mine(Reference):
    name = "mine"

    def __init__(self, word):
        self.word = word
"""


def test_a_provider_may_be_an_object(ran: Runs) -> None:
    """Also one that no name could make."""
    found = ran(
        OBJECT
        + """
@pytest.mark.stress(**SMALL)
def test_it(stress):
    result = stress.run(provider=Mine("x"))
    stress.assert_ok(result)
    assert result.cells[0].provider == "test_it:Mine"
"""
    )
    found.assert_outcomes(passed=1)


VIOLATED = """
from own_checks import NEVER_GOOD

@pytest.fixture
def violated(stress, tmp_path):
    (tmp_path / "never.sql").write_text(NEVER_GOOD)
    (tmp_path / "plan.toml").write_text(
        'providers = ["reference"]\\nchecks = ["never.sql"]\\n[stress]\\nduration_secs = 1\\n'
    )
    return stress.run_plan(tmp_path / "plan.toml")
"""


def test_assert_ok_shows_the_findings(ran: Runs) -> None:
    """The first, where its story is, the command that repeats the cell; once, and no traceback."""
    found = ran(
        VIOLATED
        + """
def test_it(stress, violated):
    stress.assert_ok(violated)
"""
    )
    found.assert_outcomes(failed=1)
    said = found.stdout.str()
    found.stdout.fnmatch_lines(
        [
            "stress verdict: violated",
            "Findings",
            "*never-good:*found in*",
            "*has an <id>: as all have*",
            "*story: duroxide-stress show *",
            "Verdict: violated",
            "*repeat: duroxide-stress run --scenario parallel --provider reference*",
        ]
    )
    assert "Traceback" not in said
    assert "testing.py" not in said
    assert said.count("Verdict: violated") == 1


def test_any_failure_shows_the_findings(ran: Runs, pytester: pytest.Pytester) -> None:
    """A plain assertion on the result tells no less; the recording is in the JUnit report."""
    found = ran(
        VIOLATED
        + """
def test_it(violated):
    assert violated.verdict == "ok"
""",
        "--junitxml=junit.xml",
    )
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*- duroxide-stress: *stress-1*", "Findings", "*never-good*"])
    assert '<property name="stress_recording"' in pytester.path.joinpath("junit.xml").read_text()


def test_a_failure_without_a_run_shows_nothing_of_ours(ran: Runs) -> None:
    """The plugin stays out of tests that have nothing to do with it."""
    found = ran("def test_it():\n    assert 1 == 2\n")
    found.assert_outcomes(failed=1)
    assert "duroxide-stress:" not in found.stdout.str()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("stress.assert_targets(result, throughput=1e9)", "throughput must be at least 1e+09/s"),
        ("stress.assert_targets(result, p99=0)", "p99 must be at most 0 ms, found *.*"),
        ("stress.assert_targets(result, memory=1)", "memory must be at most 1 MiB, found no fig"),
        ("stress.assert_targets(result, p98=1, cpu='x')", "unknown metric 'p98': did you mean"),
        ("stress.assert_targets(result, p98=1, cpu='x')", "the bound of cpu must be a number"),
        ("stress.assert_targets(result)", "the spec has no target for these cells"),
    ],
)
def test_a_target_that_is_not_met(ran: Runs, call: str, expected: str) -> None:
    """A bound, what was found, and no pass without a figure."""
    found = ran(f"""
@pytest.mark.stress(**SMALL)
def test_it(stress):
    result = stress.run(provider="reference")
    {call}
""")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines([f"*{expected}*"])


def test_an_untrustworthy_figure_meets_no_target(ran: Runs) -> None:
    """Few samples: the bound would hold, and proves nothing."""
    found = ran("""
@pytest.mark.stress(duration_secs=0.1, warmup_secs=0, max_concurrent=2)
def test_it(stress):
    stress.assert_targets(stress.run(provider="reference"), p99=1e9)
""")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*p99 must be at most 1e+09 ms*which cannot be trusted: *"])


@pytest.mark.parametrize(
    ("marker", "call", "expected"),
    [
        ("duration=5", "run()", "unknown stress setting 'duration': did you mean 'duration_secs'"),
        ("duration_secs='5s', sed=1", "run()", "stress setting duration_secs found '5s': Expected"),
        ("duration_secs='5s', sed=1", "run()", "unknown stress setting 'sed': did you mean 'seed'"),
        ("duration_secs=-1", "run()", "duration_secs must be between 0.1 and"),
        ("5", "run()", "@pytest.mark.stress takes settings by name, found 5"),
        ("", "run(colour=1)", "unknown stress setting 'colour'"),
        ("", "run(provider='referense')", "unknown provider 'referense': did you mean 'reference'"),
        ("", "run(scenario='timer')", "unknown scenario 'timer': did you mean 'timers'"),
        ("", "run_plan('none.toml')", "none.toml cannot be read: No such file"),
        ("", "recording(None)", "this result is not of a run of this test's stress fixture"),
    ],
)
def test_bad_use_is_a_sentence(ran: Runs, marker: str, call: str, expected: str) -> None:
    """What was wrong, what was found, what would be right; never a traceback."""
    found = ran(f"""
@pytest.mark.stress({marker})
def test_it(stress):
    stress.{call}
""")
    counts = found.parseoutcomes()
    assert counts.get("failed", 0) + counts.get("errors", 0) == 1
    found.stdout.fnmatch_lines([f"*{expected}*"])
    assert "Traceback" not in found.stdout.str()
    assert "testing.py:" not in found.stdout.str()


RUNS = """
@pytest.mark.stress(**SMALL)
@pytest.mark.parametrize("word", ["a/b", "c"])
def test_it(stress, word):
    assert stress.run(provider="reference").cells[0].settings.duration_secs == 0.5
"""


def test_the_options(ran: Runs, pytester: pytest.Pytester) -> None:
    """A window for all, and recordings in a place that several test runs may share."""
    words = ("--stress-duration", "500ms", "--stress-out", "kept")
    for number in (1, 2):
        ran(RUNS, *words).assert_outcomes(passed=2)
        kept = sorted(path.parent for path in pytester.path.glob("kept/**/plan.json"))
        assert len(kept) == 2 * number
    assert {path.parent.name for path in kept} == {"test_it.py-test_it-a-b", "test_it.py-test_it-c"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--stress-duration", "soon"), "*--stress-duration: *soon*"),
        (("--stress-out", "test_it.py"), "*--stress-out test_it.py is a file: name a directory*"),
    ],
)
def test_options_that_say_nothing_are_refused(
    ran: Runs, words: tuple[str, ...], expected: str
) -> None:
    """Before any test is run."""
    found = ran("def test_it():\n    pass\n", *words)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines([expected])


def test_the_marker_is_known(ran: Runs) -> None:
    """To a pytest that is strict about markers, and to one that is asked for them."""
    found = ran("@pytest.mark.stress\ndef test_it():\n    pass\n", "--strict-markers")
    found.assert_outcomes(passed=1)
    ran("", "--markers").stdout.fnmatch_lines(["@pytest.mark.stress(?*settings): *"])
