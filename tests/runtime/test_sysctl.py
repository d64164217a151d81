"""linux.sysctl with namespaces that are joined: what is set must be the containers' alone, whatever the namespace's file is called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Namespace, Runtime, Spec, Stdio
from tests.runtime.conftest import Bundle, Outcome

SYSCTLS = {
    "network": ("net.ipv4.ip_default_ttl", "/proc/sys/net/ipv4/ip_default_ttl"),
    "ipc": ("kernel.msgmni", "/proc/sys/kernel/msgmni"),
}
FILES = {"network": "net", "ipc": "ipc"}
KINDS = pytest.mark.parametrize("kind", SYSCTLS)


def joining(spec: Spec, kind: str, path: str) -> Spec:
    """``spec`` in the namespace of ``path``; the sysctl gets the value that the machine has, in case it is let through."""
    assert spec.linux
    name, file = SYSCTLS[kind]
    others = tuple(each for each in spec.linux.namespaces if each.type != kind)
    joined = Namespace(type=kind, path=path)  # type: ignore[arg-type]
    return spec.with_linux(namespaces=(*others, joined), sysctl={name: Path(file).read_text().strip()})


@KINDS
def test_the_namespace_of_the_machine_is_refused_by_any_name(runtime: Runtime, bundle: Bundle, kind: str) -> None:
    """docker run --network container:X --sysctl net..., where X has the host's network."""
    spec = joining(bundle.spec("true"), kind, f"/proc/{os.getpid()}/task/{os.getpid()}/ns/{FILES[kind]}")
    said = rf"linux\.sysctl\.{SYSCTLS[kind][0]}: .*own namespace"
    with pytest.raises(pyrunc.SpecError, match=said):
        runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    assert runtime.ids() == []
    harmless = spec.with_linux(sysctl={})
    container = runtime.create("web", bundle.path, spec=harmless, stdio=Stdio.null())
    container.delete()


@KINDS
def test_the_namespace_of_another_container_is_taken(
    runtime: Runtime, outcome: Callable[..., Outcome], bundle: Bundle, kind: str
) -> None:
    other = runtime.create("other", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    name, file = SYSCTLS[kind]
    spec = joining(bundle.spec(f"cat {file}"), kind, f"/proc/{other.pid}/ns/{FILES[kind]}")
    assert spec.linux
    before = Path(file).read_text()
    changed = str(int(before) - 1)
    code, output, errors = outcome(evolve(spec, linux=evolve(spec.linux, sysctl={name: changed})))
    assert (code, output.strip()) == (0, changed), errors
    assert Path(file).read_text() == before
    other.delete()
