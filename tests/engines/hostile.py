"""Workflows that hand on whatever breaks where values are not taken exactly, for `test_hostile_values`.

Everything goes by hand, one step after another: Duroxide 0.2.2 changes values within `all` and `race`
(numbers past 2^64 become floats there).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

Steps = Generator[Any, Any, Any]

DEEP: Any = "at the bottom"
for _ in range(97):  # the outputs hold it three levels down, and 100 are the limit
    DEEP = [DEEP]

TEXTS = [
    "",
    "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "'\"`\\ \\u0041 %s {0} $any $1",
    "\x1b[31mred\x1b[0m\r\n</script><!-- --]]>",
    "\u2028\u2029\ufeff\u202egnp.exe\ufffe\uffff",
    "e\u0301 é \U0001f469\u200d\U0001f4bb \U00010000\U0010ffff",
    "null",
    "123",
    '{"ok": 1}',
]
VALUES: list[Any] = [
    *TEXTS,
    *(None, True, False, 0, 1, [], {}, [[]], [None], {"": None}),
    *(2**53 - 1, 2**53, 2**53 + 1, 2**63, -(2**63) - 1, 2**64 - 1, 2**64, 2**64 + 1, 10**4000 + 1),
    *(0.0, -0.0, 1.0, 0.1, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 9007199254740992.0),
    {"ok": 1, "err": 2, "$value": 3, "\0": 4, "a.b": 5, "\U0001f469": 6, "__proto__": {}},
    DEEP,
    "x" * 20_000,
]


def echo(ctx: Any, given: Any) -> Any:
    """What came, as it came."""
    return given


def fail(ctx: Any, words: str) -> None:
    """Fail with words of the caller's."""
    raise ValueError(words)


def child(ctx: Any, given: Any) -> Steps:
    """What came, through an activity."""
    return (yield ctx.schedule_activity("echo", given))


def carry(ctx: Any, given: dict[str, Any]) -> Steps:
    """Each value alone through an activity, all at once through children, texts through errors."""
    activities, errors = [], []
    for value in given["values"]:
        activities.append((yield ctx.schedule_activity("echo", value)))
    for words in TEXTS[1:6]:
        try:
            yield ctx.schedule_activity("fail", words)
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions
            errors.append(str(error))
    plain = yield ctx.schedule_sub_orchestration("child", given["values"])
    named = yield ctx.schedule_sub_orchestration_with_id("child", given["id"], given["values"])
    try:
        again = yield ctx.schedule_sub_orchestration_with_id("child", given["id"], None)
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions
        again = "already exists" in str(error)
    return {"activities": activities, "errors": errors, "children": [plain, named], "again": again}


def doomed(ctx: Any, words: str) -> Steps:
    """Fail as an orchestration."""
    raise ValueError(words)
    yield  # a generator, as all orchestrations are


class Registered:
    """The code that all of these scenarios share."""

    name = "hostile"

    def register(self, runtime: Any) -> None:
        """As in production."""
        runtime.register_activity("echo", echo)
        runtime.register_activity("fail", fail)
        for orchestration in (child, carry, doomed):
            runtime.register_orchestration(orchestration.__name__, orchestration)


class Hostile(Registered):
    """Every instance carries every value; ids of children are empty, huge, or anything else."""

    values: ClassVar[list[Any]] = VALUES

    def start(self, i: int) -> tuple[str, Any]:
        """All of them at once."""
        ids = ["", "h" * 100_000, "\0\n\x1b[31m</script>\"'\u2028::\U0001f469"]
        name = ids[i] if i < len(ids) else f"any::{i}"
        return "carry", {"values": VALUES, "id": name}

    def expected(self, i: int) -> Any:
        """All of them, and not a bit changed."""
        told = "Activity 'fail' call failed: ValueError: "
        return {
            "activities": self.values,
            "errors": [told + words for words in TEXTS[1:6]],
            "children": [VALUES, VALUES],
            "again": True,
        }


class OneOff(Hostile):
    """Expects the number beside the one that comes."""

    values: ClassVar[list[Any]] = [
        2**53 if value == 2**53 + 1 and type(value) is int else value for value in VALUES
    ]


class Doomed(Registered):
    """Fails with awkward words, which a predicate is given as they are."""

    def start(self, i: int) -> tuple[str, Any]:
        """Fail with one of the texts."""
        return "doomed", TEXTS[1 + i % 5]

    def accepts(self, i: int, status: str, output: Any, error: str) -> str | None:
        """Every third is complained of, in the same words."""
        words = TEXTS[1 + i % 5]
        if status != "Failed" or f"ValueError: {words}" not in error:
            return f"ended {status} with {error!a}"
        return words if i % 3 == 2 else None


class Late(Registered):
    """The fourth instance's input cannot be carried."""

    def start(self, i: int) -> tuple[str, Any]:
        """Small things, and then a NaN."""
        return "child", {"number": float("nan") if i == 3 else i}

    def expected(self, i: int) -> Any:
        """As it came."""
        return {"number": i}
