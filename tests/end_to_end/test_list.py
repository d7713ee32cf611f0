"""`list`, `--version` and `--help`."""

from __future__ import annotations

import pytest

import duroxide_stress

from .tool import Tool


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("scenarios", {"parallel"}),
        ("providers", {"sqlite-memory", "sqlite-file", "reference"}),
        ("checks", {"success", "completion", "outputs", "determinism", "isolation", "database"}),
        ("suites", {"standard", "quick"}),
    ],
)
def test_a_kind_is_listed_with_a_summary_each(tool: Tool, kind: str, names: set[str]) -> None:
    """The kind is the heading, and below it stands each name with its words."""
    done = tool.run("list", kind)
    heading, *rows = done.stdout.splitlines()
    assert (done.returncode, done.stderr, heading) == (0, "", f"{kind}:")
    words = dict(row.split(maxsplit=1) for row in rows)
    assert names <= words.keys()
    assert all(words.values())


def test_without_a_kind_everything_is_listed(tool: Tool) -> None:
    """One look at all that can be named."""
    headings = [row for row in tool.run("list").stdout.splitlines() if row.endswith(":")]
    assert headings == ["scenarios:", "providers:", "faults:", "checks:", "suites:"]


def test_the_version_is_the_packages(tool: Tool) -> None:
    """`--version` needs no verb."""
    done = tool.run("--version")
    assert (done.returncode, done.stdout) == (0, f"duroxide-stress {duroxide_stress.__version__}\n")


def test_help_tells_the_exit_codes(tool: Tool) -> None:
    """They are the interface to scripts."""
    done = tool.run("--help")
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    for code in ("0 ok", "1 a promise violated", "2 usage", "3 unknown", "4 a target missed"):
        assert code in text
    assert "130 interrupted" in text
