"""Objects of the user's own, named `package.module:Name` on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from duroxide_stress.errors import UsageError, in_words


def load_object(kind: str, reference: str, required: Sequence[str], guide: str) -> object:
    """Import and make what `package.module:Name` stands for: a `kind` for messages.

    `Name` may be a class or function to call without arguments, or a ready object; it must have the
    `required` attributes. Raises UsageError with one sentence when anything about it is not so.
    """
    return make_object(kind, reference, _imported(kind, reference), required, guide)


def make_object(
    kind: str, reference: str, found: object, required: Sequence[str], guide: str
) -> object:
    """Call a class or factory, leave a ready object alone, and see that it has what is required."""
    ready = not isinstance(found, type) and not _missing(found, required)
    try:
        made = found if ready or not callable(found) else found()
    except (Exception, SystemExit) as error:
        raise UsageError(f"{kind} {reference!r} cannot be made: {in_words(error)}") from error
    if missing := _missing(made, required):
        raise UsageError(
            f"{kind} {reference!r} is not a {kind}: it has no {', '.join(missing)}; "
            f"{guide} shows a whole one"
        )
    return made


def _imported(kind: str, reference: str) -> object:
    module_name, _, attribute = reference.partition(":")
    try:
        found: object = import_module(module_name)
    except ImportError as error:
        raise UsageError(
            f"{kind} {reference!r}: module {module_name!r} cannot be imported: {error}"
        ) from error
    except (Exception, SystemExit) as error:  # a script without a main guard may well exit
        raise UsageError(
            f"{kind} {reference!r}: importing {module_name!r} failed: {in_words(error)}"
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [n for n in dir(import_module(module_name)) if n[0].isupper()]
            raise UsageError(
                f"{kind} {reference!r}: {module_name!r} has no {attribute!r}; "
                f"it has: {', '.join(names) or 'no class'}"
            )
        found = getattr(found, part)
    return found


def _missing(found: object, required: Sequence[str]) -> list[str]:
    return [name for name in required if not hasattr(found, name)]
