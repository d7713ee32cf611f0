"""The ledger's file: appended to, never lost by what is wrong in it."""

import errno
import fcntl
import os
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.ledger.store import FILE, Ledger
from unit.ledger.made_up import HOSTILE, cell, entry, replace


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A new one, below a directory that is not there yet."""
    made = Ledger(tmp_path / "a" / "ledger")
    made.prepare()
    return made


def ids(ledger: Ledger) -> list[str]:
    """Of what can be read."""
    return [entry.id for entry in ledger.read().entries]


def test_what_is_filed_is_read(ledger: Ledger) -> None:
    """In the order in which the runs began, whenever they were filed."""
    late, early = entry(2, cell()), entry(1, cell(), label=HOSTILE)
    assert ledger.append(late)
    assert ledger.append(early)
    assert ledger.read() == ((early, late), ())
    assert len(ledger.path.read_bytes().splitlines()) == 2


def test_a_run_is_filed_once(ledger: Ledger) -> None:
    """The second time is noticed, also after other runs, and leaves the file as it is."""
    for number in (1, 2):
        ledger.append(entry(number, cell()))
    before = ledger.path.read_bytes()
    assert not ledger.append(entry(1, cell(99.0), label="again"))
    assert ledger.path.read_bytes() == before


@pytest.mark.parametrize("kept", [1, 40, 300])
def test_a_torn_last_line_costs_only_itself(ledger: Ledger, kept: int) -> None:
    """It is named, and the next entry begins on a line of its own."""
    ledger.append(entry(1, cell()))
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + whole[:kept])
    assert ids(ledger) == ["00000001"]
    (problem,) = ledger.read().problems
    assert problem == (
        "line 2 of the ledger is damaged and left out: it was cut off, probably while it was written"
    )
    ledger.append(entry(2, cell()))
    assert ids(ledger) == ["00000001", "00000002"]
    assert len(ledger.read().problems) == 1


def test_an_entry_without_its_newline_is_whole(ledger: Ledger) -> None:
    """As an editor may leave it."""
    ledger.append(entry(1, cell()))
    ledger.path.write_bytes(ledger.path.read_bytes().rstrip(b"\n"))
    ledger.append(entry(2, cell()))
    assert ids(ledger) == ["00000001", "00000002"]
    assert ledger.read().problems == ()


@pytest.mark.parametrize(
    "damage",
    [b"{}", b"\xff\xfe", b"[1]", b"null", b'{"format": 1}', b"[" * 5000, b'{"format":1,"id":7}'],
)
def test_a_damaged_line_in_the_middle_costs_only_itself(ledger: Ledger, damage: bytes) -> None:
    """Whatever it is; it is named with its number."""
    ledger.append(entry(1, cell()))
    with ledger.path.open("ab") as file:
        file.write(damage + b"\n\n")
    ledger.append(entry(2, cell()))
    assert ids(ledger) == ["00000001", "00000002"]
    (problem,) = ledger.read().problems
    assert problem.startswith("line 2 of the ledger is damaged and left out: ")


def test_a_newer_entry_is_left_out_with_a_sentence(ledger: Ledger) -> None:
    """Even one that this version could not decode."""
    ledger.append(entry(1, cell()))
    with ledger.path.open("ab") as file:
        file.write(b'{"format": 2, "id": {"new": "kind"}}\n')
    assert ledger.read().problems == (
        "line 2 of the ledger has format 2 and is left out, this version reads up to 1: "
        "upgrade duroxide-stress to read it",
    )
    assert ids(ledger) == ["00000001"]


def test_two_ledgers_that_were_joined_have_each_run_once(ledger: Ledger) -> None:
    """The second copy is named."""
    ledger.append(entry(1, cell()))
    ledger.path.write_bytes(ledger.path.read_bytes() * 2)
    assert ids(ledger) == ["00000001"]
    assert ledger.read().problems == (
        "line 2 of the ledger is left out: 00000001 is filed before it",
    )


def test_no_password_is_filed(ledger: Ledger) -> None:
    """Wherever the URL of a database stands."""
    url = "postgresql://me:geheim@db/x"
    ledger.append(entry(1, cell(provider=url, reasons=(url,)), label=url, command=f"run {url}"))
    content = ledger.path.read_bytes()
    assert b"geheim" not in content
    assert content.count(b"postgresql://me:***@db/x") == 4


def test_a_full_disk_leaves_the_ledger_as_it_was(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of a line is taken back, and the caller is told."""
    ledger.append(entry(1, cell()))
    before = ledger.path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda number, data: write(number, data[:50]))
    with pytest.raises(OSError, match="No space left"):
        ledger.append(entry(2, cell()))
    assert ledger.path.read_bytes() == before


def test_what_is_no_ledger_is_said(tmp_path: Path) -> None:
    """A file in its place, a directory without one, none at all."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file: name a directory"):
        Ledger(tmp_path / "file").prepare()
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        Ledger(tmp_path / "file" / "below").prepare()
    for name in ("file", "none", "."):
        with pytest.raises(UsageError, match=f"it has no {FILE}, which filing a run makes"):
            Ledger(tmp_path / name).read()
    (tmp_path / "odd" / FILE).mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        Ledger(tmp_path / "odd").prepare()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        Ledger(tmp_path / "odd").read()


def test_an_empty_ledger_has_no_entries(ledger: Ledger) -> None:
    """And nothing wrong with it."""
    assert ledger.read() == ((), ())


def test_an_older_entry_may_lack_what_came_later(ledger: Ledger) -> None:
    """Fields with a default; and one may have more than this version knows."""
    lines = msgspec.to_builtins(entry(1, cell()))
    del lines["cells"][0]["reasons"]
    lines["weather"] = "fine"
    ledger.path.write_bytes(msgspec.json.encode(lines))
    assert ledger.read().entries == (replace(entry(1, cell())),)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "\x1b[31mX"}, "its id '\\x1b[31mX' is not eight hexadecimal digits"),
        ({"id": "0000000A"}, "its id '0000000A' is not eight hexadecimal digits"),
        ({"id": "00000009\n"}, "its id '00000009\\n' is not eight hexadecimal digits"),
        ({"started_ns": 10**30}, "it began or was filed at a moment that cannot be"),
        ({"started_ns": -1}, "it began or was filed at a moment that cannot be"),
        ({"filed_at_ns": 2**63}, "it began or was filed at a moment that cannot be"),
        ({"cells": (cell(1e308),)}, "its 'throughput' of 1e+308 cannot be"),
        ({"cells": (cell(), cell(-1e18))}, "its 'throughput' of -1e+18 cannot be"),
    ],
)
def test_what_no_filed_run_can_have_is_damage(
    ledger: Ledger, fields: dict[str, object], said: str
) -> None:
    """It is named and left out, so that no report meets it; the others stay."""
    ledger.append(entry(1, cell()))
    with ledger.path.open("ab") as file:
        file.write(msgspec.json.encode(replace(entry(2, cell()), **fields)) + b"\n")
    ledger.append(entry(3, cell()))
    assert ids(ledger) == ["00000001", "00000003"]
    assert ledger.read().problems == (f"line 2 of the ledger is damaged and left out: {said}",)


def test_without_a_lock_nothing_is_taken_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might be another writer's entry that goes: the torn line stays, and the next ends it."""

    def no_lock(number: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    ledger.append(entry(1, cell()))
    before = ledger.path.read_bytes()
    monkeypatch.setattr(fcntl, "flock", no_lock)
    with monkeypatch.context() as full:
        write = os.write
        full.setattr(os, "write", lambda number, data: write(number, data[:50]))
        with pytest.raises(OSError, match="No space left"):
            ledger.append(entry(2, cell()))
    assert len(ledger.path.read_bytes()) == len(before) + 50
    ledger.append(entry(3, cell()))
    assert ids(ledger) == ["00000001", "00000003"]
