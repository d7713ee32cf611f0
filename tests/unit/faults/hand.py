"""A stage whose clock, hosts and ears are the test's own, for one play at a time."""

from pathlib import Path

from duroxide_stress.faults.base import Fault, Injection, Stage
from duroxide_stress.faults.settings import read
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.sqlite import FileSqlite

from .test_storm import HandHosts

STEP_SECS = 0.1


class Bench:
    """`details` is what plays said when they had begun."""

    def __init__(self, tmp: Path, hosts: HandHosts | None = None) -> None:
        self.now, self.hosts = 0.0, hosts or HandHosts()
        self.details: list[str] = []
        self.skews: list[int] = []
        self.stage = Stage(
            Cell("parallel", "sqlite-file", StressTestConfig(duration_secs=10, nodes=2)),
            FileSqlite(),
            str(tmp / "store.db"),
            self.hosts,
            lambda: self.now,
            scratch=tmp,
            directory=tmp,
        )
        self.stage.began = self._began

    def _began(self, detail: str, *, skew_ms: int = 0) -> None:
        self.details.append(detail)
        self.skews.append(skew_ms)

    def begin(self, fault: Fault, text: str, target: str = "store") -> None:
        """Let a fault strike, and take its first step."""
        self.play = fault.play(
            self.stage, Injection(0, read(text, fault.all_settings), 0, target, 0)
        )
        next(self.play)

    def over(self, secs: float) -> bool:
        """Let so much time pass, in steps; whether the play came to its end meanwhile."""
        for _ in range(round(secs / STEP_SECS)):
            self.now = round(self.now + STEP_SECS, 1)
            try:
                next(self.play)
            except StopIteration:
                return True
        return False
