"""Names lead to engines, each imported only when it is used."""

import pytest

from duroxide_stress.engines import registry
from duroxide_stress.engines.registry import ENGINES, engine_named
from duroxide_stress.errors import UsageError


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_answers_to_its_name(name: str) -> None:
    """The name is its own, and its version names it."""
    engine = engine_named(name)
    assert engine.name == name
    assert engine.version().startswith(f"{name} ")


def test_an_unknown_engine_is_answered_with_the_nearest() -> None:
    """One sentence, no traceback."""
    with pytest.raises(UsageError, match="unknown engine 'duroxid': did you mean 'duroxide'"):
        engine_named("duroxid")


def test_an_engine_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The missing package is a sentence, not a traceback."""
    monkeypatch.setitem(registry.ENGINES, "other", "other_engine_that_is_absent:Engine")
    with pytest.raises(
        UsageError, match=r"engine 'other' is not installed here.*pip install other"
    ):
        engine_named("other")
