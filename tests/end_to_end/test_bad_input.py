"""What a user can get wrong before anything starts: one clear sentence each, exit code 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from duroxide_stress.recording.records import FORMAT

from .tool import TINY, Ran, Tool, document

HUGE = "9" * 400


def complaints(tool: Tool, *words: str | Path) -> list[str]:
    """The sentences of a command that must be refused, and must not have begun anything."""
    done = tool.run(*words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert tool.stores() == []
    sentences = done.stderr.splitlines()
    assert all(sentence.startswith("error: ") for sentence in sentences), done.stderr
    return [sentence.removeprefix("error: ") for sentence in sentences]


def test_every_wrong_word_is_told_at_once(tool: Tool) -> None:
    """Names come with the nearest right one, numbers with their limits."""
    words = (
        *("--suite", "quik", "--scenario", "paralel", "--provider", "sqlite-fil"),
        *("--config", "0/2", "--config", "2x2", "--config", f"1/{HUGE}", "--repeat", "0"),
        *("--max-concurrent", HUGE, "--tasks", "-1", "--activity-delay-ms", "-5"),
        *("--duration", "soon", "--warm-up", "-2s", "--wait-timeout", "9999999h", "--seed", "-1"),
    )
    told = complaints(tool, "run", *words)
    assert told == complaints(tool, "plan", *words)
    expected = [
        "--duration: not a duration: 'soon'; write seconds, or 500ms, 15s, 2m, 1h",
        "--warm-up: not a duration: '-2s'; write seconds, or 500ms, 15s, 2m, 1h",
        "unknown suite 'quik': did you mean 'quick'?",
        "unknown scenario 'paralel': did you mean 'parallel', or workflows of your own",
        "unknown provider 'sqlite-fil': did you mean 'sqlite-file', or a provider of your own "
        "as package.module:Name?",
        "config '0/2': both numbers must be between 1 and 1024",
        "config '2x2' is not of the form N/M",
        f"config '1/{HUGE}': both numbers must be between 1 and 1024",
        "repeat must be between 1 and 1000, found 0",
        "max_concurrent must be between 1 and 100000, found 99999999... (400 digits)",
        "tasks_per_instance must be between 1 and 1000, found -1",
        "activity_delay_ms must be between 0 and 3600000, found -5",
        "wait_timeout_secs must be between 0.1 and 86400, found 3.6e+10",
        "seed must be between 0 and 9223372036854775807, found -1",
    ]
    assert len(told) == len(expected)
    for sentence in expected:
        assert any(found.startswith(sentence) for found in told), sentence
    assert not (tool.cwd / "stress-runs").exists()


def test_every_wrong_option_is_told_with_its_limits(tool: Tool) -> None:
    """Digits of other scripts, thousands of digits, none at all, and two that clash."""
    wrong = ("timers.count=\u0663", f"timers.herd={'9' * 5_000}", "timers.delay_ms=", "x.y=1")
    clash = ("sub-orchestrations.width=40", "sub-orchestrations.depth=6")
    words = [word for option in (*wrong, *clash) for word in ("--option", option)]
    told = complaints(tool, "run", *words)
    assert told[:3] == [
        "timers.count must be a whole number between 1 and 500, found '\u0663'",
        "timers.herd must be a whole number between 1 and 500, found "
        f"'{'9' * 79}... (5002 characters)",
        "timers.delay_ms must be a whole number between 0 and 3600000, found ''",
    ]
    assert told[3].startswith("unknown scenario 'x': one of: ")
    assert told[4] == (
        "sub-orchestrations.width=40 with depth=6 gives 4096000000 children on the lowest level "
        "(width to the power of depth), the limit is 1600"
    )
    assert len(told) == 5


def test_every_mistake_of_a_plan_file_has_its_line(tool: Tool) -> None:
    """Unknown keys, wrong types and wrong names, all in one go."""
    (tool.cwd / "plan.toml").write_text(
        'suite = "standart"\nrepeats = 2\nconfigs = ["2x2", "1/1"]\nproviders = "sqlite-file"\n'
        "[stress]\nduration_secs = -1\nmax_concurent = 20\nseed = 1.5\n"
    )
    told = complaints(tool, "run", "plan.toml")
    expected = {
        1: "unknown suite 'standart': did you mean 'standard'?",
        2: "unknown key 'repeats': did you mean 'repeat'?",
        3: "config '2x2' is not of the form N/M",
        4: "providers must be a list of texts, found 'sqlite-file'",
        6: "duration_secs must be a number between 0.1 and 604800, found -1",
        7: "unknown key 'max_concurent': did you mean 'max_concurrent'?",
        8: "seed must be a whole number between 0 and",
    }
    assert len(told) == len(expected)
    for line, sentence in expected.items():
        assert any(found.startswith(f"plan.toml:{line}: {sentence}") for found in told), told


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "plan.toml cannot be read: No such file or directory"),
        (b"duration = \n", "plan.toml is not TOML: Invalid value (at line 1, column 12)"),
        (b"\xff\xfe", "plan.toml is not TOML: 'utf-8' codec can't decode byte 0xff"),
        (b"repeat = " + b"9" * 5000, "plan.toml is not TOML: Exceeds the limit (4300 digits)"),
    ],
)
def test_a_plan_file_that_cannot_be_read(tool: Tool, content: bytes | None, sentence: str) -> None:
    """Missing, or no TOML at all."""
    if content is not None:
        (tool.cwd / "plan.toml").write_bytes(content)
    (told,) = complaints(tool, "plan", "plan.toml")
    assert told.startswith(sentence)


def test_an_output_directory_that_is_not_empty(tool: Tool) -> None:
    """Nothing in it is touched."""
    out = tool.cwd / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert complaints(tool, "run", "--out", "out") == [
        "output directory out is not empty: name a new or an empty one"
    ]
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("file", "is a file: name a new or an empty directory"),
        ("file/below", "cannot be written: Not a directory"),
        ("/proc/stress", "cannot be written: "),
        ("/sys/stress", "cannot be written: "),
    ],
)
def test_an_output_directory_that_cannot_be(tool: Tool, out: str, sentence: str) -> None:
    """A file stands there, or nobody may write there."""
    (tool.cwd / "file").write_text("")
    (told,) = complaints(tool, "run", "--out", out)
    assert told.startswith(f"output directory {out} {sentence}")


def test_a_run_whose_json_would_have_nowhere_to_go_does_not_start(tool: Tool) -> None:
    """Found out before the run, not after it."""
    (told,) = complaints(tool, "run", "--json", "nowhere/out.json")
    assert told == "--json nowhere/out.json cannot be written: nowhere is not a directory"
    (told,) = complaints(tool, "run", "--json", ".")
    assert told == "--json . is a directory: name a file, or - for standard output"
    assert not (tool.cwd / "stress-runs").exists()


def test_json_that_cannot_be_written_after_all(tool: Tool, memory_run: Ran) -> None:
    """The table is printed all the same, and the result is named that was saved."""
    done = tool.run("check", memory_run.out, "--json", "nowhere/out.json")
    assert done.returncode == 2
    assert "=== Duroxide Stress Test Results ===" in done.stdout
    assert done.stderr == (
        "error: --json nowhere/out.json cannot be written: No such file or directory; "
        f"the result is in {memory_run.out / 'result.json'}\n"
    )


def test_a_directory_that_is_no_recording(tool: Tool) -> None:
    """Whether it is not there, a file, or something else's directory."""
    (tool.cwd / "file").write_text("")
    (tool.cwd / "empty").mkdir()
    assert complaints(tool, "check", "gone") == ["gone is not a recording: no such directory"]
    assert complaints(tool, "report", "file") == ["file is not a recording: no such directory"]
    assert complaints(tool, "check", "empty") == [
        "empty is not a recording: it has no plan.json, which a run writes first"
    ]


def test_a_recording_of_a_newer_format(tool: Tool, memory_run: Ran) -> None:
    """The sentence names both formats and what to do."""
    newer = tool.cwd / "newer"
    shutil.copytree(memory_run.out, newer)
    head = document(newer / "plan.json")
    (newer / "plan.json").write_text(json.dumps({**head, "format": 99}))
    assert complaints(tool, "check", "newer") == [
        f"newer/plan.json has recording format 99, this version reads up to {FORMAT}: "
        "upgrade duroxide-stress to read it"
    ]


def test_a_recording_that_cannot_be_written_to_is_judged_all_the_same(
    tool: Tool, memory_run: Ran
) -> None:
    """The result is derived: an archive on a read-only disk keeps its verdict."""
    archive = tool.cwd / "archive"
    shutil.copytree(memory_run.out, archive)
    (archive / "result.json").unlink()
    (archive / "result.json").mkdir()
    done = tool.run("check", "archive")
    assert (done.returncode, done.stderr) == (memory_run.done.returncode, "")


def test_an_output_directory_whose_name_is_no_text(tool: Tool) -> None:
    """Records are UTF-8, and so are the messages between processes."""
    assert complaints(tool, "run", "--out", "out-\udcff") == [
        "output directory 'out-\\udcff' cannot be used: its name is not UTF-8"
    ]


ECHO = """
class Echo:
    name = "echo"

    def register(self, runtime):
        runtime.register_orchestration("echo", lambda ctx, given: given)

    def start(self, i):
        return "echo", GIVEN

    def expected(self, i):
        return 1
"""


@pytest.mark.parametrize(
    ("given", "flaw"),
    [
        ("float('nan')", "NaN, which is no number of JSON"),
        ("{'a': '\\ud800'}", 'a lone surrogate at character 0, which UTF-8 cannot hold at ["a"]'),
        ("[{1, 2}]", "a value of type set, which is none of JSON's at [0]"),
        ("10**5000", "a whole number of more than 4300 digits"),
        ("1 if i < 2 else b'2'", "a value of type bytes, which is none of JSON's"),
    ],
)
def test_a_value_that_cannot_be_carried(tool: Tool, given: str, flaw: str) -> None:
    """Refused before anything starts, or where it comes up; then too nothing is left running."""
    (tool.cwd / "mine.py").write_text(ECHO.replace("GIVEN", given))
    (told,) = complaints(
        tool, "run", *TINY, "--quiet", "--scenario", "mine:Echo", "--provider", "sqlite-file"
    )
    instance = 2 if "i < 2" in given else 0
    assert told == (
        f"scenario 'mine:Echo': the input in start({instance}) cannot be run and verified: {flaw}"
    )
    tool.wait_until_gone()


def test_a_terminal_that_lacks_letters(
    tool: Tool, memory_run: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot show is escaped, and JSON is UTF-8 all the same."""
    named = tool.cwd / "named"
    shutil.copytree(memory_run.out, named)
    (head,) = named.glob("*/cell.json")
    head.write_text(json.dumps({**document(head), "title": "Gr\u00fc\u00dfe \U0001f469"}))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "Test Scenario: Gr\\xfc\\xdfe \\U0001f469\n" in tool.run("report", "named").stdout
    done = tool.run("report", "named", "--json", "-")
    assert json.loads(done.stdout)["cells"][0]["title"] == "Gr\u00fc\u00dfe \U0001f469"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("run", "--wibble"), "No such option: --wibble"),
        (("rum",), "No such command 'rum'."),
        (("run", "--tasks", "many"), "Invalid value for '--tasks'"),
        (("check",), "Missing argument"),
    ],
)
def test_words_the_command_line_does_not_know(
    tool: Tool, words: tuple[str, ...], sentence: str
) -> None:
    """One sentence below how it is used."""
    done = tool.run(*words)
    usage, *_, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert usage.startswith("Usage: ")
    assert last.startswith("Error: ")
    assert sentence in last


def test_a_kind_that_cannot_be_listed(tool: Tool) -> None:
    """The nearest right one is named."""
    assert complaints(tool, "list", "provider") == [
        "unknown kind 'provider': did you mean 'providers'?"
    ]
