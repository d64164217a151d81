"""How a request's body is declared, and turned into JSON.

@attrs.frozen(kw_only=True)
class PortBinding:
    host_port: str = key("HostPort")
"""

from __future__ import annotations

from typing import Any, cast

import attrs

from pyctl.models.fields import Json, JsonObject


def key(name: str) -> Any:
    """Declare an attribute that is unset, with its JSON key."""
    return attrs.field(default=None, metadata={"key": name})


def encode(value: object) -> JsonObject:
    """Turn a request into its JSON object, without what is unset."""
    fields = attrs.fields(cast(Any, type(value)))
    pairs = ((field.metadata["key"], getattr(value, field.name)) for field in fields)
    return {name: _encode(item) for name, item in pairs if item is not None}


def _encode(value: Any) -> Json:
    if attrs.has(type(value)):
        return encode(value)
    if isinstance(value, dict):
        return {name: _encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    return cast(Json, value)
