"""Carries a schedule out: begins what is due, advances what is at work, heals what is cut off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from duroxide_stress.errors import RunError, UsageError, in_words
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.registry import read_faults
from duroxide_stress.faults.schedule import schedule
from duroxide_stress.faults.settings import Spec
from duroxide_stress.recording.records import FaultEvent, FaultMoment
from duroxide_stress.recording.writer import Records


def brew(
    stage: Stage,
    records: Records,
    *,
    now_ns: Callable[[], int] = time.time_ns,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Storm:
    """The faults of the stage's cell, at the times that its seed gives."""
    faults, config = read_faults(stage.cell.faults), stage.cell.config
    injections = schedule(faults, config)
    window_secs = config.duration_secs
    return Storm(
        faults, injections, stage, records, window_secs=window_secs, now_ns=now_ns, tell=tell
    )


class Storm:
    """The faults of one cell. `step` is called often and never waits."""

    def __init__(
        self,
        faults: Sequence[tuple[Fault, Spec]],
        injections: Sequence[Injection],
        stage: Stage,
        records: Records,
        *,
        window_secs: float,
        now_ns: Callable[[], int] = time.time_ns,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._faults = {spec.text: fault for fault, spec in faults}
        self._specs = faults
        self._due, self._stage, self._records = list(injections), stage, records
        self._window_secs, self._now_ns, self._tell = window_secs, now_ns, tell
        self._at_work: list[tuple[Injection, Play[str | None]]] = []
        self._begun: set[int] = set()
        for injection in injections:
            self._note(injection, "intended")

    @property
    def over(self) -> bool:
        """Whether nothing is at work and nothing will be."""
        return not self._due and not self._at_work

    @property
    def under_way(self) -> bool:
        """Whether something has begun and not all is over."""
        return bool(self._begun) and not self.over

    @contextlib.contextmanager
    def set_up(self) -> Iterator[None]:
        """What the faults need while the hosts live: to be entered before these start.

        Raises RunError for what cannot be set up, UsageError for what the user must mend.
        """
        with contextlib.ExitStack() as stack:
            for fault, spec in self._specs:
                if fault.before is None:
                    continue
                try:
                    stack.enter_context(fault.before(self._stage, spec))
                except (RunError, UsageError):
                    raise
                except Exception as error:
                    words = f"fault {spec.text} cannot be set up: {in_words(error)}"
                    raise RunError(words) from error
            yield

    def step(self, window_open_secs: float) -> None:
        """Do what is due so long after the window opened (negative: it has not).

        Raises RunError when a fault cannot be carried out or healed.
        """
        while self._due and self._due[0].due_ms <= window_open_secs * 1000:
            injection = self._due.pop(0)
            if window_open_secs >= self._window_secs:
                self._note(injection, "skipped", "its time came when the window was over")
                continue
            if self._fault_of(injection).target != "host" and self._striking(injection):
                self._note(injection, "skipped", "the one before was still at work")
                continue
            play = self._fault_of(injection).play(self._stage, injection)
            self._at_work.append((injection, play))
        if window_open_secs >= self._window_secs:
            for injection in self._due:
                self._note(injection, "skipped", "the window was over")
            self._due = []
        for one in list(self._at_work):
            self._advance(*one)

    def close(self) -> None:
        """Heal everything that is at work, however it goes."""
        for injection, play in self._at_work:
            try:
                play.close()
            except Exception as error:  # noqa: BLE001 - the others must be healed too
                # No `ended` is noted: the recording says that it was never healed.
                self._tell(f"{injection.spec.text} could not be healed: {in_words(error)}")
            else:
                self._over(injection, "cut off with the cell")
        self._at_work, self._due = [], []

    def _fault_of(self, injection: Injection) -> Fault:
        return self._faults[injection.spec.text]

    def _striking(self, injection: Injection) -> bool:
        return any(other.spec.text == injection.spec.text for other, _ in self._at_work)

    def _advance(self, injection: Injection, play: Play[str | None]) -> None:
        def began(detail: str, *, skew_ms: int = 0) -> None:
            self._begun.add(injection.number)
            self._note(injection, "began", detail, skew_ms)
            self._tell(f"fault {injection.spec.name}: {detail}")

        self._stage.began = began
        self._at_work.remove((injection, play))
        try:
            next(play)
        except StopIteration as end:
            self._over(injection, end.value or "")
        except SkippedError as reason:
            self._note(injection, "skipped", str(reason))
            self._tell(f"fault {injection.spec.name} skipped: {reason}")
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"fault {injection.spec.text} failed: {in_words(error)}") from error
        else:
            self._at_work.append((injection, play))

    def _over(self, injection: Injection, detail: str = "") -> None:
        if injection.number in self._begun:
            self._note(injection, "ended", detail)

    def _note(
        self, injection: Injection, what: FaultMoment, detail: str = "", skew_ms: int = 0
    ) -> None:
        fault = self._fault_of(injection)
        self._records.write(
            FaultEvent(
                self._now_ns(),
                injection.number,
                injection.spec.name,
                what,
                spec=injection.spec.text,
                due_ms=injection.due_ms,
                target=injection.target,
                detail=detail,
                refuses=fault.refuses,
                harmless=fault.harmless,
                skew_ms=skew_ms,
            )
        )
