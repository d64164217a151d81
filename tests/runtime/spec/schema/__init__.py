"""The JSON schema of the OCI runtime-spec 1.3 (Apache-2.0, https://github.com/opencontainers/runtime-spec), and walking it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

OTHERS = ("solaris", "windows", "vm", "zos", "freebsd")
"""Platforms that are not Linux."""


@frozen
class Node:
    """A schema, and the file that its references are relative to."""

    schema: dict[str, Any]
    file: str

    def resolved(self) -> Node:
        """What a reference leads to."""
        node = self
        while "$ref" in node.schema:
            file, _, pointer = node.schema["$ref"].partition("#")
            found: Any = _document(file or node.file)
            for part in filter(None, pointer.split("/")):
                found = found[part]
            node = Node(found, file or node.file)
        return node

    def parts(self) -> Iterator[Node]:
        """It and all that it is composed of."""
        node = self.resolved()
        yield node
        for composed in (*node.schema.get("allOf", ()), *node.schema.get("anyOf", ())):
            yield from Node(composed, node.file).parts()

    def properties(self) -> dict[str, Node]:
        """Members by name."""
        return {
            name: Node(member, part.file)
            for part in self.parts()
            for name, member in part.schema.get("properties", {}).items()
            if name not in OTHERS
        }

    def required(self) -> set[str]:
        """Names of members that must be there."""
        return {name for part in self.parts() for name in part.schema.get("required", ())}

    def first(self, key: str) -> Any:
        """The value of a keyword."""
        return next((part.schema[key] for part in self.parts() if key in part.schema), None)

    def below(self, key: str) -> Node | None:
        """The schema of the items or of the other members."""
        for part in self.parts():
            if isinstance(part.schema.get(key), dict):
                return Node(part.schema[key], part.file)
        return None


@cache
def _document(name: str) -> Any:
    return json.loads((Path(__file__).parent / name).read_text())


def config() -> Node:
    """config.json as a whole."""
    return Node(_document("config-schema.json"), "config-schema.json")


def fields(node: Node, path: str = "") -> Iterator[str]:
    """Every field: ``mounts[].options``, ``linux.netDevices.*.name``."""
    for name, member in node.properties().items():
        below = f"{path}.{name}" if path else name
        yield below
        yield from fields(member, below)
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if (inner := node.below(key)) is not None:
            yield from fields(inner, path + mark)
