"""Which daemon is meant by flags, environment, contexts and config.json, and what its address says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyctl.contexts import Context, ContextStore
from pyctl.errors import InvalidConfiguration, InvalidContext, InvalidHost, InvalidUsage
from pyctl.hosts import DEFAULT_HOST, Ssh, Tls, parse_host
from pyctl.ssh import command, remote
from pyctl.targets import Wish, choose


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    store = ContextStore(tmp_path)
    for name in ("one", "two"):
        store.put(Context(name, host=f"tcp://{name}:1"))
    store.put(Context("secure", host="tcp://s", tls={"ca.pem": b"c", "key.pem": b"k"}))
    store.put(Context("lax", host="tcp://l:1", skip_tls_verify=True))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "one"}))
    return {"DOCKER_CONFIG": str(tmp_path)}


def test_the_order(config: dict[str, str]) -> None:
    host, context = {"DOCKER_HOST": "unix:///d"}, {"DOCKER_CONTEXT": "two"}
    assert choose(Wish(context="two"), config | host).host == "tcp://two:1"
    assert choose(Wish(host="unix:///h"), config | host | context).host == "unix:///h"
    assert choose(Wish(), config | host | context | {"PYCTL_HOST": "unix:///p"}).host == "unix:///p"
    assert choose(Wish(), config | host | context).host == "unix:///d"
    assert choose(Wish(), config | context).host == "tcp://two:1"
    assert (found := choose(Wish(), config)).host == "tcp://one:1"
    assert (found.context, found.is_default) == ("one", False)
    assert choose(Wish(context="default"), config | context) == choose(Wish(), {})
    assert choose(Wish(), {"HOME": "/nowhere"}).is_default
    assert choose(Wish(), {}).host == DEFAULT_HOST


def test_what_cannot_be_chosen(config: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InvalidUsage, match="cannot specify both"):
        choose(Wish(host="tcp://h", context="one"), config)
    with pytest.raises(InvalidContext, match='context "nope": context not found'):
        choose(Wish(context="nope"), config)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InvalidConfiguration, match=r"config\.json: .*repair it"):
        choose(Wish(), config)


def test_tls_of_contexts(config: dict[str, str], tmp_path: Path) -> None:
    found = choose(Wish(context="secure"), config)
    assert found.tls is not None
    assert found.tls.verify
    assert found.tls.ca
    assert Path(found.tls.ca).read_bytes() == b"c"
    assert (found.tls.certificate, found.endpoint().address) == (None, ("s", 2376))
    assert Path(found.tls.ca).stat().st_mode & 0o777 == 0o600
    assert choose(Wish(context="lax"), config).tls == Tls(verify=False)
    assert choose(Wish(context="one"), config).tls is None


def test_tls_of_flags_and_environment(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("x")
    own = {"DOCKER_HOST": "tcp://h", "DOCKER_CERT_PATH": str(tmp_path)}
    verifying = Tls(ca=f"{tmp_path}/ca.pem", certificate=f"{tmp_path}/cert.pem")
    assert choose(Wish(), own).tls is None
    assert choose(Wish(), own | {"DOCKER_TLS_VERIFY": "1"}).tls == verifying
    assert choose(Wish(tls_verify=True), own).tls == verifying
    assert choose(Wish(tls=True), own).tls == Tls(verify=False, certificate=f"{tmp_path}/cert.pem")
    assert choose(Wish(tls_verify=False), own | {"DOCKER_TLS_VERIFY": "1"}).tls == choose(Wish(tls=True), own).tls
    assert choose(Wish(tls=True, tls_key="/k"), own).endpoint().http_base == "https://h:2376"


def test_addresses_by_ssh() -> None:
    assert parse_host("ssh://me@box:22").ssh == Ssh("box", "me", 22)
    assert parse_host("ssh://box/run/x.sock").ssh == Ssh("box", path="/run/x.sock")
    for wrong in ("ssh://", "ssh://-oProxyCommand=x", "ssh://-l@box", "ssh://me:secret@box", "ssh://box:x"):
        with pytest.raises(InvalidHost):
            parse_host(wrong)


def test_the_command_of_ssh() -> None:
    assert command(Ssh("box", "me", 22))[:9] == ["ssh", "-o", "ConnectTimeout=30", "-T", "-l", "me", "-p", "22", "--"]
    assert remote("/a; rm -rf /").count("'\"'\"'") > 1  # quoted, and quoted again


def test_names_of_contexts_and_files(tmp_path: Path) -> None:
    store = ContextStore(tmp_path)
    for name in ("", "default", "x", "../x", "a/b", "-x"):
        with pytest.raises(InvalidContext):
            store.put(Context(name))
    assert store.list() == []
    store.put(Context("kept", document={"Metadata": {"Other": 1}, "Endpoints": {"kubernetes": {"a": 1}}}))
    again = store.get("kept").meta()
    assert again["Metadata"] == {"Other": 1}
    assert set(again["Endpoints"]) == {"kubernetes", "docker"}  # type: ignore[arg-type]
    with pytest.raises(InvalidContext, match="does not exist"):
        store.remove("other")
    store.remove("kept")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
