"""Where outputs may go, and what becomes of one that cannot."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.cli.paths import Document, documents_of, mixed, of_cell, path_problems, write
from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.reports.registry import OUTPUTS


def test_what_can_be_written_is_no_problem(tmp_path: Path) -> None:
    """A new file, an old one, a device, standard output, nothing."""
    (tmp_path / "old").write_text("")
    paths = {"json": str(tmp_path / "new"), "csv": str(tmp_path / "old"), "junit": "-"}
    assert path_problems({**paths, "html": "/dev/null", "markdown": "/dev/null"}) == []
    assert path_problems({"json": None, "hgrm": "relative.hgrm"}, cells=3) == []


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """One sentence each, with the option and the path."""
    same = str(tmp_path / "same")
    problems = path_problems(
        {
            "json": str(tmp_path),
            "html": str(tmp_path / "gone" / "a.html"),
            "markdown": "",
            "junit": same,
            "csv": str(tmp_path / "." / "same"),
            "hgrm": "-",
            "openmetrics": "-",
        },
        cells=2,
    )
    assert problems == [
        f"--json {tmp_path} is a directory: name a file, or - for standard output",
        f"--html {tmp_path}/gone/a.html cannot be written: {tmp_path}/gone is not a directory",
        "--markdown '' is no name of a file: name one, or - for standard output",
        "--hgrm and --openmetrics would mix on standard output: - for one of them, files for others",
        "--junit and --csv name the same file: give each its own",
        "--hgrm - would mix 2 cells on standard output: name a file, and each cell gets one that "
        "is called after it",
    ]


def test_one_cell_may_go_to_standard_output() -> None:
    """Only several would mix."""
    assert mixed({"hgrm": "-"}, cells=1) == []
    assert len(mixed({"hgrm": "-"}, cells=2)) == 1
    assert mixed({"csv": "-"}, cells=2) == []


@pytest.mark.parametrize("name", ["a\ud800", "a\0b"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    """Is a sentence, not a traceback."""
    (problem,) = path_problems({"csv": name})
    assert problem.startswith("--csv 'a")
    assert problem.endswith("is no name of a file: name one, or - for standard output")


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    """Too long for a name, or as a whole; the others are looked at all the same."""
    name, whole = "n" * 300, str(tmp_path / "/".join(["d" * 100] * 50))
    problems = path_problems(
        {"json": name, "csv": whole, "html": str(tmp_path), "junit": name, "hgrm": "new.hgrm"}
    )
    assert [problem.partition(" ")[0] for problem in problems] == [
        *("--json", "--csv", "--html", "--junit"),
    ]
    for problem in (*problems[:2], problems[3]):
        assert problem.endswith(" cannot be written: File name too long")
        assert len(problem) < 200


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    """Are no file to share, and no traceback; writing says what is wrong."""
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert path_problems({"json": str(circle), "csv": str(circle)}) == [
        "--json and --csv name the same file: give each its own"
    ]
    with pytest.raises(UsageError, match=r"--json .*circle cannot be written: Too many levels"):
        write([Document("--json", str(circle), lambda: "lost")], print, "")


def test_a_file_for_each_of_several_cells(pristine: Path, tmp_path: Path) -> None:
    """Called after the one that was named; of one cell it is that one."""
    result = judge_run(pristine)
    (cell,) = result.cells
    one = documents_of(result, pristine, {"hgrm": str(tmp_path / "x.hgrm"), "csv": None})
    assert [document.path for document in one] == [str(tmp_path / "x.hgrm")]
    two = msgspec.structs.replace(
        result, cells=(cell, msgspec.structs.replace(cell, repeat=2, recording="other"))
    )
    paths = {"json": str(tmp_path / "x.json"), "hgrm": str(tmp_path / "x.hgrm")}
    documents = documents_of(two, pristine, paths)
    assert [(d.flag, Path(d.path).name) for d in documents] == [
        ("--json", "x.json"),
        ("--hgrm", f"x.{cell.recording}.hgrm"),
        ("--hgrm", "x.other.hgrm"),
    ]
    texts = [document.render() for document in documents[1:]]
    assert "Total count" in texts[0]
    assert "# No latency was measured" in texts[1]


def test_names_of_cells_files() -> None:
    """Before the suffix, whatever there is of one."""
    assert of_cell(Path("d/a.b.hgrm"), "k.1-1.r1") == Path("d/a.b.k.1-1.r1.hgrm")
    assert of_cell(Path("plain"), "k") == Path("plain.k")


def test_one_that_cannot_be_written_does_not_keep_the_others(tmp_path: Path) -> None:
    """What can be written is, byte for byte, and every failure has its sentence."""
    said: list[str] = []
    documents = [
        Document("--csv", str(tmp_path / "gone" / "a"), lambda: "lost"),
        Document("--junit", str(tmp_path), lambda: "lost"),
        Document("--json", "-", lambda: "to stdout"),
        Document("--markdown", str(tmp_path / "m"), lambda: "ü\r\n"),
        Document("--openmetrics", "/dev/full", lambda: "x"),
    ]
    with pytest.raises(UsageError) as refused:
        write(documents, said.append, "; kept")
    assert refused.value.problems == (
        f"--csv {tmp_path}/gone/a cannot be written: No such file or directory; kept",
        f"--junit {tmp_path} cannot be written: Is a directory; kept",
        "--openmetrics /dev/full cannot be written: No space left on device; kept",
    )
    assert said == ["to stdout"]
    assert (tmp_path / "m").read_bytes() == "ü\r\n".encode()


def test_one_that_cannot_be_made_does_not_keep_the_others(tmp_path: Path) -> None:
    """Also what a document is made of may be gone, or damaged."""

    def gone() -> str:
        return (tmp_path / "gone").read_text()

    def damaged() -> str:
        raise RecordingError("line 3 is damaged")

    with pytest.raises(UsageError) as refused:
        write(
            [
                Document("--html", "-", gone),
                Document("--csv", str(tmp_path / "c"), damaged),
                Document("--json", str(tmp_path / "j"), lambda: "{}"),
            ],
            print,
            "; kept",
        )
    assert refused.value.problems == (
        "--html - cannot be made: No such file or directory; kept",
        f"--csv {tmp_path}/c cannot be made: line 3 is damaged; kept",
    )
    assert (tmp_path / "j").read_text() == "{}"
    assert not (tmp_path / "c").exists()


def test_every_output_has_its_name_and_module() -> None:
    """The name is the option, and the suffix what such files are called."""
    assert list(OUTPUTS) == ["html", "markdown", "junit", "csv", "hgrm", "openmetrics"]
    for name, output in OUTPUTS.items():
        assert output.name == name
        assert output.suffix.startswith(".")
