"""Another tenant and an aged store: what is asked of their processes, and what those do to a store."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.faults import aged, load, tenant
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.load import AGED, TENANT
from duroxide_stress.faults.registry import misfit, read_fault, timing_problems
from duroxide_stress.faults.schedule import schedule
from duroxide_stress.faults.settings import read
from duroxide_stress.faults.storm import Storm
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.postgres import Postgres
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite
from duroxide_stress.recording.records import is_aged

from .hand import Bench
from .test_storm import Rows

CONFIG = StressTestConfig(duration_secs=10, warmup_secs=2)
BEGUN, LEFT = tenant.Begun("in a place"), tenant.Left(2_000, 3)


def test_when_they_strike() -> None:
    """A tenant works through the whole window, unless its time is said; an aged store has no time."""
    due = {
        text: [one.due_ms for one in schedule([read_fault(text)], CONFIG)]
        for text in ("tenant", "tenant:at=1s", "tenant:for=1s", "aged")
    }
    drawn = due.pop("tenant:for=1s")
    assert due == {"tenant": [0], "tenant:at=1s": [1_000], "aged": [0]}
    assert len(drawn) == 1
    assert 2_500 <= drawn[0] <= 5_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tenant:every=2s", "every needs for"),
        ("tenant:sessions=1.5", "sessions must be a whole number, found 1.5"),
        ("aged:instances=1000.5", "instances must be a whole number, found 1000.5"),
        ("tenant:at=10s", "would never strike"),
    ],
)
def test_settings_that_do_not_go_together(text: str, words: str) -> None:
    """Said before anything starts."""
    (problem,) = timing_problems(*read_fault(text), CONFIG)
    assert words in problem


@pytest.mark.parametrize(
    "text", ["tenant:sessions=0", "tenant:sessions=65", "aged:instances=99", "aged:at=1s"]
)
def test_settings_out_of_bounds(text: str) -> None:
    """Refused with what would be right."""
    with pytest.raises(UsageError):
        read_fault(text)


@pytest.mark.parametrize("fault", [TENANT, AGED])
def test_what_they_can_strike(fault: Fault) -> None:
    """Stores that a second process can write to."""
    assert misfit(fault, FileSqlite()) == misfit(fault, Postgres()) == ""
    assert misfit(fault, InMemorySqlite())


class HandAide:
    """A process that does at once what it is asked, or what the test has planned for it."""

    all: ClassVar[list[HandAide]] = []
    says: ClassVar[list[msgspec.Struct]] = []
    ends_well: ClassVar[list[bool]] = []

    def __init__(self, module: str, order: Any, log: Path) -> None:
        self.module, self.order, self.gone = module, order, False
        self._well: bool | None = None
        self.all.append(self)

    def spoke(self, within_secs: float = 0) -> bool:
        return True

    def hear(self) -> bytes:
        return msgspec.json.encode(self.says.pop(0)) if self.says else b""

    def dismiss(self, secs: float) -> bool:
        self.gone = True
        if self._well is None:
            self._well = self.ends_well.pop(0) if self.ends_well else True
        return self._well

    def complaint(self) -> str:
        return "its last words"


@pytest.fixture(autouse=True)
def aides(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[HandAide]]:
    """Every process that was started."""
    monkeypatch.setattr(load, "Aide", HandAide)
    for kept in (HandAide.all, HandAide.says, HandAide.ends_well):
        kept.clear()
    yield HandAide.all


def ended(play: Play[str | None]) -> str | None:
    """What a play returns whose time is over; it still waits for threads."""
    while True:
        try:
            next(play)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def test_a_tenant_works_to_the_end_of_the_window(tmp_path: Path, aides: list[HandAide]) -> None:
    """It is asked once, told to go once, and its transactions are told at the end."""
    HandAide.says[:] = [BEGUN, LEFT]
    bench = Bench(tmp_path)
    bench.begin(TENANT, "tenant:sessions=2,pause=10ms")
    assert bench.details == ["another tenant works with 2 sessions in a place"]
    (one,) = aides
    assert one.order == tenant.Order("sqlite-file", str(tmp_path / "store.db"), 2, 0.01)
    assert not bench.over(9.9)
    assert not one.gone
    bench.now = 10.0
    told = "2,000 transactions of the other tenant committed (200/s), 3 refused"
    assert ended(bench.play) == told
    assert one.gone
    assert len(aides) == 1


def test_a_tenant_for_a_time(tmp_path: Path, aides: list[HandAide]) -> None:
    """Not longer than was said."""
    HandAide.says[:] = [BEGUN, tenant.Left(1, 0)]
    bench = Bench(tmp_path)
    bench.begin(TENANT, "tenant:sessions=1,for=2s")
    assert bench.details == ["another tenant works with 1 session in a place"]
    assert not bench.over(1.9)
    bench.now = 2.0
    assert ended(bench.play) == "1 transaction of the other tenant committed (0/s), 0 refused"


def test_a_tenant_that_cannot_begin_is_skipped(tmp_path: Path, aides: list[HandAide]) -> None:
    """With its own words; it has removed what it made."""
    with pytest.raises(SkippedError, match="could not begin: its last words"):
        Bench(tmp_path).begin(TENANT, "tenant")
    assert [one.gone for one in aides] == [True]


def test_what_a_dead_tenant_left_is_removed(tmp_path: Path, aides: list[HandAide]) -> None:
    """By a second process, which does nothing else."""
    HandAide.says[:], HandAide.ends_well[:] = [BEGUN], [False]
    bench = Bench(tmp_path)
    bench.begin(TENANT, "tenant")
    aides[0].gone = True
    with pytest.raises(RunError, match="the other tenant died: its last words"):
        bench.over(0.1)
    assert [one.order.sessions for one in aides] == [4, 0]


def test_a_tenant_that_is_cut_off(tmp_path: Path, aides: list[HandAide]) -> None:
    """It leaves; and it is said when it could not be made to."""
    HandAide.says[:], HandAide.ends_well[:] = [BEGUN, BEGUN], [True, False, False]
    bench = Bench(tmp_path)
    bench.begin(TENANT, "tenant")
    bench.play.close()
    assert [one.gone for one in aides] == [True]
    bench.begin(TENANT, "tenant")
    with pytest.raises(RunError, match="could not be removed: its last words"):
        bench.play.close()
    assert [one.order.sessions for one in aides[1:]] == [4, 0]


def test_what_a_play_returns_is_told_when_it_has_ended(tmp_path: Path) -> None:
    """As the detail of its last moment."""

    def play(stage: Stage, injection: Injection) -> Play[str | None]:
        stage.began("begun")
        yield
        return "all of it"

    fault, rows = Fault("counted", "", play), Rows()
    spec = read("counted:at=1s", fault.all_settings)
    injections = schedule([(fault, spec)], CONFIG)
    storm = Storm([(fault, spec)], injections, Bench(tmp_path).stage, rows, window_secs=10)  # type: ignore[arg-type]
    storm.step(1)
    storm.step(1.1)
    assert [(r.what, r.detail) for r in rows.rows[1:]] == [
        ("began", "begun"),
        ("ended", "all of it"),
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of two finished instances, and what else may stand in one."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("""
            PRAGMA journal_mode = WAL;
            CREATE TABLE instances (instance_id TEXT PRIMARY KEY, parent TEXT, turns INTEGER);
            CREATE TABLE history (instance_id TEXT, event_id INTEGER, data TEXT, raw BLOB,
                                  PRIMARY KEY (instance_id, event_id));
            CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT);
            CREATE TABLE sessions (session_id TEXT PRIMARY KEY, note TEXT);
            INSERT INTO instances VALUES ('aged-0', NULL, 1), ('other', NULL, 1);
            INSERT INTO history VALUES ('aged-0', 1, '{"id":"aged-0","at":7}', x'00ff'),
                                       ('aged-0', 2, '{"out":"x"}', NULL), ('other', 1, '{}', NULL);
            INSERT INTO queue (instance_id) VALUES ('aged-0');
            INSERT INTO sessions VALUES ('aged-0', 'no column of that name');
        """)
    return path


def test_rows_are_copied_in_a_file(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of the first, over several transactions; the id is another one also within texts."""
    monkeypatch.setattr(aged, "BATCH", 30)
    done = aged.copy_in_file(str(store), 100)
    assert (done.rows, done.bytes) == (99 * 4, store.stat().st_size)
    assert not store.with_name("store.db-wal").exists()
    with closing(sqlite3.connect(store)) as db:
        wanted = {"other", *(f"aged-{number}" for number in range(100))}
        assert {who for (who,) in db.execute("SELECT instance_id FROM instances")} == wanted
        rows = "SELECT event_id, data, raw FROM history WHERE instance_id = 'aged-99' ORDER BY 1"
        (first, second) = db.execute(rows).fetchall()
        assert (first[0], json.loads(first[1]), first[2]) == (
            1,
            {"id": "aged-99", "at": 7},
            b"\0\xff",
        )
        assert second == (2, '{"out":"x"}', None)
        assert db.execute("SELECT count(*), max(id) FROM queue").fetchone() == (100, 100)
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


@pytest.mark.parametrize(
    ("instance", "expected"),
    [("aged-0", True), ("aged-99999", True), ("aged-", False), ("aged-cheese", False),
     ("x-aged-1", False), ("aged-1::sub::2", False)],
)  # fmt: skip
def test_who_is_aged(instance: str, expected: bool) -> None:
    """Only what the aging itself made, so that nobody's own instances are left out."""
    assert is_aged(instance) is expected


def test_a_store_is_aged_before_the_load(tmp_path: Path, aides: list[HandAide]) -> None:
    """First the engine, then the copying, each in its process; the play says so and is over."""
    HandAide.says[:] = [aged.Done(), aged.Done(594, 3 << 20)]
    bench = Bench(tmp_path)
    assert AGED.before is not None
    with AGED.before(bench.stage, read("aged:instances=100", AGED.all_settings)):
        assert [(one.order.step, one.order.instances) for one in aides] == [
            ("live", 100),
            ("copy", 100),
        ]
        assert all(one.gone for one in aides)
        play = AGED.play(bench.stage, Injection(0, read("aged", AGED.all_settings), 0, "store", 0))
        assert ended(play) is None
    assert bench.details == [
        "100 finished instances (594 rows copied, 3 MiB) are in the store since before the first "
        "host; it took 0.0 s"
    ]


@pytest.mark.parametrize("said", [[], [aged.Done()]])
def test_a_store_that_cannot_be_aged(
    tmp_path: Path, aides: list[HandAide], said: list[msgspec.Struct]
) -> None:
    """The cell is not run as if it had been."""
    HandAide.says[:] = said
    assert AGED.before is not None
    with (
        pytest.raises(RunError, match="could not be aged: its last words"),
        AGED.before(Bench(tmp_path).stage, read("aged", AGED.all_settings)),
    ):
        pass
    assert len(aides) == len(said) + 1


def test_a_tenant_in_a_file(store: Path) -> None:
    """It keeps no more than its last rows, and leaves nothing."""
    with closing(sqlite3.connect(store)) as engine:
        schema = "SELECT sql FROM sqlite_master ORDER BY 1"
        before = engine.execute(schema).fetchall()
        home = tenant.home_of(tenant.Order("sqlite-file", str(store), 1))
        home.make()
        home.make()
        with closing(home.open()) as session:
            for number in range(1, 41):
                home.turn(session, number * tenant.ROWS)
        rows = engine.execute(f"SELECT count(*), min(length(body)) FROM {tenant.TABLE}").fetchone()
        assert rows == (tenant.KEPT * tenant.ROWS, tenant.ROW_BYTES)
        home.clear()
        home.clear()
        assert engine.execute(schema).fetchall() == before


class HandHome:
    """A place that refuses every third transaction, and is left after the twelfth."""

    where = "here"
    refusals = (ConnectionError,)

    def __init__(self, leave: threading.Event) -> None:
        self.leave, self.opened, self.firsts = leave, 0, list[int]()

    def open(self) -> HandHome:
        self.opened += 1
        return self

    def close(self) -> None:
        pass

    def turn(self, session: object, first: int) -> None:
        self.firsts.append(first)
        if len(self.firsts) == 12:
            self.leave.set()
        if len(self.firsts) % 3 == 0:
            raise ConnectionError

    def make(self) -> None:
        raise ConnectionError

    clear = make


def test_a_session_that_is_refused_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened anew, with rows that were not there before; what was refused is counted apart."""
    monkeypatch.setattr(tenant, "AGAIN_SECS", 0)
    leave = threading.Event()
    home = HandHome(leave)
    lodger = tenant.Tenant(home, tenant.Order("", "", 2), leave)  # type: ignore[arg-type]
    lodger.work(1)
    assert (lodger.committed, lodger.refused, home.opened) == ([0, 8], [0, 4], 4)
    assert home.firsts == [tenant.SESSION_IDS + tenant.ROWS * n for n in range(1, 13)]


def test_nobody_insists_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the time is over nor when nobody wants it any more."""
    monkeypatch.setattr(tenant, "AGAIN_SECS", 0)
    home = HandHome(threading.Event())
    for secs, enough in ((-1.0, False), (3_600.0, True)):
        with pytest.raises(ConnectionError):
            tenant.insist(home, home.make, secs, lambda enough=enough: enough)  # type: ignore
