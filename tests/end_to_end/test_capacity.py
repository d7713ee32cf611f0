"""`capacity` as a user types it, on the reference engine in virtual time."""

import signal

import msgspec
import pytest

from .tool import Tool, document, finish, wait_for

REFERENCE = ("capacity", "--provider", "reference", "--config", "2/2")


def test_the_capacity_of_the_reference_engine(tool: Tool) -> None:
    """Two workers and five activities of 10 ms complete at most 40 a second."""
    out = tool.cwd / "found"
    done = tool.run(*REFERENCE, "--slo", "p99<300ms", "--out", out, "--json", "-")
    assert done.returncode == 0, done.stderr
    data = msgspec.json.decode(done.stdout)
    (point,) = data["points"]
    assert 30 <= point["low"] <= 40
    assert point["high"] / point["low"] <= 1.1
    assert max(len(line) for line in done.stderr.split("Recommended")[0].splitlines()) <= 80
    named = {name for one in point["offered"] for name in one["recordings"]}
    steps = sorted(path.name for path in out.iterdir() if path.is_dir())
    assert steps[0].startswith("step-01-parallel.reference.2-2.r1-probe")
    assert named == set(steps[1:])
    checked = tool.run("check", out / steps[1])
    assert checked.returncode == 0, checked.stdout
    assert document(out / "capacity.json")["points"][0]["low"] == point["low"]
    words = point["verify"].split()[1:]
    rate = words.index("--rate") + 1
    assert words[rate] == f"{0.9 * point['low']:.3g}/s"
    p99 = {}
    for share in (0.9, 1.3):
        words[rate] = f"{share * point['low']:.3g}/s"
        out = tool.cwd / f"verified-{share}"
        shown = tool.run(*words, "--out", out)
        assert shown.returncode == 0, shown.stdout
        p99[share] = document(out / "result.json")["cells"][0]["latency_ms"]["p99"]
    assert p99[0.9] < 300 < p99[1.3]


def test_a_budget_that_is_too_small_finds_nothing(tool: Tool) -> None:
    """And says so."""
    done = tool.run(*REFERENCE, "--slo", "p99<300ms", "--budget", "12s")
    assert done.returncode == 3
    assert "Capacity: none found: the budget is used up" in done.stdout


def test_ctrl_c_prints_what_is_known(tool: Tool) -> None:
    """The step that was cut off is left out, and no process outlives it."""
    out = tool.cwd / "cut"
    words = ("--provider", "sqlite-memory", "--config", "1/1", "--tasks", "1", "--warm-up", "0")
    process = tool.start("capacity", "--slo", "p50<5s", *words, "--out", out)
    wait_for(lambda: list(out.glob("step-03-*/*/ops.jsonl")), "the third step")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.returncode == 130, done.stderr
    assert "Interrupted: this is what was known." in done.stdout
    assert "not confirmed: interrupted." in " ".join(done.stdout.split())
    assert document(out / "capacity.json")["interrupted"]
    tool.wait_until_gone()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--slo", "p99"), "< must stand before the duration"),
        (("--slo", "p99<1s", "--success", "101"), "--success must be more than 0"),
        (("--slo", "p99<1s", "--budget", "1s"), "--budget must be between 10s and 24h"),
        (("--slo", "p99<1s", "--budget", "soon"), "--budget: not a duration"),
        (("--slo", "p99<1s", "--config", "2"), "is not of the form N/M"),
        (("--slo", "p99<1s", "--provider", "nosuch"), "unknown provider 'nosuch'"),
        (("--slo", "p99<1s", "--scenario", "long-running"), "has no capacity"),
    ],
)
def test_mistakes_are_sentences(tool: Tool, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, and nothing is left behind."""
    done = tool.run("capacity", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tool.cwd.iterdir()) == []
