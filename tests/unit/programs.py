"""Random programs and random JSON values, for properties that must hold of all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from duroxide_stress.oracle import ANY
from duroxide_stress.program import (
    Activity,
    Attempt,
    Child,
    Fail,
    Generations,
    Json,
    Parallel,
    Program,
    Publish,
    Race,
    Retry,
    Sequence,
    Timer,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
ROOT, CALM, WILD = "one", "calm", "wild"
FAR_MS = 10_000
"""A timeout that no activity here comes near."""

_DELAYS = st.integers(0, 30)
_PLAIN = st.builds(Activity, delay_ms=_DELAYS, payload_bytes=st.just(0) | st.integers(1, 40))
_TIMERS = st.builds(Timer, _DELAYS)


@st.composite
def _recovering(draw: st.DrawFn) -> Activity:
    """An activity whose policy allows for its failures."""
    fails = draw(st.integers(0, 2))
    timeout_ms = draw(st.none() | st.just(FAR_MS))
    retry = Retry(draw(st.integers(fails + 1, 4)), timeout_ms)
    return Activity(draw(_DELAYS), fails, retry, draw(st.integers(0, 40)))


@st.composite
def _doomed(draw: st.DrawFn) -> Activity:
    """An activity that fails for good, or outlasts its timeout every time."""
    attempts = draw(st.integers(1, 3))
    if draw(st.booleans()):
        return Activity(draw(st.integers(20, 30)), retry=Retry(attempts, timeout_ms=10))
    retry = Retry(attempts) if draw(st.booleans()) else None
    return Activity(draw(_DELAYS), fails=attempts, retry=retry)


def _calls(*names: str) -> st.SearchStrategy:
    return st.sampled_from(names).map(Child)


def _several(members: st.SearchStrategy, kind: type) -> st.SearchStrategy:
    return st.builds(kind, st.lists(members, max_size=4).map(tuple))


def _steps(
    leaves: st.SearchStrategy, others: st.SearchStrategy, max_leaves: int
) -> st.SearchStrategy:
    publish = st.builds(Publish, status=st.booleans())
    return st.recursive(
        leaves | _several(leaves, Parallel) | publish | others,
        lambda inner: _several(inner, Sequence) | st.builds(Attempt, body=inner, undo=inner),
        max_leaves=max_leaves,
    )


def _generations(body: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(Generations, st.integers(1, 3), body)


ACTIVITIES = _PLAIN | _recovering()
_SOUND = _steps(ACTIVITIES | _TIMERS, st.nothing(), 4)
"""Never fails, and comes out one way only."""
_CALM_CALLS = _calls(CALM)
_RACERS = _PLAIN | _TIMERS | _CALM_CALLS
_RACES = st.builds(Race, _RACERS, _RACERS)
"""Only what cannot fail races, and only what comes out one way is folded over generations: an
oracle could not say who fails, nor what the digest of either result is."""
_LEAVES = ACTIVITIES | _TIMERS | _doomed()
_CLOSED = _steps(_LEAVES | _CALM_CALLS, st.builds(Fail), 6)
_WILD = _steps(_LEAVES | _CALM_CALLS, _RACES | st.builds(Fail), 6)
_ROOT = _steps(_LEAVES | _calls(CALM, WILD), _RACES | st.builds(Fail), 8)

PROGRAMS: st.SearchStrategy[dict[str, Program]] = st.fixed_dictionaries(
    {
        CALM: _SOUND | _generations(_SOUND),
        WILD: _WILD | _generations(_CLOSED),
        ROOT: _ROOT | _generations(_CLOSED),
    }
)
"""`ROOT`, and the two that it may call: `CALM`, which never fails, and `WILD`."""


def fits(expected: Json, actual: Json) -> bool:
    """Whether a value is an expected one, where `{"$any": [...]}` stands for either of several."""
    match expected:
        case {"$any": [*several]} if len(expected) == 1:
            return any(fits(one, actual) for one in several)
        case dict():
            return expected.keys() == actual.keys() and all(
                fits(item, actual[key]) for key, item in expected.items()
            )
        case list():
            return len(expected) == len(actual) and all(map(fits, expected, actual))
        case _:
            return type(expected) is type(actual) and expected == actual


def is_open(expected: Json) -> bool:
    """Whether an expected value leaves something to timing."""
    match expected:
        case dict():
            return ANY in expected or any(map(is_open, expected.values()))
        case list():
            return any(map(is_open, expected))
        case _:
            return False
