"""Checks answers against the Engine API's document, where it is at hand.

The document (``engine-api-1.56.yaml``) is moby's ``api/swagger.yaml``; it is looked for in the directory that ``ENGINE_API_REFERENCE`` names, and in
``shared/reference`` beside the project.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

NAME = "engine-api-1.56.yaml"


class Contract:
    """The document's operations and the schemas of their answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.operations = {
            (method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self.definitions = _json_schema(document["definitions"])

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        """Fail unless ``status`` is one of the operation's and ``body`` is of its schema. ``path`` is the document's, with its braces."""
        schema = self.check_status(method, path, status).get("schema")
        if schema is not None:
            self.validate(schema, body)

    def check_status(self, method: str, path: str, status: int) -> Mapping[str, Any]:
        """Fail unless ``status`` is one of the operation's; what the document says of it."""
        responses = {str(code): response for code, response in self.operations[method, path]["responses"].items()}
        assert str(status) in responses, f"{method} {path} answered {status}; the document knows {sorted(responses)}"
        found: Mapping[str, Any] = responses[str(status)]
        return found

    def statuses(self, operations: Set[tuple[str, str]]) -> set[tuple[str, str, int]]:
        """All status codes that the document knows of these operations."""
        return {
            (method, path, int(code))
            for method, path in operations & self.operations.keys()
            for code in self.operations[method, path]["responses"]
        }

    def check_definition(self, name: str, body: Any) -> None:
        """Fail unless ``body`` is of the definition's schema."""
        self.validate({"$ref": f"#/definitions/{name}"}, body)

    def validate(self, schema: Any, body: Any) -> None:
        """Fail, naming the place in the body, unless it fits."""
        whole = {**_json_schema(schema), "definitions": self.definitions}
        errors = sorted(
            jsonschema.Draft4Validator(whole).iter_errors(body), key=lambda error: list(error.absolute_path)
        )
        told = [f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}" for error in errors]
        assert not told, "\n".join(told)


@functools.cache
def _load(path: Path) -> Contract:
    # the pure Python loader takes ten seconds for this file
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Contract(yaml.load(path.read_text(), Loader=loader))


def load() -> Contract:
    """The contract; where the document is not at hand the test is skipped, in CI it fails."""
    return _load(reference())


def reference() -> Path:
    """The document's file; where it is not at hand the test is skipped, in CI it fails."""
    file = _file()
    if file is not None:
        return file
    missing = f"{NAME} is not at hand: ENGINE_API_REFERENCE may name its directory"
    return pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


def find() -> Contract | None:
    """The contract, where the document is at hand."""
    file = _file()
    return None if file is None else _load(file)


def _file() -> Path | None:
    given = os.environ.get("ENGINE_API_REFERENCE")
    roots = [Path(given)] if given else [parent / "shared" / "reference" for parent in Path(__file__).resolve().parents]
    return next((root / NAME for root in roots if (root / NAME).is_file()), None)


def _json_schema(value: Any) -> Any:
    """Swagger 2.0 to JSON schema: ``x-nullable`` to a type; the formats and examples that mean nothing to a validator go."""
    if isinstance(value, list):
        return [_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("properties"), dict):
        value = {**value, "properties": _properties(value["properties"])}
    found = {key: _json_schema(item) for key, item in value.items() if key not in {"example", "format"}}
    # Go writes nil slices, maps and pointers as null, and moby marks only some of them
    if isinstance(found.get("type"), str) and found["type"] in {"array", "object"} | _nullable(value):
        found["type"] = [found["type"], "null"]
    if (
        "enum" in found
        and isinstance(found["enum"], list)
        and "" not in found["enum"]
        and re.search("string", str(found.get("type")))
    ):
        found["enum"] = [*found["enum"], None] if "null" in found["type"] else found["enum"]
    return found


# moby has pointers here and writes them as null, though the document does not say so
_NULL_IN_PRACTICE = frozenset({"MemorySwappiness", "OomKillDisable", "ExitCode"})


def _properties(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**schema, "x-nullable": True} if name in _NULL_IN_PRACTICE else schema for name, schema in value.items()
    }


def _nullable(value: Mapping[str, Any]) -> set[str]:
    return {value["type"]} if value.get("x-nullable") and isinstance(value.get("type"), str) else set()
