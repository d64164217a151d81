"""What an authorizer is, in Python. Docker's plugins are one kind (:mod:`pydockerd.access.plugin`); yours may be another.

The life of a request: once its operation is found, each authorizer is asked ``before`` with a :class:`Question`, in the order of the configuration; the
first that denies ends it, and the client is answered 403 with the reason. Then it is served. If its answer is a whole one (no stream, no connection
that was taken over), each is asked ``after``, with the :class:`Reply` too, before anything is sent; a denial then hides the answer, but undoes nothing.
An authorizer that raises is one that has not allowed: the client is answered 500.

::

    class OnlyMine:
        name = "only-mine"

        async def before(self, question: Question) -> Verdict:
            if question.method == "GET" or question.user == "admin":
                return Verdict(allow=True)
            return Verdict(allow=False, reason=f"{question.user or 'nobody'} may only look")

        async def after(self, question: Question, reply: Reply) -> Verdict:
            return Verdict(allow=True)

Named as ``--authorization-plugin python://my.module:OnlyMine`` (or under ``authorization-plugins`` in daemon.json), the class is made without
arguments when the daemon starts and at each reload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from attrs import field, frozen


@frozen(kw_only=True)
class Question:
    """A request. ``path`` is as it was sent, version and query included, encoded.

    ``user`` is the common name of the certificate that a client on TLS has shown, and empty for anybody else; ``certificate`` that certificate in DER.
    ``uid`` is whose process it was that has connected to a unix socket, None on TCP (SO_PEERCRED, unix(7)).

    ``body`` is what the operation is going to read, whatever the headers say of its length: the decoded bytes of a JSON document, and None where the
    body is none (an archive) or holds a password (``/auth``). A document that is too long to be shown is refused before anybody is asked.
    ``headers`` are without those that hold credentials for registries.
    """

    method: str
    path: str
    user: str = ""
    uid: int | None = None
    certificate: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Reply:
    """The answer that is about to be sent; ``body`` is None where it is no JSON, or is long."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Verdict:
    """What an authorizer says; ``reason`` is told to the client and in the log."""

    allow: bool
    reason: str = ""


@runtime_checkable
class Authorizer(Protocol):
    """Asked on the daemon's event loop: it must not block it, and is asked about several requests at once."""

    name: str

    async def before(self, question: Question) -> Verdict:
        """Whether a request may be served."""

    async def after(self, question: Question, reply: Reply) -> Verdict:
        """Whether its answer may be sent."""
