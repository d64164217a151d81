"""Authorizers for daemons of their own."""

from __future__ import annotations

from pydockerd.access.authorizer import Question, Reply, Verdict


class OnlyAliceCreates:
    """Others may look, and so may who comes by the unix socket do everything."""

    name = "only-alice-creates"

    async def before(self, question: Question) -> Verdict:
        allow = question.method in ("GET", "HEAD") or question.user in ("", "alice")
        return Verdict(allow=allow, reason=f"{question.user} may only look")

    async def after(self, question: Question, reply: Reply) -> Verdict:
        return Verdict(allow=True)


class Nobody:
    """Lets nobody in."""

    name = "nobody"

    async def before(self, question: Question) -> Verdict:
        return Verdict(allow=question.path.endswith("/_ping"), reason="it is closed")

    async def after(self, question: Question, reply: Reply) -> Verdict:
        return Verdict(allow=True)
