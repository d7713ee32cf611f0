"""What a node says when it cannot go on."""

import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.nodes.messages import Failed


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UsageError("start(3) is no start"), Failed("start(3) is no start", refused=True)),
        (UsageError(["one", "two"]), Failed("one\ntwo", refused=True)),
        (RunError("no store"), Failed("no store")),
        (ValueError("no\nnumber"), Failed("ValueError: no number")),
        (RuntimeError("at sql://me:secret@host/x"), Failed("RuntimeError: at sql://me:***@host/x")),
    ],
)
def test_what_is_the_users_to_mend_is_told_apart(error: Exception, message: Failed) -> None:
    """Sentences of ours stay as they are, other exceptions are named; passwords stay out."""
    assert Failed.by(error) == message
