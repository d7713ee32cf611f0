"""Name → engine, each imported only when it is used."""

from __future__ import annotations

from importlib import import_module

from duroxide_stress.engines.base import Engine
from duroxide_stress.errors import UsageError, unknown_name

ENGINES: dict[str, str] = {
    "duroxide": "duroxide_stress.engines.duroxide.engine:DuroxideEngine",
    "reference": "duroxide_stress.engines.reference.engine:ReferenceEngine",
}


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises UsageError when there is none or it is not installed."""
    if name not in ENGINES:
        raise UsageError(unknown_name("engine", name, ENGINES))
    module_name, _, attribute = ENGINES[name].partition(":")
    try:
        engine: Engine = getattr(import_module(module_name), attribute)()
    except ImportError as error:
        raise UsageError(
            f"engine {name!r} is not installed here: {error}; pip install {name}"
        ) from error
    return engine
