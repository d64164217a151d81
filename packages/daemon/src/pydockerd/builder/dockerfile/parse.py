"""From statements to instructions: each is checked as far as it can be without knowing variables."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from typing import Final

from attrs import define, evolve, field

from pydockerd.builder.dockerfile import instructions as made
from pydockerd.builder.dockerfile.flags import Flags
from pydockerd.builder.dockerfile.instructions import Arg, Command, Dockerfile, From, Instruction, Stage
from pydockerd.builder.dockerfile.source import Position, Source, Text
from pydockerd.builder.dockerfile.statements import Statement, read, reread
from pydockerd.builder.dockerfile.words import split

_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_ARG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_TRIGGERS: Final = frozenset({"ONBUILD", "FROM", "MAINTAINER"})
_SHEBANG: Final = "#!"


def parse(data: bytes, name: str = "Dockerfile") -> Dockerfile:
    """DockerfileError, with the place, for whatever is wrong."""
    statements = read(data, name)
    if not statements.statements:
        raise statements.source.error(Position(1, 1), "file with no instructions")
    return _Parser(statements.source, statements.escape).parse(statements.statements)


def parse_trigger(text: str, escape: str = "\\") -> Instruction:
    """A trigger of ONBUILD out of an image's configuration. DockerfileError, whose source is that one line."""
    source = Source("ONBUILD", (text,))
    return _Parser(source, escape).trigger(reread(text, escape, source, Position(1, 1)))


@define
class _Parser:
    source: Source
    escape: str
    _arguments: list[Arg] = field(factory=list, init=False)
    _stages: list[Stage] = field(factory=list, init=False)

    def parse(self, statements: tuple[Statement, ...]) -> Dockerfile:
        begun: tuple[From, list[Instruction]] | None = None
        for statement in statements:
            instruction = self.instruction(statement)
            if isinstance(instruction, From):
                self._end_stage(begun)
                begun = (instruction, [])
            elif begun is not None:
                begun[1].append(instruction)
            elif isinstance(instruction, Arg):
                self._arguments.append(instruction)
            else:
                raise self.source.error(statement.keyword, "no build stage in current context: FROM has to come first")
        if begun is None:
            raise self.source.error(statements[-1].keyword, "no build stage: there is no FROM")
        self._end_stage(begun)
        return Dockerfile(
            source=self.source, escape=self.escape, arguments=tuple(self._arguments), stages=tuple(self._stages)
        )

    def _end_stage(self, begun: tuple[From, list[Instruction]] | None) -> None:
        if begun is None:
            return
        start, found = begun
        if start.name and any(stage.start.name == start.name for stage in self._stages):
            raise self.source.error(start.base, f"duplicate name {start.name}: a stage before this one is called so")
        self._stages.append(Stage(start=start, instructions=tuple(found), number=len(self._stages)))

    def instruction(self, statement: Statement) -> Instruction:
        make = _MAKERS.get(statement.name)
        if make is None:
            close = difflib.get_close_matches(statement.name, _MAKERS, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise self.source.error(statement.keyword, f"unknown instruction: {statement.keyword.text}{hint}")
        return make(self, statement, Flags(statement, self.source))

    def trigger(self, statement: Statement) -> Instruction:
        if statement.name in _NO_TRIGGERS:
            raise self.source.error(statement.keyword, f"{statement.name} isn't allowed as an ONBUILD trigger")
        return self.instruction(statement)

    # -- what most of them need ------------------------------------------------------------------------------------------------

    def words(self, statement: Statement) -> tuple[Text, ...]:
        """At least one."""
        self.needs(statement)
        return split(statement.rest, self.source, self.escape)

    def needs(self, statement: Statement) -> None:
        if not statement.rest.text:
            raise self.source.error(statement.keyword, f"{statement.name} requires at least one argument")

    def one(self, statement: Statement) -> Text:
        words = self.words(statement)
        if len(words) != 1:
            raise self.source.error(words[1], f"{statement.name} requires exactly one argument")
        return words[0]

    def json(self, text: Text) -> tuple[str, ...] | None:
        """A list of strings; None for what is none, which is shell form then."""
        if not text.text.startswith("["):
            return None
        try:
            found = json.loads(text.text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            return None
        return tuple(found)

    def command(self, statement: Statement) -> Command:
        return Command(words=self.json(statement.rest), text=statement.rest.text)

    def pairs(self, statement: Statement) -> tuple[tuple[Text, Text], ...]:
        """``name=value`` each, or the old form ``name value``, where the value is the whole rest."""
        words = self.words(statement)
        if "=" not in words[0].text:
            name = words[0]
            value = statement.rest.part(len(name)).stripped()
            if not value.text:
                raise self.source.error(name, f"{statement.name} must have two arguments")
            return ((name, value),)
        return tuple(self._pair(statement, word) for word in words)

    def _pair(self, statement: Statement, word: Text) -> tuple[Text, Text]:
        name, equals, _ = word.text.partition("=")
        if not equals:
            raise self.source.error(
                word, f"Syntax error - can't find = in {word.text!r}. Must be of the form: name=value"
            )
        if not name:
            raise self.source.error(word, f"{statement.name} names can not be blank")
        return word.part(0, len(name)), word.part(len(name) + 1)

    def paths(self, statement: Statement) -> tuple[Text, ...]:
        """A JSON list, or words."""
        self.needs(statement)
        listed = self.json(statement.rest)
        if listed is None:
            return self.words(statement)
        return tuple(Text(json_escaped(word, self.escape), statement.rest.marks[:1]) for word in listed)


def json_escaped(word: str, escape: str) -> str:
    """Such that it is one word again: in JSON form, quotes are characters and only variables are replaced."""
    return "".join(f"{escape}{character}" if character in f"'\"{escape} \t" else character for character in word)


def _from(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    words = parser.words(statement)
    if len(words) == 1:
        name = ""
    elif len(words) == 3 and words[1].text.lower() == "as":
        name = words[2].text.lower()
        if not _STAGE_NAME.fullmatch(name):
            raise parser.source.error(
                words[2],
                f"invalid name for build stage: {words[2].text!r}, name can't start with a number or contain symbols",
            )
    else:
        raise parser.source.error(words[1], "FROM requires either one or three arguments: FROM image [AS name]")
    return From(statement=statement, base=words[0], platform=flags.text("platform"), name=name)


def _run(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    mounts = flags.mounts()
    network, security = flags.plain("network", "default"), flags.plain("security", "sandbox")
    for name, value, allowed in (
        ("network", network, ("default", "none", "host")),
        ("security", security, ("sandbox", "insecure")),
    ):
        if value not in allowed:
            raise parser.source.error(flags.text(name) or statement.keyword, f"unsupported {name} mode: {value!r}")
    if flags.text("device") is not None:
        raise parser.source.error(
            flags.text("device") or statement.keyword, "--device is not supported by this builder"
        )
    parser.needs(statement)
    return made.Run(
        statement=statement, command=_run_command(parser, statement), mounts=mounts, network=network, security=security
    )


def _run_command(parser: _Parser, statement: Statement) -> Command:
    """Of a here-document alone, its content is the script; of others, the shell gets them as they stand."""
    if not statement.heredocs:
        return parser.command(statement)
    first = statement.heredocs[0]
    if len(statement.heredocs) == 1 and statement.rest.text == first.word.text:
        content = first.content.text
        return Command(words=None, text=content)
    told = "".join(f"\n{each.content.text}{each.name}" for each in statement.heredocs)
    return Command(words=None, text=statement.rest.text + told)


def _cmd(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.Cmd(statement=statement, command=parser.command(statement))


def _entrypoint(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.Entrypoint(statement=statement, command=parser.command(statement))


def _shell(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    parser.needs(statement)
    words = parser.json(statement.rest)
    if words is None:
        raise parser.source.error(statement.rest, "SHELL requires the arguments to be in JSON form")
    if not words:
        raise parser.source.error(statement.rest, "SHELL requires at least one argument")
    return made.Shell(statement=statement, words=words)


def _env(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.Env(statement=statement, pairs=parser.pairs(statement))


def _label(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.Label(statement=statement, pairs=parser.pairs(statement))


def _arg(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    found = list[tuple[str, Text | None]]()
    for word in parser.words(statement):
        name, equals, _ = word.text.partition("=")
        if not _ARG_NAME.fullmatch(name):
            raise parser.source.error(word, f"invalid name of an argument: {name!r}")
        found.append((name, word.part(len(name) + 1) if equals else None))
    return Arg(statement=statement, pairs=tuple(found))


def _copy(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    words = parser.paths(statement)
    if len(words) < 2:
        raise parser.source.error(
            statement.keyword, f"{statement.name} requires at least two arguments: sources, and a destination"
        )
    announced = {heredoc.word.text for heredoc in statement.heredocs}
    return made.Copy(
        statement=statement,
        add=statement.name == "ADD",
        sources=tuple(word for word in words[:-1] if word.text not in announced),
        destination=words[-1],
        heredocs=statement.heredocs,
        from_=flags.text("from"),
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=bool(flags.boolean("link")),
        parents=bool(flags.boolean("parents")),
        exclude=flags.texts("exclude"),
        checksum=flags.text("checksum"),
        keep_git_dir=bool(flags.boolean("keep-git-dir")),
        unpack=flags.boolean("unpack"),
    )


def _workdir(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    parser.needs(statement)
    return made.Workdir(statement=statement, path=statement.rest)


def _user(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.User(statement=statement, name=parser.one(statement))


def _volume(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    paths = parser.paths(statement)
    if not paths or not all(path.text for path in paths):
        raise parser.source.error(statement.rest, "VOLUME specified can not be an empty string")
    return made.Volume(statement=statement, paths=paths)


def _expose(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.Expose(statement=statement, ports=parser.words(statement))


def _stop_signal(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    return made.StopSignal(statement=statement, signal=parser.one(statement))


def _healthcheck(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    word, rest = parser.words(statement)[0], statement.rest
    rest, kind = rest.part(len(word)).stripped(), word.text.upper()
    words: tuple[str, ...] = ()
    if kind == "NONE":
        if rest.text or statement.flags:
            raise parser.source.error(rest if rest.text else statement.flags[0], "HEALTHCHECK NONE takes no arguments")
    elif kind == "CMD":
        listed = parser.json(rest)
        if not rest.text or listed == ():
            raise parser.source.error(word, "missing command after HEALTHCHECK CMD")
        kind, words = ("CMD-SHELL", (rest.text,)) if listed is None else ("CMD", listed)
    else:
        raise parser.source.error(word, f"unknown type {word.text!r} in HEALTHCHECK (try CMD)")
    return made.Healthcheck(
        statement=statement,
        kind=kind,
        words=words,
        interval=flags.duration("interval"),
        timeout=flags.duration("timeout"),
        start_period=flags.duration("start-period"),
        start_interval=flags.duration("start-interval"),
        retries=flags.integer("retries"),
    )


def _onbuild(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    parser.needs(statement)
    position = statement.rest.position
    inner = reread(statement.rest.text, parser.escape, parser.source, position)
    trigger = statement.rest.text
    if statement.heredocs:
        trigger += "".join(f"\n{each.content.text}{each.name}" for each in statement.heredocs)
        inner = evolve(inner, heredocs=statement.heredocs)
    parser.trigger(inner)
    return made.Onbuild(statement=statement, trigger=trigger)


def _maintainer(parser: _Parser, statement: Statement, flags: Flags) -> Instruction:
    parser.needs(statement)
    return made.Maintainer(statement=statement, author=statement.rest.text)


_MAKERS: Final[dict[str, Callable[[_Parser, Statement, Flags], Instruction]]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
