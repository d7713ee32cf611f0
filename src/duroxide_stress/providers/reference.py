"""The reference engine as a provider: in memory, correct, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Reference:
    """What the driver and the judgement are tested on; no figure of it says anything of Duroxide."""

    name = "reference"
    label = "Reference (virtual)"
    engine = "reference"
    shared = False

    def create(self, directory: Path) -> str:
        return "virtual"

    def connect(self, address: str) -> Any:
        return None

    def destroy(self, address: str) -> None:
        """Nothing to remove."""
