"""Name → provider: one visible dict, an entry-point group, or a user's `package.module:Name`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from duroxide_stress.errors import UsageError, in_words, unknown_name
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.reference import Reference
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite

PROVIDERS: dict[str, Callable[[], Provider]] = {
    "sqlite-memory": InMemorySqlite,
    "sqlite-file": FileSqlite,
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
        return _made(reference, _imported(reference))
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=reference):
        try:
            found = entry.load()
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"provider {reference!r} cannot be loaded: {in_words(error)}"
            ) from error
        return _made(reference, found)
    problem = unknown_name("provider", reference, provider_names())
    raise UsageError(f"{problem}; or a provider of your own as package.module:Name")


def _imported(reference: str) -> object:
    module_name, _, attribute = reference.partition(":")
    try:
        found: object = import_module(module_name)
    except ImportError as error:
        raise UsageError(
            f"provider {reference!r}: module {module_name!r} cannot be imported: {error}"
        ) from error
    except (Exception, SystemExit) as error:  # a script without a main guard may well exit
        raise UsageError(
            f"provider {reference!r}: importing {module_name!r} failed: {in_words(error)}"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [n for n in dir(import_module(module_name)) if n[0].isupper()]
            raise UsageError(
                f"provider {reference!r}: {module_name!r} has no {attribute!r}; "
                f"it has: {', '.join(names) or 'no class'}"
            )
        found = getattr(found, part)
    return found


def _made(reference: str, found: object) -> Provider:
    ready = not isinstance(found, type) and _missing(found) == []
    try:
        provider = found if ready or not callable(found) else found()
    except (Exception, SystemExit) as error:
        raise UsageError(f"provider {reference!r} cannot be made: {in_words(error)}") from error
    if missing := _missing(provider):
        raise UsageError(
            f"provider {reference!r} is not a provider: it has no {', '.join(missing)}; "
            "docs/provider-implementation-guide.md shows a whole one"
        )
    return cast("Provider", provider)


_REQUIRED = ("name", "label", "engine", "shared", "create", "connect", "destroy")


def _missing(found: object) -> list[str]:
    return [name for name in _REQUIRED if not hasattr(found, name)]
