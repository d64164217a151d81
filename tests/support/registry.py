"""Debian's docker-registry on loopback: plain, with passwords, with TLS by an authority of its own, with a token server."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

USER: Final = "someone"
PASSWORD: Final = 'a: secret/"'
_HTPASSWD: Final = f"{USER}:$2y$05$FDs4agSRjWjPn3MkOeib0O2et5GEn7ugVdP8bPSKLgxhfr95YaFHS\n"
"""By ``htpasswd -Bbn``: the registry takes bcrypt and nothing else."""


@frozen
class Authority:
    """A private authority and a certificate of its making for 127.0.0.1 and localhost."""

    directory: Path

    @property
    def certificate(self) -> Path:
        """Of the authority."""
        return self.directory / "ca.crt"

    @classmethod
    def made(cls, directory: Path) -> Authority:
        """With openssl, in ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        new = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]
        _run([*new, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.crt"], directory)
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", names, "-addext", "basicConstraints=CA:FALSE"]
        _run([*new, *signed, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.crt"], directory)
        return cls(directory)


@define
class Registry:
    """A running registry. ``host`` is what images of it begin with; ``directory`` holds its blobs and its log."""

    host: str
    directory: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """What it has said: a line for each request."""
        return (self.directory / "log").read_text(errors="replace")


@define
class TokenServer:
    """Gives tokens to USER for everything, and to nobody for reading; ``asked`` is what for.

    Who wants to log in for longer (``offline_token``) gets ``identity``, and may show that instead of name and password.
    """

    directory: Path
    service: str = "tests"
    lifetime: int = 300
    identity: str = "stands-for-somebody"
    authority: Authority | None = None
    """With one, it speaks TLS."""
    asked: list[Mapping[str, str]] = field(factory=list)
    address: str = ""

    @contextmanager
    def serving(self) -> Iterator[TokenServer]:
        """On loopback, until the context is left."""
        self.directory.mkdir(parents=True, exist_ok=True)
        subject = ["-subj", "/CN=issuer", "-days", "2", "-keyout", "token.key", "-out", "token.crt"]
        _run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], self.directory)
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = False
        self.address = f"http://127.0.0.1:{server.server_port}/token"
        if self.authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.authority.directory / "server.crt", self.authority.directory / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            self.address = self.address.replace("http:", "https:")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def configuration(self) -> str:
        """Of a registry that believes it."""
        lines = ("token:", f"  realm: {self.address}", f"  service: {self.service}", "  issuer: issuer")
        return "".join(f"  {line}\n" for line in (*lines, f"  rootcertbundle: {self.directory}/token.crt"))

    def answer(self, query: Mapping[str, str], scopes: list[str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A token, or 401 for a wrong password."""
        known = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.asked.append({**query, "scopes": " ".join(scopes), "authorized": str(bool(authorization))})
        if authorization and authorization != known:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]}
        given = {"refresh_token": self.identity} if authorization and query.get("offline_token") == "true" else {}
        return 200, self._token(scopes, known=bool(authorization)) | given

    def refreshed(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """A token for who shows the identity token (oauth.md), or 401."""
        self.asked.append({**form, "refreshed": "true"})
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.identity:
            return 401, {"errors": [{"code": "UNAUTHORIZED", "message": "unknown token"}]}
        given = self._token(form.get("scope", "").split(), known=True)
        return 200, {"access_token": given["token"], "expires_in": given["expires_in"]}

    def _token(self, scopes: list[str], *, known: bool) -> dict[str, Any]:
        access = [self._access(scope, known) for scope in scopes]
        now = int(time.time())
        claims = {
            "iss": "issuer",
            "sub": USER,
            "aud": self.service,
            "exp": now + self.lifetime,
            "nbf": now - 5,
            "iat": now,
        }
        token = self._signed({**claims, "jti": str(now), "access": access})
        return {"token": token, "expires_in": self.lifetime}

    @staticmethod
    def _access(scope: str, known: bool) -> dict[str, Any]:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        allowed = [action for action in actions.split(",") if known or action == "pull"]
        return {"type": kind, "name": name, "actions": allowed}

    def _signed(self, claims: Mapping[str, Any]) -> str:
        """A JSON Web Token (RFC 7519) that brings its certificate along."""
        pem = (self.directory / "token.crt").read_text()
        chain = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
        head = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
        text = f"{_base64(json.dumps(head).encode())}.{_base64(json.dumps(claims).encode())}"
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.directory / "token.key")]
        signature = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
        return f"{text}.{_base64(signature)}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer, refreshed = self.answer, self.refreshed

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                plain = {name: values[-1] for name, values in query.items()}
                self.tell(*answer(plain, query.get("scope", []), self.headers.get("Authorization", "")))

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self.tell(*refreshed({name: values[-1] for name, values in parse_qs(content).items()}))

            def tell(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        return Handler


@contextmanager
def registry(
    directory: Path, *, password: bool = False, tokens: TokenServer | None = None, authority: Authority | None = None
) -> Iterator[Registry]:
    """Run one with its data in ``directory``, which is made, until the context is left."""
    directory.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    (directory / "config.yml").write_text(_configuration(directory, port, password, tokens, authority))
    with (directory / "log").open("wb") as log:
        command = ["docker-registry", "serve", str(directory / "config.yml")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    made = Registry(f"127.0.0.1:{port}", directory, process)
    try:
        _await(made, port)
        yield made
    finally:
        process.terminate()
        process.wait(20)


def _configuration(
    directory: Path, port: int, password: bool, tokens: TokenServer | None, authority: Authority | None
) -> str:
    text = "version: 0.1\nlog:\n  level: info\n"
    text += f"storage:\n  filesystem:\n    rootdirectory: {directory}/data\n  delete:\n    enabled: true\n"
    text += f"http:\n  addr: 127.0.0.1:{port}\n"
    if authority is not None:
        pair = authority.directory
        text += f"  tls:\n    certificate: {pair}/server.crt\n    key: {pair}/server.key\n"
    if password:
        (directory / "htpasswd").write_text(_HTPASSWD)
        text += f"auth:\n  htpasswd:\n    realm: tests\n    path: {directory}/htpasswd\n"
    if tokens is not None:
        text += f"auth:\n{tokens.configuration()}"
    return text


def _await(made: Registry, port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert made.process.poll() is None, made.log()
        assert time.monotonic() < deadline, made.log()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
