"""JSON becomes classes at the edge, and requests become JSON; what does not fit is named by its path."""

from __future__ import annotations

import attrs
import pytest

from pyctl.errors import ApiError, BadRequest, Conflict, MalformedAnswer, NotFound, ServerError, api_error
from pyctl.models.containers import ContainerSummary
from pyctl.models.create import CreateRequest, ExecRequest, HostConfig, PortBinding
from pyctl.models.fields import Json, decode
from pyctl.models.requests import encode
from pyctl.version import negotiate


def test_what_is_missing_or_null_is_empty() -> None:
    found = decode(ContainerSummary, {"Id": "x", "Names": None, "Ports": [{"PrivatePort": 80}]}, "test")
    assert (found.id, found.names, found.labels, found.created) == ("x", (), {}, 0)
    assert (found.ports[0].private, found.ports[0].protocol) == (80, "")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "containers[0]: expected an object, got []"),
        ({"Id": 5}, "containers[0].Id: expected a string, got 5"),
        ({"Created": True}, "containers[0].Created: expected an integer, got True"),
        ({"Ports": [{"IP": []}]}, "containers[0].Ports[0].IP: expected a string, got []"),
        ({"Labels": {"a": 1}}, "containers[0].Labels.a: expected a string, got 1"),
        ({"Names": "x"}, "containers[0].Names: expected an array, got 'x'"),
    ],
)
def test_what_does_not_fit_is_named(document: Json, message: str) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        decode(ContainerSummary, document, "containers[0]")
    assert str(caught.value) == message


def test_encode_leaves_out_what_is_unset() -> None:
    request = CreateRequest(
        image="i",
        cmd=[],
        host_config=HostConfig(port_bindings={"80/tcp": [PortBinding(host_ip="", host_port="1")]}, init=False),
    )
    assert encode(request) == {
        "Image": "i",
        "Cmd": [],
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "1"}]}, "Init": False},
    }


def test_every_key_of_a_request_is_its_own() -> None:
    for cls in (CreateRequest, HostConfig, ExecRequest):
        keys = [field.metadata["key"] for field in attrs.fields(cls)]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("status", "cls"), [(400, BadRequest), (404, NotFound), (409, Conflict), (418, ServerError), (500, ServerError)]
)
def test_errors_by_status(status: int, cls: type[ApiError]) -> None:
    error = api_error(status, "why")
    assert type(error) is cls
    assert (error.status, error.message, str(error)) == (status, "why", "Error response from daemon: why")


@pytest.mark.parametrize(("offered", "spoken"), [("1.41", "1.41"), ("1.99", "1.56"), ("", "1.24"), ("1.24", "1.24")])
def test_the_older_version_is_spoken(offered: str, spoken: str) -> None:
    assert negotiate(offered) == spoken


def test_a_daemon_that_is_too_old() -> None:
    with pytest.raises(ValueError, match=r"1\.23"):
        negotiate("1.23")
