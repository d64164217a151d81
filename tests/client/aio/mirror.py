"""Writes pyctl/aio/resources.py from the blocking resources: ``python -m tests.client.aio.mirror``."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from pyctl import resources
from pyctl.resources import containers, execs, images, networks, system, volumes

TARGET: Final = Path(resources.__file__).parents[1] / "aio/resources.py"
CLASSES: Final = {
    "containers": containers.Containers,
    "execs": execs.Execs,
    "images": images.Images,
    "networks": networks.Networks,
    "system": system.System,
    "volumes": volumes.Volumes,
}
_HEAD: Final = '''# ruff: noqa: ASYNC109 - a timeout is the daemon's
"""The resources of `pyctl.aio.AsyncClient`. Written by ``python -m tests.client.aio.mirror`` from `pyctl.resources`: change that."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pyctl.aio.streams import AsyncHijacked, AsyncPendingWait, AsyncStream, Runner
from pyctl.aio.temporary import TemporaryContainers

if TYPE_CHECKING:
{imports}
    from pyctl.transport import Body
'''


def public(cls: type[object]) -> list[str]:
    """Names of the methods, in their order."""
    return [name for name in vars(cls) if not name.startswith("_")]


def written() -> str:
    """The module."""
    parts = [_class(attribute, cls) for attribute, cls in CLASSES.items()]
    body = "\n\n".join(parts)
    source = _HEAD.format(imports=_imports(body)) + "\n\n" + body
    for command in (["check", "--fix", "-q"], ["format", "-q"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TARGET), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        source = done.stdout
    return source


def _imports(body: str) -> str:
    homes: dict[str, set[str]] = {}
    for cls in CLASSES.values():
        text = inspect.getsource(sys.modules[cls.__module__])
        for home, names in re.findall(r"^ *from (pyctl\.models\.\w+) import (?:\(([^)]*)\)|(?!\())", text, re.M):
            homes.setdefault(home, set()).update(re.findall(r"\w+", names))
        for home, names in re.findall(r"^ *from (pyctl\.(?:models\.\w+|streams)) import ([^(\n#]+)", text, re.M):
            homes.setdefault(home, set()).update(re.findall(r"\w+", names))
    lines = []
    for home, names in sorted(homes.items()):
        used = sorted(name for name in names if re.search(rf"\b{name}\b", body))
        if used:
            lines.append(f"    from {home} import {', '.join(used)}")
    return "\n".join(lines)


def _class(attribute: str, cls: type[object]) -> str:
    methods = "\n".join(_method(attribute, name, getattr(cls, name)) for name in public(cls) if name != "temporary")
    base = "(TemporaryContainers)" if hasattr(cls, "temporary") else ""
    return (
        f'class Async{cls.__name__}{base}:\n    """``client.{attribute}``, as `{cls.__module__}.{cls.__name__}`."""\n\n'
        f"    def __init__(self, runner: Runner) -> None:\n        self._runner = runner\n\n{methods}"
    )


def _method(attribute: str, name: str, function: object) -> str:
    assert callable(function)
    signature = inspect.signature(function)
    assert function.__doc__
    lines = inspect.cleandoc(function.__doc__).splitlines()
    doc = "\n".join([lines[0], *(f"        {line}" if line else "" for line in lines[1:])])
    doc = doc + ("\n        " if len(lines) > 1 else "")
    returns = str(signature.return_annotation)
    parameters = _qualified(_parameters(signature))
    returns = _qualified(returns)
    call = f"client.{attribute}.{name}({_arguments(signature)})"
    head, body = _shape(returns, call)
    prefix = "async def" if head[0] else "def"
    return f'    {prefix} {name}{parameters} -> {head[1]}:\n        """{doc}"""\n        {body}\n'


def _shape(returns: str, call: str) -> tuple[tuple[bool, str], str]:
    if stream := re.fullmatch(r"Iterator\[(.*)\]", returns):
        return (False, f"AsyncStream[{stream[1]}]"), f"return AsyncStream(self._runner, lambda client: {call})"
    if returns == "Hijacked":
        return (True, "AsyncHijacked"), f"return AsyncHijacked(await self._runner.call(lambda client: {call}))"
    if returns == "PendingWait":
        return (True, "AsyncPendingWait"), f"return await AsyncPendingWait.begun(self._runner, lambda client: {call})"
    if returns.startswith("tuple[Iterator[bytes], "):
        rest = returns.removeprefix("tuple[Iterator[bytes], ").removesuffix("]")
        whole = f"tuple[AsyncStream[bytes], {rest}]"
        return (True, whole), f"return await AsyncStream.with_head(self._runner, lambda client: {call})"
    return (True, returns), f"{'' if returns == 'None' else 'return '}await self._runner.call(lambda client: {call})"


def _qualified(text: str) -> str:
    """In a class with a method ``list`` the name means that."""
    return re.sub(r"(?<![\w.])list\[", "builtins.list[", text)


def _parameters(signature: inspect.Signature) -> str:
    given, keywords = [], False
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not keywords:
            keywords = True
            given.append("*")
        typed = name if name == "self" else f"{name}: {parameter.annotation}"
        default = parameter.default
        given.append(typed if default is inspect.Parameter.empty else f"{typed} = {default!r}")
    return f"({', '.join(given)})"


def _arguments(signature: inspect.Signature) -> str:
    given = []
    for name, parameter in signature.parameters.items():
        if name != "self":
            given.append(f"{name}={name}" if parameter.kind is inspect.Parameter.KEYWORD_ONLY else name)
    return ", ".join(given)


if __name__ == "__main__":
    TARGET.write_text(written(), encoding="utf-8")
