"""The SDK's orchestration context without an engine behind it."""

from __future__ import annotations

from typing import Any

import msgspec
from duroxide.context import OrchestrationContext

from duroxide_stress.replay import grammar
from duroxide_stress.replay.desk import Desk, Step


class Kept(msgspec.Struct):
    """What an instance keeps from one execution to the next: its status, its keys and their age."""

    status: str | None = None
    keys: dict[str, str] = {}
    set_ms: dict[str, int] = {}


class ReplayContext(OrchestrationContext):  # type: ignore[misc] # the SDK is not typed
    """Schedules like the SDK's own, keeps status and keys itself. Tracing goes nowhere.

    `now_ms` is the time of the event that is being replayed.
    """

    def __init__(self, info: dict[str, Any], desk: Desk, kept: Kept) -> None:
        super().__init__(info)
        self._desk, self._kept = desk, kept
        self.now_ms = 0

    def set_custom_status(self, status: str) -> None:
        self._kept.status = str(status)
        self._desk.take(Step(grammar.STATUS))

    def reset_custom_status(self) -> None:
        self._kept.status = None
        self._desk.take(Step(grammar.STATUS))

    def get_custom_status(self) -> str | None:
        return self._kept.status

    def set_kv_value(self, key: str, value: str) -> None:
        self._kept.keys[str(key)] = str(value)
        self._kept.set_ms[str(key)] = self.now_ms
        self._desk.take(Step(grammar.KEY_SET, str(key)))

    def get_kv_value(self, key: str) -> str | None:
        return self._kept.keys.get(str(key))

    def get_kv_all_values(self) -> dict[str, str]:
        return dict(self._kept.keys)

    def get_kv_all_keys(self) -> list[str]:
        return sorted(self._kept.keys)

    def get_kv_length(self) -> int:
        return len(self._kept.keys)

    def clear_kv_value(self, key: str) -> None:
        self._kept.keys.pop(str(key), None)
        self._desk.take(Step(grammar.KEY_CLEARED, str(key)))

    def clear_all_kv_values(self) -> None:
        self._kept.keys.clear()
        self._desk.take(Step(grammar.KEYS_CLEARED))

    def prune_kv_values_updated_before(self, cutoff_ms: int) -> int:
        old = [key for key in self._kept.keys if self._kept.set_ms[key] < cutoff_ms]
        for key in old:
            self.clear_kv_value(key)
        return len(old)
