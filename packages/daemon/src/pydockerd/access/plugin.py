"""Docker's authorization plugins: an HTTP server on a socket, asked in JSON.

Source: https://docs.docker.com/engine/extend/plugins_authorization/ and moby's pkg/authorization. A plugin is found by its name as dockerd does: a socket
``/run/docker/plugins/NAME.sock``, or a file ``NAME.spec`` in ``/etc/docker/plugins`` or ``/usr/lib/docker/plugins`` that holds an address. A name that is
itself a ``unix://`` address needs no file.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from pydockerd.access.authorizer import Question, Reply, Verdict
from pydockerd.errors import ConfigError, PluginFailed

SOCKETS: Final = Path("/run/docker/plugins")
SPECIFICATIONS: Final = (Path("/etc/docker/plugins"), Path("/usr/lib/docker/plugins"))
_ACCEPT: Final = "application/vnd.docker.plugins.v1.2+json"
_JSON: Final = {"Content-Type": "application/json"}
_SECONDS: Final = 30.0
_ANSWER_LIMIT: Final = 1 << 20


class Plugin:
    """One plugin. It is asked whether it is an authorizer before its first question."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._address = address
        self._session: aiohttp.ClientSession | None = None

    async def before(self, question: Question) -> Verdict:
        """``AuthZPlugin.AuthZReq``."""
        return _verdict(await self._ask("AuthZPlugin.AuthZReq", _request(question)))

    async def after(self, question: Question, reply: Reply) -> Verdict:
        """``AuthZPlugin.AuthZRes``: the request again, and its answer."""
        answer = {
            "ResponseStatusCode": reply.status,
            "ResponseHeaders": dict(reply.headers),
            **({"ResponseBody": _base64(reply.body)} if reply.body else {}),
        }
        return _verdict(await self._ask("AuthZPlugin.AuthZRes", _request(question) | answer))

    async def close(self) -> None:
        """End its connections; safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._session is None:
            self._session = await self._activated()
        return await self._post(self._session, method, body)

    async def _activated(self) -> aiohttp.ClientSession:
        session = self._opened()
        try:
            said = await self._post(session, "Plugin.Activate", None)
            if "authz" not in (said.get("Implements") or ()):
                raise PluginFailed('it is no authorization plugin: it does not implement "authz"')
        except BaseException:
            await session.close()
            raise
        return session

    def _opened(self) -> aiohttp.ClientSession:
        unix = self._address.startswith("unix://")
        connector = aiohttp.UnixConnector(self._address.removeprefix("unix://")) if unix else aiohttp.TCPConnector()
        return aiohttp.ClientSession(
            "http://plugin" if unix else self._address.replace("tcp://", "http://", 1),
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            headers={"Accept": _ACCEPT},
        )

    @staticmethod
    async def _post(session: aiohttp.ClientSession, method: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        try:
            data = None if body is None else io.BytesIO(json.dumps(body).encode())  # a file, because it may be long
            async with session.post(f"/{method}", data=data, headers=_JSON, allow_redirects=False) as response:
                content = await _whole(response)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PluginFailed(f"{method}: {str(error) or type(error).__name__}") from error
        return _document(method, status, content)


def find(name: str, sockets: Path = SOCKETS, specifications: Sequence[Path] = SPECIFICATIONS) -> Plugin:
    """The plugin of a name. ConfigError when there is none."""
    if name.startswith("unix:///"):
        return Plugin(Path(name).name.removesuffix(".sock"), name)
    if "/" in name or not name:
        raise ConfigError(
            f"authorization-plugins: {name!r} is no name of a plugin, no unix:// and no python:// address"
        )
    for socket in (sockets / f"{name}.sock", sockets / name / f"{name}.sock"):
        if socket.is_socket():
            return Plugin(name, f"unix://{socket}")
    for directory in specifications:
        file = directory / f"{name}.spec"
        if file.is_file():
            return Plugin(name, _address(file))
    raise ConfigError(
        f"authorization-plugins: plugin {json.dumps(name)} not found: no {sockets / name}.sock, no {name}.spec"
    )


def _address(file: Path) -> str:
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if not text.startswith(("unix:///", "tcp://")):
        raise ConfigError(f"authorization-plugins: {file}: expected unix://PATH or tcp://HOST:PORT")
    return text


def _request(question: Question) -> dict[str, Any]:
    """What is empty is left out, as Go does."""
    said: dict[str, Any] = {
        "User": question.user,
        "UserAuthNMethod": "TLS" if question.user else "",
        "RequestMethod": question.method,
        "RequestUri": question.path,
        "RequestBody": _base64(question.body) if question.body else "",
        "RequestHeaders": dict(question.headers),
        "RequestPeerCertificates": [_base64(_pem(question.certificate))] if question.certificate else [],
    }
    return {key: value for key, value in said.items() if value}


def _verdict(said: Mapping[str, Any]) -> Verdict:
    if said.get("Err"):
        raise PluginFailed(str(said["Err"]))
    return Verdict(allow=said.get("Allow") is True, reason=str(said.get("Msg") or ""))


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    while piece := await response.content.read(_ANSWER_LIMIT + 1 - len(content)):
        content += piece
    return content  # one that is longer than the limit is cut, and so no JSON


def _document(method: str, status: int, content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if status != 200:
        said = found.get("Err") if isinstance(found, dict) else None
        raise PluginFailed(f"{method}: it answers {status}{f': {said}' if said else ''}")
    if not isinstance(found, dict):
        raise PluginFailed(f"{method}: its answer is no JSON object")
    return found


def _pem(certificate: bytes) -> bytes:
    import ssl

    return ssl.DER_cert_to_PEM_cert(certificate).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
