"""How faults are written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.errors import UsageError
from duroxide_stress.faults.registry import FAULTS, misfit, read_fault, timing_problems
from duroxide_stress.faults.settings import Setting, read
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.registry import provider_named

SETTINGS = (
    Setting("for", "duration", "", 3.0, 0.05, 60, ("longer-than-lock",)),
    Setting("jump", "duration", "", None, -60, 60, signed=True),
    Setting("rate", "size", "", None, 1, 1e9),
    Setting("share", "number", "", None, 0, 1),
    Setting("mode", "word", "", "fast", words=("fast", "immediate")),
)


def test_defaults_and_values() -> None:
    """A word stands for the setting that knows it; what is not said has its default, or is not there."""
    assert read("f", SETTINGS).values == {"for": 3.0, "mode": "fast"}
    text = "f:for=500ms,jump=-2s,rate=1.5MB/s,share=0.25,immediate"
    assert read(text, SETTINGS).values == {
        "for": 0.5, "jump": -2.0, "rate": 1.5e6, "share": 0.25, "mode": "immediate",
    }  # fmt: skip
    assert read("f:longer-than-lock", SETTINGS).values["for"] == "longer-than-lock"
    assert read("f:for=longer-than-lock", SETTINGS).secs("for") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("f:fro=1s", "unknown setting of f 'fro': did you mean 'for'?"),
        ("f:longer", "unknown setting of f 'longer': did you mean 'longer-than-lock'?"),
        ("f:for=soon", "fault f: for must be longer-than-lock, or a duration with its unit "
                       "between 50ms and 1m, found 'soon'"),
        ("f:for=2m", "fault f: for must be longer-than-lock, or a duration with its unit "
                     "between 50ms and 1m, found '2m'"),
        ("f:for=-1s", "fault f: for must be longer-than-lock, or a duration with its unit "
                      "between 50ms and 1m, found '-1s'"),
        ("f:for=2", "fault f: for must be longer-than-lock, or a duration with its unit "
                    "between 50ms and 1m, found '2'"),
        ("f:for", "fault f: for needs a value, for example f:for=2s"),
        ("f:share=2", "fault f: share must be a number between 0 and 1, found '2'"),
        ("f:share=nan", "fault f: share must be a number between 0 and 1, found 'nan'"),
        ("f:rate=fast", "fault f: rate must be a size between 1B and 1GB, found 'fast'"),
        ("f:mode=slow", "fault f: mode must be fast or immediate, found 'slow'"),
        ("f:for=1s,longer-than-lock", "fault 'f:for=1s,longer-than-lock': for is given twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(text: str, problem: str) -> None:
    """With what would be right."""
    with pytest.raises(UsageError) as error:
        read(text, SETTINGS)
    assert error.value.problems == (problem,)


def test_all_mistakes_at_once() -> None:
    """Every setting that is wrong is told."""
    with pytest.raises(UsageError) as error:
        read_fault("kill:every=1s,at=2s,down=never,foo")
    assert len(error.value.problems) == 3


def test_an_unknown_fault() -> None:
    """With the nearest right one."""
    with pytest.raises(UsageError, match="unknown fault 'kil': did you mean 'kill'"):
        read_fault("kil:every=1s")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never anything but a UsageError."""
    try:
        fault, spec = read_fault(text)
    except UsageError:
        return
    assert fault.name == spec.name


def test_a_fault_that_would_never_strike() -> None:
    """Its time lies beyond the window."""
    config = StressTestConfig(duration_secs=10)
    for text in ("kill:at=10s", "kill:every=1m"):
        (problem,) = timing_problems(*read_fault(text), config)
        assert "would never strike" in problem
    assert timing_problems(*read_fault("kill:at=9s"), config) == []


def test_what_fits_where() -> None:
    """Processes can be struck where several share a store; virtual hosts by what the reference knows."""
    kill, rolling = FAULTS["kill"], FAULTS["rolling-restart"]
    assert misfit(kill, provider_named("sqlite-file")) == ""
    assert "one process" in misfit(kill, provider_named("sqlite-memory"))
    assert misfit(kill, provider_named("reference")) == ""
    assert "only kill and pause" in misfit(rolling, provider_named("reference"))


def test_every_fault_describes_itself() -> None:
    """Its settings with defaults and limits, for the list."""
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.summary.endswith(".")
        for setting in fault.all_settings:
            assert setting.meaning in setting.describe()
            if setting.default is not None:
                assert setting.read(setting.show(setting.default)) == setting.default
