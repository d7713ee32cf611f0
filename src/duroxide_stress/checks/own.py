"""Checks of the user's own: a SQL or a Python file each, with the same contract as the built-in ones.

SQL: comments at the top give the contract, then come two queries, each ended by a semicolon. The first
gives one number, how much evidence there is (null: this cell cannot give any, so it is not asked); the
second one row a violation, with the columns instance, what, detail and, if it weighs them, weight. Both
see the tables of `recording/tables.py` and nothing else: they can neither read files nor write any. They
are put only to a cell whose histories were copied out.

Python: `CHECK = Check(...)`, as in each file beside this one. It is code and may do what code may do, so
it is run only where the command names it, never because a recording does.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import msgspec

from duroxide_stress.checks.base import Check, Looked, cut_off
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.errors import UsageError, in_words, shown
from duroxide_stress.recording.tables import Recording, empty_tables
from duroxide_stress.result import Finding
from duroxide_stress.values import text_flaw

KEYS = ("name", "promise", "source", "unit")
"""Comments every SQL file has; `need` may be added."""
COLUMNS = ("instance", "what", "detail")
_HEADER = re.compile(r"--\s*([a-z]+)\s*:\s*(.*?)\s*")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_WHOLE = re.compile(r"[0-9]{1,9}")
GUIDE = "docs/your-own-checks.md shows a whole one"


def load_checks(paths: Sequence[str]) -> dict[str, Check]:
    """The check of each file, by its path. Raises UsageError with everything wrong in all of them."""
    found: dict[str, Check] = {}
    problems: list[str] = []
    names = dict.fromkeys(CHECKS, "a built-in check")
    for path in dict.fromkeys(paths):
        try:
            check = _load(path)
        except UsageError as error:
            problems += error.problems
            continue
        if check.name in names:
            problems.append(f"check {path}: {names[check.name]} is already named {check.name!r}")
        names.setdefault(check.name, f"the check of {path}")
        found[path] = check
    if problems:
        raise UsageError(problems)
    return found


def check_problems(paths: Sequence[str]) -> list[str]:
    """What is wrong with these files, one sentence each."""
    try:
        load_checks(paths)
    except UsageError as error:
        return list(error.problems)
    return []


def with_recorded(recorded: Sequence[str], given: Mapping[str, Check]) -> tuple[Check, ...]:
    """The given checks, and those whose files a recording's plan names.

    A file that is given under another path, but the same name, stands for the recorded one. A recorded
    SQL file is read again where it lies; what cannot be is a check that says so and is unknown.
    """
    names = {Path(path).name for path in given}
    missing = [path for path in recorded if Path(path).name not in names]
    taken = {check.name for check in given.values()}
    again = [check for check in map(_again, missing) if check.name not in taken]
    return (*again, *given.values())


def _again(path: str) -> Check:
    if Path(path).suffix != ".sql":
        return _absent(path, "a recording does not choose what code is run")
    try:
        (check,) = load_checks([path]).values()
    except UsageError as error:
        return _absent(path, "; ".join(error.problems))
    return check


def _absent(path: str, why: str) -> Check:
    """Stands for a check that the run was to be held to."""
    note = f"{why}; give it with --check {path}"
    return Check(
        name=re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(path).name)[:40] or "check",
        promise=f"What {path} promises, which could not be read.",
        source=path,
        unit="units",
        look=lambda recording: Looked(0, undecided=note),
    )


def _load(path: str) -> Check:
    kind = Path(path).suffix
    if text_flaw(path):
        raise UsageError(f"check {path!r} cannot be used: its name is not UTF-8")
    if kind not in (".sql", ".py"):
        raise UsageError(f"check {path}: a check is a .sql or a .py file; {GUIDE}")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"check {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"check {path} cannot be read: it is not UTF-8") from error
    check, wrong = _from_sql(path, text) if kind == ".sql" else _from_python(path, text)
    wrong = wrong or _flaws(check)
    if wrong:
        raise UsageError([f"check {path}: {problem}" for problem in wrong])
    return check


def _flaws(check: Check) -> list[str]:
    """What is wrong with a contract's words, whichever way they were given."""
    wrong = []
    if not isinstance(check.name, str) or not _NAME.fullmatch(check.name):
        wrong.append(
            f"its name must be at most 40 small letters, digits, - and _, found {shown(check.name)}"
        )
    for field in KEYS[1:]:
        value = getattr(check, field)
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"its {field} must be words, found {shown(value)}")
    if not isinstance(check.need, int) or isinstance(check.need, bool) or check.need < 1:
        wrong.append(f"its need must be a whole number of at least 1, found {shown(check.need)}")
    wrong += [
        f"its {field} must be a function that takes the recording"
        for field in ("look", "asked")
        if not callable(getattr(check, field))
    ]
    return wrong


def _from_sql(path: str, text: str) -> tuple[Check, list[str]]:
    head = _head(text)
    wrong = [
        f"the comments at its top have no line `-- {key}: ...`" for key in KEYS if key not in head
    ]
    need = head.get("need", "1")
    if not _WHOLE.fullmatch(need):
        wrong.append(f"need must be a whole number, found {shown(need)}")
    queries, flaws = _queries(text)
    wrong += flaws

    def asked(recording: Recording) -> bool:
        return bool(cut_off(recording)) or recording.one(queries[0]) is not None

    def look(recording: Recording) -> Looked:
        if undecided := cut_off(recording):
            return Looked(0, undecided=undecided)
        seen = int(recording.one(queries[0]) or 0)
        return Looked(seen, _violations(recording, queries[1]))

    check = Check(
        name=head.get("name", Path(path).stem),
        promise=head.get("promise", ""),
        source=head.get("source", ""),
        unit=head.get("unit", ""),
        look=look,
        need=int(need) if _WHOLE.fullmatch(need) else 1,
        asked=asked,
    )
    return check, wrong


def _head(text: str) -> dict[str, str]:
    """`-- key: value` of the comments before the first query; the first of each key counts."""
    found: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("--"):
            break
        if match := _HEADER.fullmatch(line):
            found.setdefault(*match.groups())
    return found


def _queries(text: str) -> tuple[list[str], list[str]]:
    """The two queries as they are put to a recording, and what is wrong with them."""
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        return [], [f"not SQL that DuckDB reads: {_words(error)}"]
    if len(statements) != 2 or any(s.type != duckdb.StatementType.SELECT for s in statements):
        kinds = ", ".join(str(s.type).rpartition(".")[2] for s in statements) or "none"
        return [], [
            "it must hold two SELECT statements, the evidence and the violations, found: " + kinds
        ]
    evidence, violations = (s.query for s in statements)
    with closing(empty_tables()) as db:
        try:
            # Put to tables without a row: a wrong name is found before there is a recording.
            seen = _columns(db.execute(evidence))
            rows = _columns(db.execute(violations))
        except duckdb.Error as error:
            return [], [f"a query that cannot be put: {_words(error)}"]
    wrong = []
    if len(seen) != 1:
        wrong.append(f"the first query must give one number, found columns {', '.join(seen)}")
    if set(rows) not in ({*COLUMNS}, {*COLUMNS, "weight"}) or len(rows) != len(set(rows)):
        wrong.append(
            "the second query must have the columns instance, what, detail and, if it weighs, "
            f"weight, found {', '.join(rows)}"
        )
    return [evidence, violations], wrong


def _columns(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(column[0]).lower() for column in cursor.description or ()]


def _violations(recording: Recording, query: str) -> list[Finding]:
    cursor = recording.db.execute(query)
    columns = _columns(cursor)
    return [_finding(dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def _finding(row: dict[str, Any]) -> Finding:
    instance = row["instance"]
    return Finding(
        what=str(row["what"]),
        detail=str(row["detail"]),
        instance=None if instance is None else str(instance),
        weight=_finite(float(row.get("weight") or 0)),
    )


def _words(error: duckdb.Error) -> str:
    """DuckDB's own words, without the drawing of where in the line it is, but with its number."""
    text = str(error)
    line = re.search(r"^LINE (\d+):", text, re.MULTILINE)
    words = " ".join(text.partition("\n\nLINE ")[0].split())
    return f"{words} (line {line.group(1)})" if line and "Parser" in text else words


def _finite(weight: float) -> float:
    """JSON has no other numbers."""
    return weight if math.isfinite(weight) else 0.0


def _from_python(path: str, text: str) -> tuple[Check, list[str]]:
    name = re.sub(r"\W", "_", f"duroxide_stress_check_{path}")
    module = ModuleType(name)
    module.__file__ = str(Path(path).resolve())
    sys.modules[name] = module  # as an import would: some decorators look a class's module up
    try:
        with _aside():
            exec(compile(text, path, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise UsageError(f"check {path} cannot be loaded: {in_words(error)}") from error
    check = getattr(module, "CHECK", None)
    if not isinstance(check, Check):
        found = "none" if check is None else f"one of type {type(check).__name__}"
        raise UsageError(
            f"check {path}: it must have CHECK = duroxide_stress.checks.base.Check(...), "
            f"found {found}; {GUIDE}"
        )
    return _guarded(check), []


def _guarded(check: Check) -> Check:
    """The same check, for which a wrong answer or an exit is a crash like any other."""

    def asked(recording: Recording) -> bool:
        with _aside(), _undone(recording):
            return bool(check.asked(recording))

    def look(recording: Recording) -> Looked:
        with _aside(), _undone(recording):
            found: object = check.look(recording)
        if not isinstance(found, Looked):
            raise TypeError(f"look must return Looked(...), found {shown(found)}")
        looked = msgspec.convert(msgspec.to_builtins(found), Looked)
        weighed = [
            msgspec.structs.replace(finding, weight=_finite(finding.weight))
            for finding in looked.findings
        ]
        return msgspec.structs.replace(looked, findings=weighed)

    if not callable(check.look) or not callable(check.asked):
        return check
    return msgspec.structs.replace(check, asked=asked, look=look)


@contextmanager
def _undone(recording: Recording) -> Iterator[None]:
    """What it does to the tables is undone: other checks and the figures ask them too."""
    recording.db.begin()
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # it has ended the transaction by itself
            recording.db.rollback()


@contextmanager
def _aside() -> Iterator[None]:
    """Standard output belongs to the report, and the exit code to us."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        raise RuntimeError(f"it called exit({error.code})") from error
