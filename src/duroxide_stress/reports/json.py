"""`duroxide-stress/result/1`: the result as one JSON document, with its published schema."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec

from duroxide_stress.result import SCHEMA, RunResult


def render(result: RunResult) -> str:
    """The result as indented JSON with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n"


def published_schema(title: str = SCHEMA) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that ships in the package for `duroxide-stress/KIND/VERSION`."""
    _, kind, version = title.split("/")
    text = files("duroxide_stress.schemas").joinpath(f"{kind}-{version}.json").read_bytes()
    schema: dict[str, Any] = msgspec.json.decode(text)
    return schema


def generate_schema(title: str = SCHEMA, kind: type = RunResult) -> dict[str, Any]:
    """The schema as the types have it now; a test holds the published one against it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(kind),
    }
    # Defaults come as Python values, a tuple for a list among them; a document has JSON's.
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))
    return document
