"""Name → provider: one visible dict, an entry-point group, or a user's `package.module:Name`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import cast

from duroxide_stress.errors import UsageError, in_words, unknown_name
from duroxide_stress.plugins import load_object, make_object
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.postgres import Postgres
from duroxide_stress.providers.reference import Reference
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite

PROVIDERS: dict[str, Callable[[], Provider]] = {
    "sqlite-memory": InMemorySqlite,
    "sqlite-file": FileSqlite,
    "postgres": Postgres,
    "reference": Reference,
}
ENTRY_POINT_GROUP = "duroxide_stress.providers"


def provider_names() -> list[str]:
    """The built-in names, then those that installed packages offer."""
    offered = sorted({e.name for e in entry_points(group=ENTRY_POINT_GROUP)} - set(PROVIDERS))
    return [*PROVIDERS, *offered]


def provider_named(reference: str) -> Provider:
    """Make the provider a name or a `package.module:Name` stands for.

    `Name` may be a class or function to call without arguments, or a ready object.
    Raises UsageError when it cannot be found, made, or is no Provider.
    """
    if reference in PROVIDERS:
        return PROVIDERS[reference]()
    if ":" in reference:
        return _provider(load_object("provider", reference, REQUIRED, GUIDE))
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=reference):
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"provider {reference!r} cannot be loaded: {in_words(error)}"
            ) from error
        return _provider(make_object("provider", reference, found, REQUIRED, GUIDE))
    own = "a provider of your own as package.module:Name"
    raise UsageError(unknown_name("provider", reference, provider_names(), own))


def _provider(made: object) -> Provider:
    return cast("Provider", made)


REQUIRED = ("name", "label", "engine", "shared", "create", "connect", "destroy")
GUIDE = "docs/provider-implementation-guide.md"
