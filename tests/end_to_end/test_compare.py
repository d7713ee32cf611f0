"""`compare` as a user types it."""

import signal

import msgspec
import pytest

from .tool import TINY, Ran, Tool, document, finish, wait_for

REFERENCE = ("--provider", "reference", "--config", "2/2", "--max-concurrent", "4")
SLOWER = ("--variant", "ten: --activity-delay-ms 10", "--variant", "twelve: --activity-delay-ms 12")


def test_two_variants_in_turn(tool: Tool) -> None:
    """The slower one is called so, in the table, as JSON and as Markdown; the directory alone says the
    same again."""
    out, markdown = tool.cwd / "turns", tool.cwd / "pull-request.md"
    done = tool.run(
        *("compare", *SLOWER, *REFERENCE, "--duration", "8", "--rounds", "1", "--out", out),
        *("--json", "-", "--markdown", markdown, "--fail-on", "slower"),
    )
    assert done.returncode == 4, done.stderr
    data = msgspec.json.decode(done.stdout)
    assert data == document(out / "compare.json")
    (cell,) = data["cells"]
    throughput, mean, *_ = cell["changes"]
    assert (throughput["outcome"], mean["outcome"]) == ("slower", "slower")
    assert mean["low_pct"] <= 20 <= mean["high_pct"]
    assert data["turns"] == "AB"
    assert "2/2 round 1: twelve, parallel on reference at 2/2" in done.stderr
    assert "| Avg latency |" in markdown.read_text()
    again = tool.run("compare", out)
    assert again.returncode == 0
    assert max(map(len, again.stdout.split("Recordings")[0].splitlines())) <= 80


def test_the_real_engine_in_turn(tool: Tool) -> None:
    """Two configs of the installed engine, each recorded by a run of its own."""
    out = tool.cwd / "turns"
    done = tool.run(
        *("compare", "--variant", "one: --config 1/1", "--variant", "two: --config 2/2"),
        *(*TINY[2:], "--provider", "sqlite-file", "--rounds", "1", "--untrusted", "--out", out),
    )
    assert done.returncode in (0, 1, 3), done.stderr
    assert "parallel on File SQLite at 1/1 against parallel on File SQLite at 2/2" in " ".join(
        done.stdout.split()
    )
    assert sorted(path.name for path in (out / "round-01").iterdir() if path.is_dir()) == [
        "01-base",
        "01-candidate",
    ]
    tool.wait_until_gone()


def test_interrupted_between_the_sides(tool: Tool) -> None:
    """Ctrl-C ends the run that is under way and says what is known."""
    out = tool.cwd / "turns"
    process = tool.start(
        *("compare", "--variant", "a: --tasks 2", "--variant", "b: --tasks 3", *TINY[2:4]),
        *("--provider", "sqlite-file", "--config", "1/1", "--duration", "1", "--out", out),
    )
    wait_for((out / "round-01/01-candidate").is_dir, "the second run")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.returncode == 130, done.stderr
    assert "Interrupted" in done.stdout
    assert "Traceback" not in done.stderr
    tool.wait_until_gone()
    assert document(out / "compare.json")["interrupted"] is True


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_comparison_that_is_gone_leaves_nothing_running(
    tool: Tool, number: signal.Signals
) -> None:
    """A closed terminal, or a kill: the run under way is interrupted, and its recording is judged."""
    out = tool.cwd / "turns"
    sides = ("--variant", "a: --tasks 2", "--variant", "b: --tasks 3")
    place = ("--provider", "sqlite-file", "--config", "1/1", "--duration", "120", "--out", out)
    process = tool.start("compare", *sides, *place)
    recorded = out / "round-01/01-base"
    wait_for(lambda: recorded.is_dir() and any(recorded.glob("*/ops*")), "the first run's load")
    process.send_signal(number)
    assert finish(process).returncode == -number
    tool.wait_until_gone()
    (cell,) = document(recorded / "result.json")["cells"]
    assert "interrupted" in " ".join(cell["reasons"]), cell["reasons"]


def test_two_recordings_of_one_load(tool: Tool) -> None:
    """Two runs that differ in their arrivals alone: figures of their own, and none called different."""
    load = ("--load", "constant:20/s,poisson", "--max-concurrent", "100", "--duration", "30")
    for seed in ("1", "2"):
        made = tool.run("run", *REFERENCE[:4], *load, "--seed", seed, "--out", f"seed-{seed}")
        assert made.returncode == 0, made.stderr
    done = tool.run("compare", "seed-1", "seed-2", "--json", "found.json", "--fail-on", "slower")
    assert done.returncode == 0, done.stdout
    assert "the same runs" not in done.stdout
    (cell,) = document(tool.cwd / "found.json")["cells"]
    found = {change["metric"]: change for change in cell["changes"]}
    assert found["throughput"]["base"] != found["throughput"]["candidate"]
    assert found["throughput"]["low_pct"] < 0 < found["throughput"]["high_pct"]
    assert found["p50"]["outcome"] == "no difference seen"
    assert {change["outcome"] for change in cell["changes"]} == {
        "cannot tell",
        "no difference seen",
    }


def test_two_recordings(tool: Tool, memory_run: Ran) -> None:
    """A run against its own result is no comparison, and it says so. A mistake is a sentence and exit
    code 2."""
    result = memory_run.out / "result.json"
    same = tool.run("compare", result, memory_run.out, "--untrusted", "--fail-on", "slower")
    assert same.returncode in (0, 1), same.stdout
    assert "both sides are the same runs" in " ".join(same.stdout.split())
    wrong = tool.run("compare", "none", result)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: none is neither a recording nor a result")
