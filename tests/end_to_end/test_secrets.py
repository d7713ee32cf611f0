"""A password goes to the processes that need it, and nowhere else."""

from __future__ import annotations

import pytest

from .tool import TINY, Tool

SECRET = b"s3cr3t-pw"


@pytest.mark.parametrize("name", ["Connect", "Create", "Audit"])
def test_no_output_and_no_file_tells_the_password(tool: Tool, name: str) -> None:
    """Not the report, not the JSON, not a record, not a log; nor do control characters get through."""
    words = ("--provider", f"leaky:{name}", "--wait-timeout", "1", "--out", "out")
    done = tool.run("run", *TINY, *words, "--json", "r.json")
    assert done.returncode in (1, 3)
    shown = done.stdout + done.stderr
    assert "postgres://user:***@localhost/x" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    files = [path for path in tool.cwd.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert SECRET not in shown.encode()
    assert [path for path in files if SECRET in path.read_bytes()] == []
