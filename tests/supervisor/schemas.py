"""The JSON schemas of the image specification, which are beside the project (``shared/reference/image-spec``)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DIRECTORY = Path(__file__).resolve().parents[3] / "shared/reference/image-spec"


def check(name: str, document: Any) -> None:
    """Fail unless the document is as ``NAME-schema.json`` says. Skips where the schemas are not at hand, but fails in CI."""
    if not DIRECTORY.is_dir():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"the schemas of the image specification are not in {DIRECTORY}"
        )
    registry: Registry[Any] = Registry(retrieve=_retrieve)  # type: ignore[call-arg]
    schema = json.loads((DIRECTORY / f"{name}-schema.json").read_text())
    validator = jsonschema.Draft4Validator(schema, registry=registry)
    told = [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)]
    assert not told, "\n".join(told)


def _retrieve(uri: str) -> Resource[Any]:
    """References are relative to the schemas' ids, which are addresses on the web."""
    return Resource.from_contents(json.loads((DIRECTORY / uri.rpartition("/")[2]).read_text()), DRAFT4)
