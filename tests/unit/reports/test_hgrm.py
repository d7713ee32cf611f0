"""HdrHistogram's percentile output, as its plotter reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from duroxide_stress.measure.spectrum import Ladder, Rung
from duroxide_stress.reports.hgrm import render, text
from duroxide_stress.result import RunResult

from .hostile import hostile_result, replace

MADE = Ladder(
    4,
    2.5e6,
    1_118_034.0,
    (Rung(0.0, 1_000_000, 1), Rung(0.5, 2_000_000, 2), Rung(0.775, 4_000_000, 4),
     Rung(1.0, 4_000_000, 4)),
)  # fmt: skip
WRITTEN = """\
       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       2.000 0.500000000000          2           2.00
       4.000 0.775000000000          4           4.44
       4.000 1.000000000000          4
#[Mean    =        2.500, StdDeviation   =        1.118]
#[Max     =        4.000, Total count    =            4]
#[Buckets =            0, SubBuckets     =            0]
# parallel, Reference (virtual) 2/2: ms from due to the durable end
"""


def plotted(written: str) -> list[tuple[float, float]]:
    """What plotFiles.html draws: of each line with four columns the value over 1/(1-percentile)."""
    rows = [line.split() for line in written.splitlines() if line.strip()]
    rows = [row for row in rows if not row[0].startswith("#") and row[0] != "Value"]
    return [(float(row[3]), float(row[0])) for row in rows if len(row) == 4]


def test_the_columns_are_hdrhistograms(clean: RunResult) -> None:
    """To the character, but for the line that says what it is."""
    assert text(MADE, clean.cells[0]) == WRITTEN
    assert plotted(WRITTEN) == [(1.0, 1.0), (2.0, 2.0), (4.44, 4.0)]


def test_a_cell_of_a_recording(clean: RunResult, pristine: Path) -> None:
    """Its percentiles are those of the result."""
    written = render(clean, pristine)
    latency = clean.cells[0].latency_ms
    assert f"Total count    = {latency.samples:12d}]" in written
    values = dict(plotted(written))
    assert values[max(x for x in values if x <= 2)] == pytest.approx(latency.p50, abs=0.001)
    assert f"#[Max     = {latency.max:12.3f}" in written


def test_no_latency_is_no_line(clean: RunResult, tmp_path: Path) -> None:
    """A cell that was not run, and one whose recording is damaged, say so and plot nothing."""
    gone = render(clean, tmp_path)
    assert "# No latency was measured\n" in gone
    assert plotted(gone) == []
    assert "0.000" not in gone
    damaged = tmp_path / clean.cells[0].recording
    damaged.mkdir()
    (damaged / "cell.json").write_text("{")
    assert plotted(render(clean, tmp_path)) == []


def test_a_name_cannot_break_out_of_its_line(
    clean: RunResult, pristine: Path, tmp_path: Path
) -> None:
    """It stays on the last line, which every reader passes over."""
    cell = hostile_result(clean).cells[0]
    shutil.copytree(pristine / clean.cells[0].recording, tmp_path / cell.recording)
    written = render(replace(clean, cells=(cell,)), tmp_path)
    assert written.splitlines()[-1].startswith("# parallel, =</script>")
    assert plotted(written) == plotted(render(clean, pristine))


def test_several_cells_are_no_one_file(clean: RunResult, pristine: Path) -> None:
    """Two distributions in a file would be drawn as one."""
    with pytest.raises(ValueError, match="one cell"):
        render(hostile_result(clean), pristine)
