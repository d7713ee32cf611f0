"""The outputs of a result beside the terminal and JSON: a name, and the module that renders it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

import msgspec

from duroxide_stress.result import RunResult

Render: TypeAlias = Callable[[RunResult, Path], str]
"""From a result, and the directory of its recording, to the text of the file."""


class Output(msgspec.Struct, frozen=True):
    """One kind of file that a result is written as."""

    name: str
    """The option on the command line, without its hyphens."""
    suffix: str
    """What such files are usually called."""
    summary: str
    """What it is, for the help: `Write ... to a file`."""
    module: str
    """Where its `render` is."""
    per_cell: bool = False
    """Whether a file holds one cell only, so that a result of several becomes a file each."""

    def render(self, result: RunResult, run: Path) -> str:
        """The text of the file. May raise RecordingError where it needs the recording, too."""
        return cast("Render", import_module(self.module).render)(result, run)


_HERE = __package__

OUTPUTS: dict[str, Output] = {
    output.name: output
    for output in (
        Output("html", ".html", "the report as a web page", f"{_HERE}.html.page"),
        Output("markdown", ".md", "the report as Markdown", f"{_HERE}.markdown"),
        Output("junit", ".xml", "the verdicts as JUnit XML", f"{_HERE}.junit"),
        Output("csv", ".csv", "the figures as CSV, a row a cell", f"{_HERE}.csv"),
        Output("hgrm", ".hgrm", "the latencies as HdrHistogram does", f"{_HERE}.hgrm", True),
        Output("openmetrics", ".prom", "the figures as OpenMetrics", f"{_HERE}.openmetrics"),
    )
}
"""Every output by its name."""
