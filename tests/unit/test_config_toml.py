"""From a TOML file to a plan: every mistake at once, each with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from duroxide_stress.config import Choices
from duroxide_stress.config_file import load_plan
from duroxide_stress.errors import UsageError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a plan file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "nightly.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path) -> list[str]:
    """What is wrong with a file, as `line: sentence`."""
    with pytest.raises(UsageError) as caught:
        load_plan(path)
    assert all(problem.startswith(f"{path}:") for problem in caught.value.problems)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


WHOLE = """\
suite = "quick"
scenarios = ["parallel"]
providers = ["reference"]
configs = ["1/1", "4/8"]
repeat = 2

[stress]
duration_secs = 3
warmup_secs = 0.5
seed = 11
"""


HEX = "0x" + "F" * 5_000
"""TOML's way to a number that Python reads and does not print."""


def test_numbers_beyond_all_limits(write: Write) -> None:
    """Each is told with its limits, also those that cannot be printed, and NaN and the infinities."""
    told = problems(
        write(
            f"repeat = {HEX}\nconfigs = [[{HEX}]]\n"
            f"[stress]\nseed = {HEX}\nduration_secs = nan\nwarmup_secs = inf\n"
            f"[options.timers]\ncount = {HEX}\nherd = nan\ndelay_ms = -inf\n"
            "[options.sub-orchestrations]\nwidth = 40\ndepth = 3\n"
        )
    )
    digits = "39802768... (6021 digits)"
    assert sorted(told) == sorted(
        [
            f"1: repeat must be between 1 and 1000, found {digits}",
            '2: configs must be a list of texts like "2/2", found a value of type list',
            f"4: seed must be a whole number between 0 and 9223372036854775807, found {digits}",
            "5: duration_secs must be a number between 0.1 and 604800, found nan",
            "6: warmup_secs must be a number between 0 and 3600, found inf",
            f"8: timers.count must be a whole number between 1 and 500, found {digits}",
            "9: timers.herd must be a whole number between 1 and 500, found nan",
            "10: timers.delay_ms must be a whole number between 0 and 3600000, found -inf",
            "11: sub-orchestrations.width=40 with depth=3 gives 64000 children on the lowest level "
            "(width to the power of depth), the limit is 1600",
        ]
    )


def test_a_file_whose_name_is_no_text(write: Write) -> None:
    """The plan is named after it all the same, in letters that can be recorded."""
    path = write(WHOLE)
    odd = path.rename(path.with_name("odd-\udcff.toml"))
    assert load_plan(odd).name == "odd-\ufffd"


def test_a_whole_file_becomes_its_plan(write: Write) -> None:
    """Every key is honoured, and the plan is named after the file."""
    plan = load_plan(write(WHOLE))
    assert plan.name == "nightly"
    assert [(c.provider, str(c.config.concurrency), c.repeat) for c in plan.cells] == [
        ("reference", "1/1", 1),
        ("reference", "4/8", 1),
        ("reference", "1/1", 2),
        ("reference", "4/8", 2),
    ]
    config = plan.cells[0].config
    assert (config.duration_secs, config.warmup_secs, config.seed) == (3, 0.5, 11)


def test_an_empty_file_is_the_standard_suite(write: Write) -> None:
    """Nothing said means as the suite has it."""
    assert len(load_plan(write("")).cells) == 4


def test_flags_lie_over_the_file(write: Write) -> None:
    """What a flag says replaces the file's word; the rest of the file stays."""
    flags = Choices(configs=("3/3",), repeat=3, overrides={"seed": 5, "max_concurrent": 2})
    cells = load_plan(write(WHOLE), flags).cells
    assert [str(c.config.concurrency) for c in cells] == ["3/3"] * 3
    config = cells[0].config
    assert (config.seed, config.max_concurrent, config.duration_secs) == (5, 2, 3)


def test_a_flag_that_says_the_default_lies_over_the_file_too(write: Write) -> None:
    """`--suite standard --repeat 1` means what it says, also over a file that says otherwise."""
    path = write('suite = "quick"\nrepeat = 3\n')
    plan = load_plan(path, Choices(suite="standard", repeat=1))
    assert {cell.repeat for cell in plan.cells} == {1}
    assert {cell.config.duration_secs for cell in plan.cells} == {10}


def test_options_are_honoured_and_flags_lie_over_them_one_by_one(write: Write) -> None:
    """A flag for one option leaves the file's others as they are."""
    path = write(
        'scenarios = ["mixed"]\n'
        "[options.timers]\ncount = 7\nherd = 2\n[options.mixed]\nparallel = 9\n"
    )
    assert load_plan(path).cells[0].options == {
        "timers": {"count": 7, "herd": 2},
        "mixed": {"parallel": 9},
    }
    flags = Choices(options={"timers": {"herd": 5}, "events": {"batch": 1}})
    assert load_plan(path, flags).cells[0].options == {
        "timers": {"count": 7, "herd": 5},
        "mixed": {"parallel": 9},
        "events": {"batch": 1},
    }


def test_every_mistake_is_told_at_once_with_its_line(write: Write) -> None:
    """Unknown names, wrong types, impossible numbers and bad configs in one go."""
    path = write(
        'suite = "quik"\n'
        'scenarios = ["paralel"]\n'
        "providers = 5\n"
        'configs = ["1/1", "0/2", "2x2"]\n'
        "repeats = 2\n"
        "repeat = true\n"
        "\n"
        "[stress]\n"
        "max_concurrent = 0\n"
        "seeds = 1\n"
        "tasks_per_instance = 2.5\n"
        'duration_secs = "10s"\n'
        "warmup_secs = true\n"
        "wait_timeout_secs = inf\n"
    )
    found = problems(path)
    wanted = [
        "1: unknown suite 'quik': did you mean 'quick'?",
        "2: unknown scenario 'paralel': did you mean 'parallel', or",
        "3: providers must be a list of texts, found 5",
        "4: config '0/2': both numbers must be between 1 and 1024",
        "4: config '2x2' is not of the form N/M",
        "5: unknown key 'repeats': did you mean 'repeat'?",
        "6: repeat must be a whole number, found True",
        "9: max_concurrent must be a whole number between 1 and 100000, found 0",
        "10: unknown key 'seeds': did you mean 'seed'?",
        "11: tasks_per_instance must be a whole number between 1 and 1000, found 2.5",
        "12: duration_secs must be a number between 0.1 and 604800, found '10s'",
        "13: warmup_secs must be a number between 0 and 3600, found True",
        "14: wait_timeout_secs must be a number between 0.1 and 86400, found inf",
    ]
    assert len(found) == len(wanted)
    for beginning in wanted:
        assert sum(problem.startswith(beginning) for problem in found) == 1, beginning


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("repeat = 0", "1: repeat must be between 1 and 1000, found 0"),
        ("suite = 1", "1: suite must be a text, found 1"),
        ('scenarios = "parallel"', "1: scenarios must be a list of texts, found 'parallel'"),
        ('configs = ["1/1", 2]', '1: configs must be a list of texts like "2/2"'),
        ("stress = 4", "1: stress must be a table, found 4"),
        ("\n[strss]\nseed = 1", "2: unknown key 'strss': did you mean 'stress'?"),
        ("\nstress = { seed = -1 }", "2: seed must be a whole number between 0"),
        ('\n\nstress.seed = "x"', "3: seed must be a whole number between 0"),
        ("[stress]\n[stress.more]\nseed = 1", "2: unknown key 'more'"),
        ('[stress]\n"seed" = -1', "2: seed must be a whole number between 0"),
        ('# note\n\nproviders = [\n "sqlit-file",\n]', "3: unknown provider 'sqlit-file'"),
        ("[stress]\nseed = -1\n[other]\n", "3: unknown key 'other'"),
        ("options = 4", "1: options must be a table of tables, one a scenario, found 4"),
        ("[options]\ntimers = 4", "1: options must be a table of tables, one a scenario"),
        (
            "[options.timers]\ncuont = 4",
            "2: unknown option of timers 'cuont': did you mean 'count'?",
        ),
        ("\n[options.timers]\nherd = 4\ncount = 0", "4: timers.count must be a whole number"),
        ("\n\noptions.timers.count = 2.5", "3: timers.count must be a whole number between 1 and"),
        ("[options]\n\ntimers = { count = 0 }", "3: timers.count must be a whole number"),
        ("[options.timer]\ncount = 4", "1: unknown scenario 'timer': did you mean 'timers'?"),
        (
            "[options.mixed]\nparallel = 0\ntimers = 0\nfailures = 0\nsub-orchestrations = 0",
            "1: mixed needs a weight above 0 for at least one of its scenarios",
        ),
        ("\n[options.parallel]\ncount = 4", "3: parallel has no options: 'count'"),
    ],
)
def test_a_mistake_is_placed_however_it_is_written(write: Write, text: str, problem: str) -> None:
    """Tables, inline tables, dotted and quoted keys all lead to a line."""
    assert any(found.startswith(problem) for found in problems(write(text)))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"suite = ", "is not TOML"),
        (b"suite = '\xff'", "is not TOML"),
        (b"a = 1\na = 2", "is not TOML"),
    ],
)
def test_what_is_not_toml_is_one_sentence(tmp_path: Path, raw: bytes, sentence: str) -> None:
    """A damaged file is named, never a traceback."""
    path = tmp_path / "plan.toml"
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=sentence) as caught:
        load_plan(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str) -> None:
    """A missing file and a directory are told with the system's reason."""
    with pytest.raises(UsageError, match="cannot be read: "):
        load_plan(tmp_path / name)
