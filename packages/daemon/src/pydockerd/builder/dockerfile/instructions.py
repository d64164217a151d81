"""What the instructions of a Dockerfile say, before any variable is replaced. Names are those of the Dockerfile reference."""

from __future__ import annotations

from attrs import field, frozen

from pydockerd.builder.dockerfile.source import Source, Text
from pydockerd.builder.dockerfile.statements import Heredoc, Statement


@frozen(kw_only=True)
class Instruction:
    """``statement`` is where it stands."""

    statement: Statement

    @property
    def text(self) -> str:
        """The whole of it in one line, as docker shows it in its steps."""
        return f"{self.statement.name} {self.statement.original[len(self.statement.keyword) :].strip()}".strip()


@frozen(kw_only=True)
class From(Instruction):
    """Begins a stage: on an image, an earlier stage or ``scratch``."""

    base: Text
    platform: Text | None
    name: str


@frozen(kw_only=True)
class Command:
    """``words`` in exec form, where they are not None; in shell form ``text``."""

    words: tuple[str, ...] | None
    text: str


@frozen(kw_only=True)
class RunMount:
    """``--mount`` of RUN: options as they are written; which there are depends on the type."""

    type: str
    options: tuple[tuple[str, Text], ...]
    where: Text


@frozen(kw_only=True)
class Run(Instruction):
    """A command whose changes become a layer."""

    command: Command
    mounts: tuple[RunMount, ...]
    network: str
    security: str


@frozen(kw_only=True)
class Cmd(Instruction):
    """What containers run."""

    command: Command


@frozen(kw_only=True)
class Entrypoint(Instruction):
    """What containers run before that."""

    command: Command


@frozen(kw_only=True)
class Shell(Instruction):
    """What commands in shell form are run by."""

    words: tuple[str, ...]


@frozen(kw_only=True)
class Env(Instruction):
    """Variables of the containers and of what follows."""

    pairs: tuple[tuple[Text, Text], ...]


@frozen(kw_only=True)
class Label(Instruction):
    """Labels of the image."""

    pairs: tuple[tuple[Text, Text], ...]


@frozen(kw_only=True)
class Arg(Instruction):
    """Variables of the build alone; those without a default are None."""

    pairs: tuple[tuple[str, Text | None], ...]


@frozen(kw_only=True)
class Copy(Instruction):
    """COPY, and ADD (``add``), which also fetches and extracts. The last of the words is the destination; ``from_`` a stage or an image."""

    add: bool
    sources: tuple[Text, ...]
    destination: Text
    heredocs: tuple[Heredoc, ...]
    from_: Text | None
    chown: Text | None
    chmod: Text | None
    link: bool
    parents: bool
    exclude: tuple[Text, ...]
    checksum: Text | None
    keep_git_dir: bool
    unpack: bool | None


@frozen(kw_only=True)
class Workdir(Instruction):
    """The directory of commands; made if it is not there."""

    path: Text


@frozen(kw_only=True)
class User(Instruction):
    """Whose commands are."""

    name: Text


@frozen(kw_only=True)
class Volume(Instruction):
    """Where containers have volumes."""

    paths: tuple[Text, ...]


@frozen(kw_only=True)
class Expose(Instruction):
    """The ports that containers listen on."""

    ports: tuple[Text, ...]


@frozen(kw_only=True)
class StopSignal(Instruction):
    """What containers are stopped by."""

    signal: Text


@frozen(kw_only=True)
class Healthcheck(Instruction):
    """How containers are probed. ``kind`` is NONE, CMD or CMD-SHELL; times are nanoseconds."""

    kind: str
    words: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    start_interval: int
    retries: int


@frozen(kw_only=True)
class Onbuild(Instruction):
    """An instruction for who builds on this image."""

    trigger: str


@frozen(kw_only=True)
class Maintainer(Instruction):
    """The author: what LABEL is used for today."""

    author: str


@frozen(kw_only=True)
class Stage:
    """FROM and what follows it. ``triggers`` are done before ``instructions``; they are known once the base is."""

    start: From
    instructions: tuple[Instruction, ...]
    number: int

    @property
    def label(self) -> str:
        """For people."""
        return self.start.name or str(self.number)


@frozen(kw_only=True)
class Dockerfile:
    """A whole one. ``arguments`` stand before the first FROM."""

    source: Source
    escape: str
    arguments: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...] = field(default=())
