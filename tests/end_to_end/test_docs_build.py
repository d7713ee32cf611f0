"""The documentation builds from a checkout without a warning, and its pages load nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r"<(?:script|img|iframe|link(?! rel=.canonical))[^>]*(?:src|href)=\"(?:https?:)?//"
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. Strict: a page outside the navigation, a broken link or anchor fails it."""
    site = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return site


def test_every_page_is_there(site: Path) -> None:
    """All of docs/, and what lies at the root; the CI snippet as a file to copy."""
    pages = {
        path.relative_to(ROOT / "docs").with_suffix(".html") for path in ROOT.glob("docs/*.md")
    }
    pages |= {Path("architecture.html"), Path("changelog.html"), Path("ci/gitlab.yml")}
    assert len(pages) > 12
    assert {page for page in pages if not (site / page).is_file()} == set()


@pytest.mark.parametrize(
    "page",
    [
        page
        for pattern in ("*.md", "docs/**/*.md", "docs/**/*.yml", "examples/*/README.md")
        for page in sorted(ROOT.glob(pattern))
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_is_left_to_be_filled_in(page: Path) -> None:
    """`@@NAME@@` stands where a figure will be, until it was measured."""
    lines = page.read_text().splitlines()
    assert [f"{n}: {line}" for n, line in enumerate(lines, 1) if "@@" in line] == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """They are read on machines without a network."""
    found = {path.name: LOADED.findall(path.read_text()) for path in site.glob("**/*.html")}
    assert found
    assert {name: loads for name, loads in found.items() if loads} == {}


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    words = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("[there](nowhere.md) [here](#no-such-heading)\n")
    words |= {"nav": [{"Home": "index.md"}], "hooks": []}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(words))
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "no-such-heading" in done.stderr


@pytest.mark.parametrize(
    "page",
    [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("examples/*/README.md"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_outside_the_site_lead_somewhere(page: Path) -> None:
    """README and the others at the root are read where the code is."""
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
