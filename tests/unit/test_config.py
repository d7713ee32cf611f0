"""From flags to a plan: every mistake at once, before anything starts."""

import shlex

import pytest

from duroxide_stress.config import (
    FLAGS,
    SUITES,
    Choices,
    build_plan,
    cell_command,
    parse_option,
    single_cell_plan,
)
from duroxide_stress.errors import UsageError
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.scenarios.mixed import DEFAULT_WEIGHTS


def problems(choices: Choices) -> tuple[str, ...]:
    """What is wrong with these choices."""
    with pytest.raises(UsageError) as caught:
        build_plan(choices)
    return caught.value.problems


def test_the_standard_suite_is_the_specs_table() -> None:
    """Parallel on both SQLite stores at 1/1 and 2/2, ten seconds each."""
    plan = build_plan(Choices())
    assert [(c.scenario, c.provider, str(c.config.concurrency)) for c in plan.cells] == [
        ("parallel", "sqlite-memory", "1/1"),
        ("parallel", "sqlite-memory", "2/2"),
        ("parallel", "sqlite-file", "1/1"),
        ("parallel", "sqlite-file", "2/2"),
    ]
    assert {c.config.duration_secs for c in plan.cells} == {10}
    assert plan.command == "duroxide-stress run --suite standard --seed 1"


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_can_be_planned(suite: str) -> None:
    """No suite names something that does not exist."""
    plan = build_plan(Choices(suite=suite))
    assert plan.name == suite
    assert len({cell.key for cell in plan.cells}) == len(plan.cells) > 0


def test_a_suites_overrides_give_way_to_the_users() -> None:
    """Quick means two seconds unless the user says otherwise."""
    assert build_plan(Choices(suite="quick")).cells[0].config.duration_secs == 2
    changed = build_plan(Choices(suite="quick", overrides={"duration_secs": 5.0}))
    assert changed.cells[0].config.duration_secs == 5
    assert changed.cells[0].config.warmup_secs == 1


def test_repeats_come_one_after_another_and_doubles_count_once() -> None:
    """The whole matrix is run before it is run again, and a name given twice is one cell."""
    plan = build_plan(
        Choices(providers=("reference", "reference"), configs=("1/1", "2/2", "1/1"), repeat=2)
    )
    assert [(c.repeat, str(c.config.concurrency)) for c in plan.cells] == [
        (1, "1/1"),
        (1, "2/2"),
        (2, "1/1"),
        (2, "2/2"),
    ]


def test_every_mistake_is_told_at_once() -> None:
    """Suite, scenario, provider, config, repeat and a field, all wrong, are six sentences."""
    found = problems(
        Choices(
            suite="standart",
            scenarios=("paralel",),
            providers=("sqlite-fil",),
            configs=("0/2", "2x2"),
            repeat=0,
            overrides={"max_concurrent": 0},
        )
    )
    wanted = (
        "unknown suite 'standart': did you mean 'standard'?",
        "unknown scenario 'paralel': did you mean 'parallel', or workflows of your own",
        "unknown provider 'sqlite-fil': did you mean 'sqlite-file', or a provider of your own",
        "config '0/2': both numbers must be between",
        "config '2x2' is not of the form N/M",
        "repeat must be between 1 and",
        "max_concurrent must be between",
    )
    assert len(found) == len(wanted)
    for problem, beginning in zip(found, wanted, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize(
    ("overrides", "concurrency"),
    [
        ({"orch_concurrency": 4, "worker_concurrency": 8}, "4/8"),
        ({"orch_concurrency": 4}, "4/2"),
        ({"worker_concurrency": 8}, "2/8"),
    ],
)
def test_the_specs_two_fields_choose_one_concurrency(overrides: dict, concurrency: str) -> None:
    """Without `--config` they replace the suite's, and the command repeats them."""
    plan = build_plan(Choices(providers=("reference",), overrides=overrides))
    assert [str(c.config.concurrency) for c in plan.cells] == [concurrency]
    assert f"--config {concurrency}" in plan.command


@pytest.mark.parametrize("overrides", [{"orch_concurrency": 0}, {"worker_concurrency": 5000}])
def test_impossible_concurrency_fields_are_refused(overrides: dict) -> None:
    """The two fields obey the same limits as `--config`."""
    (problem,) = problems(Choices(overrides=overrides))
    assert problem.startswith(f"{next(iter(overrides))} must be between 1 and")


def read_back(command: str) -> tuple[dict[str, list[str]], dict[str, float]]:
    """The words of a command: flags with their values, and fields with their numbers."""
    words = shlex.split(command)
    assert words[:2] == ["duroxide-stress", "run"]
    flags: dict[str, list[str]] = {}
    for flag, value in zip(words[2::2], words[3::2], strict=True):
        flags.setdefault(flag, []).append(value)
    fields = {f: float(flags.pop(flag)[0]) for f, flag in FLAGS.items() if flag in flags}
    return flags, fields


def test_the_plans_command_repeats_the_plan() -> None:
    """Reading the command's words back gives the same cells."""
    overrides = {
        "duration_secs": 604_799.5,
        "warmup_secs": 0.25,
        "seed": 2**62,
        "max_concurrent": 9,
    }
    choices = Choices(
        suite="quick", providers=("reference",), configs=("3/5",), repeat=2, overrides=overrides
    )
    plan = build_plan(choices)
    flags, fields = read_back(plan.command)
    assert flags == {
        "--suite": ["quick"],
        "--provider": ["reference"],
        "--config": ["3/5"],
        "--repeat": ["2"],
    }
    assert fields == overrides


def test_a_cells_command_repeats_the_cell() -> None:
    """Only what differs from the defaults is said, and the seed always."""
    config = StressTestConfig(
        orch_concurrency=1, worker_concurrency=3, wait_timeout_secs=86_399.25, activity_delay_ms=0
    )
    flags, fields = read_back(cell_command(Cell("parallel", "my mod:Store", config)))
    assert flags == {
        "--scenario": ["parallel"],
        "--provider": ["my mod:Store"],
        "--config": ["1/3"],
    }
    assert fields == {"seed": 1, "wait_timeout_secs": 86_399.25, "activity_delay_ms": 0}


def test_a_single_cell_plan_is_checked_too() -> None:
    """A configuration made in code gets the same sentences as one from flags."""
    with pytest.raises(UsageError) as caught:
        single_cell_plan(StressTestConfig(seed=-1), "paralel", "anything")
    assert [p.split()[0] for p in caught.value.problems] == ["seed", "unknown"]
    (cell,) = single_cell_plan(StressTestConfig(seed=3), "parallel", "mine").cells
    assert (cell.provider, cell.config.seed) == ("mine", 3)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("timers.count=50", ("timers", "count", 50)),
        (" long-running.period_ms=0 ", ("long-running", "period_ms", 0)),
        ("mixed.sub-orchestrations=3", ("mixed", "sub-orchestrations", 3)),
        ("timers.count=-1", ("timers", "count", -1)),
    ],
)
def test_an_option_is_read(text: str, option: tuple[str, str, int]) -> None:
    """Scenario, option and value; whether they fit is for the plan to say."""
    assert parse_option(text) == option


@pytest.mark.parametrize(
    "text",
    [
        *("", "timers", "timers.count", "timers=5", "=5", "timers.=5", "Timers.count=5"),
        "t" * 5_000,
    ],
)
def test_what_is_no_option_is_shown_what_one_looks_like(text: str) -> None:
    """With an example, and where all of them are listed."""
    with pytest.raises(UsageError, match=r"for example timers\.count=50.* list scenarios"):
        parse_option(text)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *[(word, repr(word)) for word in ("", "5.5", "five", "=5", "5 6", "1e3", "0x5", "1_0")],
        *[
            (word, repr(word))
            for word in ("nan", "inf", "-", "--5", "+5", "\u0665", "\u00b2", "5\0")
        ],
        ("9" * 19, repr("9" * 19)),
        ("9" * 5_000, f"'{'9' * 79}... (5002 characters)"),
        ("-9", "-9"),
        ("501", "501"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_number_is_refused_with_the_limits(value: str, told: str) -> None:
    """Whatever stands where a whole number should: other digits, none, or thousands of them."""
    scenario, name, read = parse_option(f"timers.count={value}")
    assert problems(Choices(options={scenario: {name: read}})) == (
        f"timers.count must be a whole number between 1 and 500, found {told}",
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timer": {"count": 5}}, "unknown scenario 'timer': did you mean 'timers'?"),
        ({"timers": {"cuont": 5}}, "unknown option of timers 'cuont': did you mean 'count'?"),
        (
            {"timers": {"count": 0}},
            "timers.count must be a whole number between 1 and 500, found 0",
        ),
        ({"parallel": {"count": 0}}, "parallel has no options: 'count'"),
        (
            {"mixed": dict.fromkeys(DEFAULT_WEIGHTS, 0)},
            "mixed needs a weight above 0 for at least one of its scenarios",
        ),
        (
            {"sub-orchestrations": {"width": 40, "depth": 6}},
            "sub-orchestrations.width=40 with depth=6 gives 4096000000 children on the lowest level "
            "(width to the power of depth), the limit is 1600",
        ),
        (
            {"timers": {"count": -(10**5000)}},
            "timers.count must be a whole number between 1 and 500, found -10000000... (5001 digits)",
        ),
    ],
)
def test_wrong_options_are_refused_with_the_right_ones(options: dict, problem: str) -> None:
    """Also those of a scenario that the plan does not run."""
    assert [p[: len(problem)] for p in problems(Choices(options=options))] == [problem]


def test_options_reach_the_cells_and_both_commands() -> None:
    """What was set is what every cell has, and what its words repeat."""
    options = {"timers": {"count": 7, "herd": 2}, "long-running": {"tasks": 3}}
    names = ("timers", "long-running")
    plan = build_plan(Choices(scenarios=names, providers=("reference",), options=options))
    assert [c.options for c in plan.cells] == [
        {c.scenario: options[c.scenario]} for c in plan.cells
    ]
    words = ["timers.count=7", "timers.herd=2", "long-running.tasks=3"]
    assert read_back(plan.command)[0]["--option"] == words
    assert read_back(cell_command(plan.cells[0]))[0]["--option"] == words[:2]
    assert [parse_option(word) for word in words] == [
        (scenario, name, value) for scenario, o in options.items() for name, value in o.items()
    ]


def test_a_mixture_takes_the_options_of_its_parts() -> None:
    """Long-running is none of them."""
    options = {"timers": {"count": 7}, "mixed": {"timers": 9}}
    plan = build_plan(Choices(scenarios=("mixed", "parallel"), options=options))
    assert {c.scenario: c.options for c in plan.cells} == {"mixed": options, "parallel": {}}
    long = {"long-running": {"tasks": 3}}
    assert problems(Choices(scenarios=("mixed", "parallel"), options=long)) == (
        "options of long-running would do nothing: the plan runs mixed, parallel; "
        "add long-running to its scenarios",
    )


def test_a_lasting_scenario_has_no_load_by_the_clock() -> None:
    """Nothing would be offered, and the run would look well."""
    for load in ("constant:10/s", "backlog:5"):
        with pytest.raises(
            UsageError, match="long-running starts as many instances as run at once"
        ):
            build_plan(Choices(scenarios=("long-running", "parallel"), overrides={"load": load}))
        with pytest.raises(UsageError, match="cannot have the load"):
            single_cell_plan(StressTestConfig(load=load), "long-running", "reference")
    assert build_plan(Choices(scenarios=("long-running",))).cells
