"""The style is a test: the two walls, the length of files, the length of functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 350, 70


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, also nested ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_only_files_cross_the_wall(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The import contracts of pyproject.toml are kept: the run never judges, and vice versa."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / "src"))
    code = lint_imports(config_filename="pyproject.toml", no_cache=True)
    said = capsys.readouterr().out
    assert code == 0, said
    assert "2 kept, 0 broken" in said


def test_there_is_something_to_measure() -> None:
    """The sources were found."""
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_file_is_one_thought(path: Path) -> None:
    """No file over 350 lines, no function over 70: split it, do not raise the limit."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE
    long = {
        function.name: length
        for function in functions(ast.parse(text))
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION
    }
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """A module without a docstring is a room without a door plate; none is called utils."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert path.stem not in ("utils", "util", "helpers", "common", "misc")
