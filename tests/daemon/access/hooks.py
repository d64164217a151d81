"""Authorizers of the tests."""

from __future__ import annotations

from attrs import define, field

from pydockerd.access.authorizer import Question, Reply, Verdict


@define
class Watching:
    """Allows what is not among ``denied`` (methods) and ``hidden`` (methods whose answers are), and remembers what it was asked."""

    name: str = "watching"
    denied: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    failing: bool = False
    questions: list[Question] = field(factory=list)
    replies: list[tuple[Question, Reply]] = field(factory=list)

    async def before(self, question: Question) -> Verdict:
        self.questions.append(question)
        if self.failing:
            raise RuntimeError("it broke")
        return Verdict(allow=question.method not in self.denied, reason=f"{question.method} is not for you")

    async def after(self, question: Question, reply: Reply) -> Verdict:
        self.replies.append((question, reply))
        return Verdict(allow=question.method not in self.hidden, reason="the answer is not for you")


class Incomplete:
    """No authorizer: it is never asked afterwards."""

    name = "incomplete"

    async def before(self, question: Question) -> Verdict:
        return Verdict(allow=True)


class Broken:
    """Cannot be made."""

    def __init__(self) -> None:
        raise ValueError("no way")
