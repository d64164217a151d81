"""The gate: makes a question of a request, asks all authorizers, and refuses."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from attrs import evolve
from multidict import CIMultiDict, CIMultiDictProxy

from pydockerd.access.authorizer import Authorizer, Question, Reply, Verdict
from pydockerd.errors import Forbidden, InternalError
from pydockerd.journal import fields

LIMIT: Final = 1 << 20
"""Bytes of a body that is shown, as with dockerd."""
_HIDDEN: Final = frozenset({"x-registry-auth", "x-registry-config", "authorization", "cookie"})

logger = logging.getLogger("pydockerd.access")


class Gate:
    """Nobody to be asked: everything is allowed."""

    def __init__(self, authorizers: Sequence[Authorizer] = ()) -> None:
        self._authorizers = tuple(authorizers)

    def __bool__(self) -> bool:
        return bool(self._authorizers)

    async def question(self, request: web.Request, *, secret: bool = False) -> Question:
        """What is asked of a request. Its body is read as its operation will read it, unless it is ``secret``; Forbidden for one that is too long to be
        shown."""
        certificate, user = _client(request)
        question = Question(
            method=request.method,
            path=request.rel_url.raw_path_qs,
            user=user,
            uid=_uid(request),
            certificate=certificate,
            headers=_shown(request.headers),
        )
        if secret or not _is_document(request.content_type):
            return question
        body = await request.read()
        if len(body) > LIMIT:
            raise self._refusal(question, f"authorization denied: the body is longer than {LIMIT} bytes", "the daemon")
        return evolve(question, body=body)

    async def before(self, question: Question) -> None:
        """Forbidden when one denies, InternalError when one fails."""
        for authorizer in self._authorizers:
            try:
                verdict = await authorizer.before(question)
            except Exception as error:
                raise self._failure(authorizer, question, error) from error
            self._check(authorizer, question, verdict)

    async def after(self, question: Question, response: web.StreamResponse) -> None:
        """The same of an answer that was not sent yet; one that was is let go."""
        if not isinstance(response, web.Response) or response.prepared:
            return
        content = response.body
        shown = isinstance(content, bytes) and len(content) <= LIMIT and _is_document(response.content_type)
        reply = Reply(
            status=response.status,
            headers=_shown(response.headers),
            body=content if shown and isinstance(content, bytes) else None,
        )
        for authorizer in self._authorizers:
            try:
                verdict = await authorizer.after(question, reply)
            except Exception as error:
                raise self._failure(authorizer, question, error) from error
            self._check(authorizer, question, verdict)

    async def close(self) -> None:
        """Let go of what the authorizers hold."""
        for authorizer in self._authorizers:
            close = getattr(authorizer, "close", None)
            if close is not None:
                await close()

    def _check(self, authorizer: Authorizer, question: Question, verdict: Verdict) -> None:
        if not verdict.allow:
            text = f"authorization denied by plugin {authorizer.name}: {verdict.reason}"
            raise self._refusal(question, text, authorizer.name)

    @staticmethod
    def _refusal(question: Question, text: str, by: str) -> Forbidden:
        logger.warning("refused: %s", text, extra=_about(question, by))
        return Forbidden(text)

    @staticmethod
    def _failure(authorizer: Authorizer, question: Question, error: Exception) -> InternalError:
        text = f"plugin {authorizer.name} failed with error: {str(error) or type(error).__name__}"
        logger.error("refused: %s", text, extra=_about(question, authorizer.name))
        return InternalError(text)


def _about(question: Question, by: str) -> dict[str, object]:
    """Who and what; the query is left out, as it may hold anything."""
    who = {"user": question.user} if question.uid is None else {"uid": question.uid}
    return fields(**who, method=question.method, path=question.path.partition("?")[0], by=by)


def _client(request: web.Request) -> tuple[bytes, str]:
    """The client's certificate and the common name in it, on TLS."""
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    if tls is None:
        return b"", ""
    found = tls.getpeercert()
    if not found:
        return b"", ""
    names = [value for part in found.get("subject", ()) for key, value in part if key == "commonName"]
    return tls.getpeercert(binary_form=True) or b"", names[0] if names else ""


def _uid(request: web.Request) -> int | None:
    """Of the process at the other end of a unix socket."""
    transport = request.transport
    sock: socket.socket | None = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family != socket.AF_UNIX or sock.fileno() < 0:
        return None
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


def _is_document(content_type: str) -> bool:
    return content_type == "application/json"


def _shown(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HIDDEN}
