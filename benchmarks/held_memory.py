"""What the driver's and the engine's process hold over time, beside what is resident.

    python benchmarks/held_memory.py --provider sqlite-file --config 2/2 --warm-up 2m --duration 10m

memray counts every allocation of a node from its first line on: Python's, the client's, SQLite's. What
is *held* was allocated and not freed; what is *resident* is what the system counts, the allocator's gaps
and memray itself included. A process that leaks holds more and more; one whose resident memory alone
grows keeps the most that it ever held. All words go to `duroxide-stress run`; the recording is not kept.

How to read it: `held` is the least and the most of the looks of that minute, one a second; from the end
of the warm-up on it is to stay. What is held between two looks, by a query for some milliseconds, is not
seen. memray costs time, so the rates of the run mean nothing. Needs `pip install -e '.[benchmarks]'` and
the time that the words ask for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import memray
import psutil
from rich.console import Console
from rich.table import Table

from duroxide_stress.units import MIB
from duroxide_stress.verdict import EXIT_OK, EXIT_TARGET_MISSED, EXIT_UNKNOWN, EXIT_VIOLATED

NODE = "duroxide_stress.nodes.child"
MS_PER_MIN = 60_000
ROLES = {"ops": "driver", "effects": "host"}
"""Which records a node writes → what it is."""
HOOK = f'''
import os, sys
if "{NODE}" in sys.orig_argv:
    import memray
    file = os.environ["HELD_MEMORY"] + f"/{{os.getpid()}}.bin"
    tracker = memray.Tracker(
        file, memory_interval_ms=1000, file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS
    )
    tracker.__enter__()
    leave = os._exit

    def close(code):  # a node ends with this
        tracker.__exit__(None, None, None)
        leave(code)

    os._exit = close
'''
"""Python runs a module of the name sitecustomize before anything else."""


def run(words: list[str], home: Path) -> dict[int, str]:
    """Run the command with memray in every node. Which processes its nodes were, by their ids."""
    (home / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    command = [sys.executable, "-m", "duroxide_stress", "run", *words, "--out", str(home / "run")]
    paths = os.pathsep.join(filter(None, (str(home), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths, "HELD_MEMORY": str(home)}
    roles: dict[int, set[str]] = defaultdict(set)
    with subprocess.Popen(command, env=environment) as process:
        while process.poll() is None:
            with suppress(psutil.Error):
                for child in psutil.Process(process.pid).children():
                    roles[child.pid] |= written(child)
            time.sleep(1)
    if process.returncode not in (EXIT_OK, EXIT_VIOLATED, EXIT_UNKNOWN, EXIT_TARGET_MISSED):
        raise SystemExit(f"the run ended with exit code {process.returncode}")
    return {pid: " and ".join(sorted(found)) for pid, found in roles.items() if found}


def written(process: psutil.Process) -> set[str]:
    """What a node is, by the records that it has open; nothing, as long as it has none."""
    names = {Path(file.path).name for file in process.open_files()}
    return {role for records, role in ROLES.items() if any(n.startswith(records) for n in names)}


def minutes(file: Path) -> Iterator[tuple[float, float, float]]:
    """MiB of each minute of a node's life: the least and the most held, the most resident."""
    with memray.FileReader(str(file)) as reader:
        looks = [look for look in reader.get_memory_snapshots() if look.heap]
    for _, group in groupby(looks, lambda look: (look.time - looks[0].time) // MS_PER_MIN):
        of_minute = list(group)
        held = [look.heap / MIB for look in of_minute]
        yield min(held), max(held), max(look.rss for look in of_minute) / MIB


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        roles = run(sys.argv[1:], home)
        console = Console(width=100)
        for pid, role in roles.items():
            file = home / f"{pid}.bin"
            if not file.exists():
                console.print(f"{role} (pid {pid}) left nothing")
                continue
            table = Table("minute", "held, MiB", "resident, MiB", title=f"{role} (pid {pid})")
            for minute, (least, most, resident) in enumerate(minutes(file), 1):
                table.add_row(f"{minute}", f"{least:.2f} to {most:.2f}", f"{resident:.1f}")
            console.print(table)


if __name__ == "__main__":
    main()
