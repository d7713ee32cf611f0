"""Messages that are not what was sent, or not where, or not once."""

from __future__ import annotations

from typing import Any

import msgspec

from duroxide_stress.engines.reference.instance import Instance, Mail, Message
from duroxide_stress.selftest.planted import Bug, Planted


def _sent(message: Message, number: int) -> bool:
    """Whether it is that message of the first sender."""
    return isinstance(message, Mail) and message.data == {"sender": "sender-0", "number": number}


class ReorderedQueue(Planted):
    """A message overtakes an earlier one of its sender."""

    every = 4

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, Message] = {}

    def send(self, instance: Instance, message: Message) -> None:
        if _sent(message, 0) and self.strikes(instance.name):
            self._held[instance.name] = message
            return
        super().send(instance, message)
        if _sent(message, 1) and instance.name in self._held:
            super().send(instance, self._held.pop(instance.name))


class DoubledMessage(Planted):
    """A message is put into its queue twice."""

    every = 4

    def send(self, instance: Instance, message: Message) -> None:
        super().send(instance, message)
        if _sent(message, 1) and self.strikes(instance.name):
            super().send(instance, message)


class AlteredMessage(Planted):
    """A message arrives with another content than it was sent with."""

    every = 4

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Mail) and _sent(message, 1) and self.strikes(instance.name):
            message = msgspec.structs.replace(message, data={"sender": "sender-0", "number": 77})
        super().send(instance, message)


class WrongAddress(Planted):
    """A message is delivered to another instance than it was sent to."""

    every = 4

    def send(self, instance: Instance, message: Message) -> None:
        if _sent(message, 0) and self.strikes(instance.name):
            others = (
                other
                for other in self.instances.values()
                if other is not instance
                and other.orchestration == instance.orchestration
                and other.status == "Running"
            )
            instance = next(others, instance)
        super().send(instance, message)


class LostMessage(Planted):
    """A message is acknowledged and never delivered."""

    every = 4

    def send(self, instance: Instance, message: Message) -> None:
        if not (_sent(message, 1) and self.strikes(instance.name)):
            super().send(instance, message)


_SHORT: dict[str, Any] = {"duration_secs": 0.2}

BUGS = (
    Bug("lost message", "durability", "events", LostMessage, config=_SHORT),
    Bug("reordered queue", "messages", "events", ReorderedQueue, config=_SHORT),
    Bug("doubled message", "messages", "events", DoubledMessage, config=_SHORT),
    Bug("altered message", "messages", "events", AlteredMessage, config=_SHORT),
    Bug("message to the wrong instance", "messages", "events", WrongAddress, config=_SHORT),
)
