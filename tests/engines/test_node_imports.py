"""What a node's process loads: nothing that would weigh on the engine it hosts."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("duckdb", "scipy", "numpy", "typer", "rich", "click")


def loaded(*modules: str) -> set[str]:
    """The top-level names in `sys.modules` once these are imported in a fresh process."""
    code = f"import sys, {', '.join(modules)}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_node_loads_neither_the_judgement_nor_the_display() -> None:
    """Its memory is measured as the engine's, and its start delays the cell."""
    found = loaded(
        "duroxide_stress.nodes.child",
        "duroxide_stress.engines.duroxide.engine",
        "duroxide_stress.scenarios.parallel",
    )
    assert found.isdisjoint(HEAVY)
    assert "duroxide" in found


def test_the_package_itself_loads_nothing() -> None:
    """Public names are loaded when they are first used."""
    assert loaded("duroxide_stress").isdisjoint((*HEAVY, "duroxide", "msgspec", "psutil"))
