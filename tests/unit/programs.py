"""Random programs and random JSON values, for properties that must hold of all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from duroxide_stress.program import Activity, Parallel, Sequence

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)

ACTIVITIES = st.builds(Activity, delay_ms=st.integers(0, 30))


def _several(members: st.SearchStrategy, kind: type) -> st.SearchStrategy:
    return st.builds(kind, st.lists(members, max_size=4).map(tuple))


PROGRAMS = st.recursive(
    ACTIVITIES | _several(ACTIVITIES, Parallel),
    lambda inner: _several(inner, Sequence),
    max_leaves=8,
)
