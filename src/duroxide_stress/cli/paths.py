"""Where the outputs of a command go: looked at before a long run, written after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TypeAlias

import msgspec

from duroxide_stress.errors import StressError, UsageError, shown
from duroxide_stress.reports.registry import OUTPUTS, Output
from duroxide_stress.result import RunResult
from duroxide_stress.values import text_flaw

Paths: TypeAlias = Mapping[str, str | None]
"""Where each output goes, by its option's name without hyphens; None where it was not asked for."""
STDOUT = "-"


class Document(msgspec.Struct, frozen=True):
    """One file to be written."""

    flag: str
    path: str
    """A file, or `-` for standard output."""
    render: Callable[[], str]


def path_problems(paths: Paths, cells: int = 1) -> list[str]:
    """Everything that is wrong with the places where outputs are to go, a sentence each: what would mix,
    and what cannot be written. `cells` is how many the result has."""
    flaws = (_flaw(f"--{name}", path) for name, path in paths.items() if path not in (None, STDOUT))
    return [*(flaw for flaw in flaws if flaw), *mixed(paths, cells)]


def mixed(paths: Paths, cells: int = 1) -> list[str]:
    """Outputs that would get into each other's way; one that holds one cell needs a file for each."""
    given = {f"--{name}": path for name, path in paths.items() if path is not None}
    problems = []
    to_stdout = [flag for flag, path in given.items() if path == STDOUT]
    if len(to_stdout) > 1:
        flags = " and ".join(to_stdout)
        problems.append(
            f"{flags} would mix on standard output: - for one of them, files for others"
        )
    for sharing in _shared(given):
        problems.append(f"{' and '.join(sharing)} name the same file: give each its own")
    for name, output in OUTPUTS.items():
        if output.per_cell and cells > 1 and paths.get(name) == STDOUT:
            problems.append(
                f"--{name} - would mix {cells} cells on standard output: name a file, and each "
                "cell gets one that is called after it"
            )
    return problems


def refuse_paths(**paths: str | None) -> None:
    """Raises UsageError with everything that is wrong with where outputs are to go."""
    if problems := path_problems(paths):
        raise UsageError(problems)


def _flaw(flag: str, text: str | None) -> str:
    """What keeps one file from being written; empty when it can be."""
    path = Path(text or "")
    if not text or text_flaw(text) or "\0" in text:
        return f"{flag} {shown(text)} is no name of a file: name one, or - for standard output"
    try:
        if path.is_dir():
            return f"{flag} {path} is a directory: name a file, or - for standard output"
        if not path.parent.is_dir():
            return f"{flag} {path} cannot be written: {path.parent} is not a directory"
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            return f"{flag} {path} cannot be written: no permission, or a read-only disk"
    except OSError as error:  # a name that is too long, say
        return f"{flag} {shown(text)} cannot be written: {error.strerror}"
    return ""


def _shared(given: Mapping[str, str]) -> list[list[str]]:
    """Options that name one and the same ordinary file; a device, as /dev/null, may take several."""
    by_file: dict[Path, list[str]] = {}
    for flag, text in given.items():
        if text != STDOUT and not text_flaw(text) and "\0" not in text:
            path = Path(os.path.realpath(text))  # Path.resolve fails where links lead in a circle
            with suppress(OSError):  # a name that is too long, say, shares nothing
                if path.is_file() or not path.exists():
                    by_file.setdefault(path, []).append(flag)
    return [flags for flags in by_file.values() if len(flags) > 1]


def documents_of(result: RunResult, run: Path, paths: Paths) -> list[Document]:
    """What is to be written of a result: JSON first, then the others in their order."""
    from duroxide_stress.reports import json

    found = []
    if (path := paths.get("json")) is not None:
        found.append(Document("--json", path, lambda: json.render(result)))
    for name, output in OUTPUTS.items():
        if (path := paths.get(name)) is not None:
            found += _of_output(output, path, result, run)
    return found


def _of_output(output: Output, path: str, result: RunResult, run: Path) -> list[Document]:
    flag = f"--{output.name}"
    if not output.per_cell or len(result.cells) == 1:
        return [Document(flag, path, lambda: output.render(result, run))]

    def rendered(number: int) -> Callable[[], str]:
        one = msgspec.structs.replace(result, cells=(result.cells[number],))
        return lambda: output.render(one, run)

    return [
        Document(flag, str(of_cell(Path(path), cell.recording)), rendered(number))
        for number, cell in enumerate(result.cells)
    ]


def of_cell(path: Path, key: str) -> Path:
    """The file of one of several cells: `out.hgrm` becomes `out.KEY.hgrm`."""
    return path.with_name(f"{path.stem}.{key}{path.suffix}")


def write(documents: Iterable[Document], say: Callable[[str], None], kept: str) -> None:
    """Write each where it goes. Those that cannot be made or written do not keep the others from it.

    Raises UsageError that says why for each, with `kept` at the sentence's end; RunError when standard
    output cannot be written.
    """
    problems = []
    for document in documents:
        try:
            text = document.render()
        except (OSError, StressError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            problems.append(f"{document.flag} {document.path} cannot be made: {why}{kept}")
            continue
        if document.path == STDOUT:
            if isinstance(sys.stdout, TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8", newline="")  # whatever the locale
            say(text)
            continue
        try:
            Path(document.path).write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            problems.append(
                f"{document.flag} {document.path} cannot be written: {error.strerror}{kept}"
            )
    if problems:
        raise UsageError(problems)
