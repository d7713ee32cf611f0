"""An environment for each engine release: a Python that has that release and everything else of ours.

Only the engine is installed there. This package and what it depends on come from the environment that
runs the comparison, whose packages stand behind the release's own on the path; so both sides run the
very same tool, and making a side takes seconds. An environment is kept and used again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duroxide_stress.errors import RunError, UsageError, shown
from duroxide_stress.redaction import redact

INSTALLED = "installed"
"""The word for the engine of the environment that runs the comparison."""
DISTRIBUTION = "duroxide"
MADE = "made.txt"
"""Written last into an environment: the requirement it was made for."""
OTHER_PYTHONS = ("3.11", "3.12", "3.13")
PATIENCE_SECS = 600

_REQUIREMENT = re.compile(r"duroxide\s*==\s*(\S+)")
_RELEASE = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9})*)((?:(?:a|b|rc)\d{1,9})?(?:\.post\d{1,9})?(?:\.dev\d{1,9})?)",
    re.ASCII,
)
"""Public versions in their normal form (PEP 440, appendix B), with the v that tags have."""


def default_cache() -> Path:
    """Where environments are kept when nobody says."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "duroxide-stress" / "engines"


def read_engine(text: str) -> str:
    """A requirement as it is kept: `duroxide==<release>`, the path of a wheel, or `installed`.

    Raises UsageError for anything else.
    """
    word = text.strip()
    if word == INSTALLED:
        return word
    if found := _REQUIREMENT.fullmatch(word):
        if _RELEASE.fullmatch(found[1]) is None:
            raise UsageError(
                f"--engine {shown(text)}: no release is called that; write it as 0.2.2 or 0.3.0rc1"
            )
        return f"{DISTRIBUTION}=={found[1].removeprefix('v')}"
    path = Path(word).expanduser()
    if path.suffix == ".whl":
        if not path.is_file():
            raise UsageError(f"--engine {shown(text)}: there is no such wheel")
        if not path.name.startswith(f"{DISTRIBUTION}-"):
            raise UsageError(f"--engine {shown(text)} is not a wheel of {DISTRIBUTION}")
        return str(path.resolve())
    raise UsageError(
        f"--engine {shown(text)} is no engine release: write duroxide==0.2.2, the path of a wheel of "
        "duroxide, or installed"
    )


def _release(version: str) -> tuple[tuple[int, ...], str] | str:
    """What two ways to write one release have in common: 0.2.2 is 0.2.2.0, as pip has it."""
    found = _RELEASE.fullmatch(version)
    if found is None:
        return version
    numbers = list(map(int, found[1].split(".")))
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), found[2]


def python_for(engine: str, cache: Path) -> Path:
    """The interpreter of an environment with this engine, made if need be.

    Raises UsageError when there is no such release for this Python, or when it lacks what this tool
    drives an engine by; RunError when the environment cannot be made.
    """
    if engine == INSTALLED:
        python = Path(sys.executable)
    else:
        home = cache / _directory(engine)
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (home / MADE).is_file():
            with _alone(home):
                if not (home / MADE).is_file():  # another comparison may have made it meanwhile
                    _make(engine, home, python)
    _probe(engine, python)
    return python


def _directory(engine: str) -> str:
    """A name of its own for each engine, Python and set of packages behind it."""
    content = Path(engine).read_bytes() if engine.endswith(".whl") else b""
    behind = "\n".join([sys.executable, *_packages()])
    mark = hashlib.sha256(content + behind.encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9.+]+", "-", Path(engine).name.removesuffix(".whl"))
    return f"{name}-py{sys.version_info.major}.{sys.version_info.minor}-{mark}"


def _packages() -> list[str]:
    """Where the packages of this environment lie: its own, and the user's when they count."""
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        places.append(site.getusersitepackages())
    return list(dict.fromkeys(places))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until nobody else makes this environment. The lock ends with its process; its file stays, for
    one that is removed could be held twice. Raises RunError where nothing can be locked."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        lock = home.with_name(f"{home.name}.lock").open("ab")
    except OSError as error:
        raise RunError(f"no environment can be made in {home}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise RunError(
                f"{lock.name} cannot be locked ({error.strerror}): keep environments elsewhere, "
                "--envs DIR"
            ) from error
        yield


def _make(engine: str, home: Path, python: Path) -> None:
    try:
        shutil.rmtree(home, ignore_errors=True)
        made = _called(sys.executable, "-m", "venv", str(home))
    except OSError as error:
        raise RunError(f"no environment can be made in {home}: {error.strerror}") from error
    if made.returncode != 0:
        raise RunError(f"no environment can be made in {home}: {_last_words(made)}")
    installed = _called(
        str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", engine
    )
    if installed.returncode != 0:
        why = _not_to_be_had(engine, python, _last_words(installed))
        shutil.rmtree(home, ignore_errors=True)
        raise UsageError(why)
    _put_behind(home)
    (home / MADE).write_text(engine + "\n", encoding="utf-8")


def _put_behind(home: Path) -> None:
    """Let the environment find our packages behind its own; their .pth files count too, which is how
    an editable install is found."""
    (packages,) = home.glob("lib/python*/site-packages")
    lines = [f"import site; site.addsitedir({place!r})" for place in _packages()]
    (packages / "zz-duroxide-stress.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _not_to_be_had(engine: str, python: Path, words: str) -> str:
    """Why an engine could not be installed, with the Pythons for which there is one."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if engine.endswith(".whl") or "No matching distribution" not in words:
        return f"--engine {engine} cannot be installed: {words}"
    others = [v for v in OTHER_PYTHONS if v != here and _wheel_for(engine, python, v)]
    if others:
        return (
            f"{engine} has no wheel for Python {here}, but for {' and '.join(others)}: install "
            "duroxide-stress there to run it"
        )
    return f"{engine} cannot be had: there is no wheel of it for Python {here} on this system"


def _wheel_for(engine: str, python: Path, version: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        words = ["install", "--dry-run", "--quiet", "--no-deps", "--only-binary", ":all:"]
        words += ["--target", scratch, "--python-version", version, engine]
        return _called(str(python), "-m", "pip", *words).returncode == 0


def _probe(engine: str, python: Path) -> None:
    done = _called(str(python), "-m", "duroxide_stress.versus.probe")
    if done.returncode != 0:
        raise UsageError(f"--engine {engine} cannot be imported: {_last_words(done)}")
    if not done.stdout.split():
        raise RunError(f"--engine {engine}: {python} does not say which release it has")
    version, *missing = done.stdout.split()
    if missing:
        raise UsageError(
            f"duroxide {version} cannot be driven by this tool: it lacks {', '.join(missing)}"
        )
    asked = engine.partition("==")[2]
    if asked and not engine.endswith(".whl") and _release(version) != _release(asked):
        home = python.parent.parent
        raise RunError(f"the environment of {engine} has duroxide {version}: remove {home}")


def _called(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE_SECS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{words[0]} {words[2]} took longer than {PATIENCE_SECS} s") from error


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return redact((errors or lines or ["it said nothing"])[-1].strip())
