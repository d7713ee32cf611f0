"""From a directory of runs made in turn to their comparison. Everything it needs lies in files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.ledger.compare import Wanted, compare
from duroxide_stress.ledger.compare_result import Comparison
from duroxide_stress.ledger.compare_sources import CellSample, Source, read_result, source_of
from duroxide_stress.versus.turns import FORMAT, TURNS, Turns, every_turn


def read_turns(home: Path) -> Turns:
    """What was to be run in turn. Raises UsageError when `home` is no such directory."""
    path = home / TURNS
    if not path.is_file():
        raise UsageError(
            f"{home} was not recorded in turn: it has no {TURNS}; name two recordings to compare"
        )
    try:
        turns = msgspec.json.decode(path.read_bytes(), type=Turns)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    if turns.format > FORMAT:
        raise UsageError(
            f"{path} has format {turns.format}, this version reads up to {FORMAT}: "
            "upgrade duroxide-stress to read it"
        )
    return turns


def compare_turns(home: Path, turns: Turns, wanted: Wanted) -> Comparison:
    """Compare what there is; runs that were never made, or were cut off, do not count. What `wanted`
    leaves open is taken from the turns.

    Raises UsageError when there is no run of one side at all.
    """
    samples: dict[str, list[CellSample]] = {"base": [], "candidate": []}
    missing = 0
    for turn in every_turn(turns):
        directory = home / turn.directory
        if not (directory / "plan.json").is_file():
            missing += 1
            continue
        saved = directory / "result.json"
        result = read_result(saved) if saved.is_file() else judge_run(directory)
        side = source_of(turn.directory, result, directory, turn=turn.round)
        samples[turn.side] += [
            msgspec.structs.replace(sample, run=turn.directory, place=turn.number)
            for sample in side.samples
        ]
    if not samples["base"] or not samples["candidate"]:
        raise UsageError(f"{home} has no runs of both sides: there is nothing to compare")
    wanted = msgspec.structs.replace(
        wanted,
        across_settings=wanted.across_settings or turns.on_purpose,
        turns=turns.order,
        command=turns.command,
        interrupted=wanted.interrupted or missing > 0,
    )
    base = Source(turns.base.name, tuple(samples["base"]))
    return compare(base, Source(turns.candidate.name, tuple(samples["candidate"])), wanted)
