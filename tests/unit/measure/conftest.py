"""A recording to be written by hand."""

import pytest

from recordings.make import Recorded

from .by_hand import ByHand


@pytest.fixture
def by_hand(recorded: Recorded) -> ByHand:
    """An empty cell with a window of ten seconds."""
    return ByHand(recorded)
