"""Who is told what a cell does while it does it."""

from __future__ import annotations

from typing import Protocol

from duroxide_stress.load.progress import Progress


class Onlooker(Protocol):
    """Who watches a cell run; it decides nothing but when to stop."""

    def interrupted(self) -> bool:
        """Whether the user wants the run to end. Asked often."""
        ...

    def progressed(self, progress: Progress) -> None:
        """The driver tells how far it is, some four times a second."""
        ...

    def happened(self, sentence: str) -> None:
        """A fault struck, as planned."""
        ...

    def warned(self, sentence: str) -> None:
        """Something happened that nobody ordered, and that costs no result by itself."""
        ...
