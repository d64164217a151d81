"""One stage: its instructions one after the other, each from the cache or done. What an instruction means is decided in here; doing it is the workshop's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal as signals
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from attrs import define, evolve, field

from pycontainerd.images.image import Layer
from pydockerd.builder import configuration, copying, layertar, owners
from pydockerd.builder import state as states
from pydockerd.builder.adding import fill
from pydockerd.builder.arguments import EPOCH, Scope
from pydockerd.builder.build import Build
from pydockerd.builder.cache import Record, keep
from pydockerd.builder.copying import Plan, Wish
from pydockerd.builder.dockerfile import instructions as dockerfile
from pydockerd.builder.dockerfile.instructions import Instruction
from pydockerd.builder.dockerfile.parse import parse_trigger
from pydockerd.builder.dockerfile.source import Source, Text
from pydockerd.builder.dockerfile.statements import Heredoc
from pydockerd.builder.dockerfile.words import expand, expand_plainly, expand_words
from pydockerd.builder.graph import Node as StageNode
from pydockerd.builder.graph import stage_of
from pydockerd.builder.mounts import mounting, traces
from pydockerd.builder.state import State
from pydockerd.builder.transcript import Voice
from pydockerd.builder.tree import EmptyTree, Tree
from pydockerd.builder.workshop import Command
from pydockerd.errors import ApiError, BadRequest, DockerfileError

Make = Callable[[], Awaitable[Layer | None]]


@define
class StageBuild:
    """Of one build. ``source`` is the Dockerfile, or a trigger of the base image, while that is being done."""

    build: Build
    node: StageNode
    voice: Voice
    scope: Scope
    source: Source
    state: State = field(factory=State)

    async def run(self) -> State:
        """Do all of it. DockerfileError, BuildFailed, and what the supervisor raises."""
        await self.voice.step(self.node.stage.start.text)
        self.state = await self.build.base(self.node, self.voice)
        if self.state.layers or self.state.base:
            await self.voice.say(f" ---> {self.state.short_id}\n")
        else:
            await self.voice.say(" ---> \n")
        await self._triggers()
        for instruction in self.node.stage.instructions:
            await self.voice.step(instruction.text)
            await self._placed(instruction)
        return self.state

    async def _triggers(self) -> None:
        """ONBUILD of the base image: done here, and no part of what is built."""
        found = list(self.state.config.get("OnBuild") or [])
        if not found:
            return
        self.state = evolve(self.state, config={**self.state.config, "OnBuild": None}, base="")
        await self.voice.say(f"# Executing {len(found)} build trigger{'s' if len(found) > 1 else ''}\n")
        outer, escape = self.source, self.build.dockerfile.escape
        for text in found:
            self.source = Source("ONBUILD", (str(text),))
            await self._placed(parse_trigger(str(text), escape))
        self.source = outer

    async def _placed(self, instruction: Instruction) -> None:
        """Whatever is wrong with an instruction is told with its place."""
        try:
            await _DO[type(instruction)](self, instruction)
        except DockerfileError:
            raise
        except BadRequest as error:
            raise self.source.error(instruction.statement.keyword, str(error)) from None
        await self.voice.say(f" ---> {self.state.short_id}\n")

    # -- what they share -------------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> Mapping[str, str]:
        """What an instruction sees."""
        return self.scope.variables(self.state.env)

    def text(self, text: Text) -> str:
        """Expanded, as one word."""
        return expand(text, self.variables, self.source, self.build.dockerfile.escape)

    def words(self, texts: Sequence[Text]) -> tuple[str, ...]:
        """Expanded, as words."""
        escape = self.build.dockerfile.escape
        return tuple(word for text in texts for word in expand_words(text, self.variables, self.source, escape))

    async def changed(self, config: configuration.Config, comment: str) -> None:
        """A step that changes the configuration alone. When it was first done is remembered, so that the same build is the same image."""
        by = configuration.nothing_done(config, comment)
        key = states.digest("configuration", self.state.key, by, self.build.epoch_ns)
        record = None if self.build.options.no_cache else await self.build.cache.get(key)
        if record is None:
            record = Record(key=key, description=comment, created=self._now())
            await self.build.cache.put(record)
        else:
            await self.voice.say(" ---> Using cache\n")
        self.state = evolve(self.state.stepped(created=record.created, by=by, key=key), config=config)

    def _now(self) -> str:
        return states.rfc3339(time.time_ns() if self.build.epoch_ns is None else self.build.epoch_ns)

    async def layered(self, key: str, by: str, description: str, make: Make) -> None:
        """A step that gives a layer: taken from the cache, from who is just making it, or made."""
        key = states.digest(key, self.build.epoch_ns)
        async with self.build.cache.claimed(key):
            record = None if self.build.options.no_cache else await self.build.cache.get(key)
            if record is not None and record.layer is not None:
                await self.build.workshop.hold(record.layer)
                if not self.build.workshop.has(record.layer):
                    record = None
            if record is not None:
                await self.voice.say(" ---> Using cache\n")
            else:
                layer = await make()
                record = Record(key=key, description=description, layer=layer, created=self._now())
                if layer is not None:
                    await keep(self.build.workshop.supervisor, layer)
                await self.build.cache.put(record)
        self.state = self.state.stepped(created=record.created, by=by, layer=record.layer, key=key)

    # -- RUN -------------------------------------------------------------------------------------------------------------------

    async def run_command(self, instruction: dockerfile.Run) -> None:
        """RUN."""
        if instruction.security != "sandbox":
            raise BadRequest("security.insecure is not allowed: this builder runs no command without a sandbox")
        words = configuration.words(instruction.command, self.state.config)
        env = self.state.env
        arguments = dict(self.scope.of_command(env))
        if self.build.epoch_ns is not None and EPOCH in self.build.options.arguments:
            arguments.setdefault(EPOCH, self.build.options.arguments[EPOCH])
        network = instruction.network if instruction.network != "default" else self.build.options.network_mode
        by = configuration.ran(words, arguments)
        async with mounting(self.build, instruction, self.state.workdir, self.text, self.files_of) as mounted:
            key = states.digest(
                "RUN", self.state.chain, words, env, arguments, self.state.workdir, self.state.config.get("User"),
                network, sorted(self.build.options.extra_hosts), mounted.key,
            )  # fmt: skip
            given = {**env, **arguments, **self.scope.proxies(env)}
            command = Command(
                words=tuple(words),
                env=tuple(f"{name}={value}" for name, value in given.items()),
                workdir=self.state.workdir,
                user=str(self.state.config.get("User") or ""),
                network=network,
                shown=" ".join(words),
            )

            async def make() -> Layer | None:
                mounts = await mounted.prepare()
                async with self.build.workshop.files(self.state.layers) as root:
                    left = await asyncio.to_thread(traces, root, mounted.targets)
                return await self.build.workshop.run(
                    self.state.layers,
                    evolve(command, mounts=mounts),
                    self.voice.say,
                    traces=left,
                    newest_ns=self.build.epoch_ns,
                )

            await self.layered(key, by, f"RUN {instruction.command.text}", make)

    # -- COPY and ADD ----------------------------------------------------------------------------------------------------------

    async def copy(self, instruction: dockerfile.Copy) -> None:
        """COPY and ADD."""
        name = instruction.statement.name
        sources = self.words(instruction.sources)
        destination = self.text(instruction.destination)
        if not destination:
            raise BadRequest(f"{name}: the destination is empty")
        async with self.build.workshop.files(() if instruction.link else self.state.layers) as root:
            wish = Wish(
                name=name,
                sources=sources,
                destination=destination,
                workdir=self.state.workdir,
                owner=await self._owner(instruction, root),
                mode=copying.parse_mode(self.text(instruction.chmod)) if instruction.chmod is not None else None,
                parents=instruction.parents,
                exclude=tuple(self.text(each) for each in instruction.exclude),
            )
            plan = Plan(wish, EmptyTree() if instruction.link else root, self._moment_ns())
            async with self._from(instruction) as tree:
                checksum = self.text(instruction.checksum) if instruction.checksum is not None else ""
                async with fill(self.build, instruction, plan, tree, self.heredoc, checksum) as shown:
                    content = await asyncio.to_thread(copying.digest, plan.items)
                    key = states.digest("COPY", "" if instruction.link else self.state.chain, content)
                    said = f"{name} {_chown_shown(instruction)}{shown}:{content} in {destination} "
                    by = configuration.nothing_done(self.state.config, said, blank="")

                    async def make() -> Layer | None:
                        return await self.build.workshop.take_in(layertar.tar(plan.items, self.build.epoch_ns))

                    await self.layered(key, by, f"{name} {' '.join(sources)} {destination}", make)

    def heredoc(self, heredoc: Heredoc) -> bytes:
        """What the file gets."""
        if not heredoc.expand:
            return heredoc.content.text.encode()
        return expand_plainly(heredoc.content, self.variables, self.source, self.build.dockerfile.escape).encode()

    async def _owner(self, instruction: dockerfile.Copy, root: Tree) -> tuple[int, int] | None:
        if instruction.chown is None:
            return None
        text = self.text(instruction.chown)
        if instruction.link:
            async with self.build.workshop.files(self.state.layers) as files:
                return await asyncio.to_thread(owners.owner, files, text)
        return await asyncio.to_thread(owners.owner, root, text)

    def _moment_ns(self) -> int:
        return time.time_ns() if self.build.epoch_ns is None else self.build.epoch_ns

    @contextlib.asynccontextmanager
    async def _from(self, instruction: dockerfile.Copy) -> AsyncIterator[Tree]:
        if instruction.from_ is None:
            yield self.build.context
            return
        async with self.files_of(instruction.from_) as tree:
            yield tree

    @contextlib.asynccontextmanager
    async def files_of(self, reference: Text) -> AsyncIterator[Tree]:
        """Those of a stage, which is waited for, or of an image."""
        name = self.text(reference)
        number = stage_of(self.build.dockerfile, name, self.node.stage.number)
        try:
            state = (
                await self.build.done(number) if number is not None else await self.build.image(name, "", self.voice)
            )
        except ApiError as error:
            if number is None and not isinstance(error, DockerfileError):
                raise self.source.error(reference, f"invalid from flag value {name}: {error}") from error
            raise
        async with self.build.workshop.files(state.layers) as tree:
            yield tree

    # -- the others ------------------------------------------------------------------------------------------------------------

    async def workdir(self, instruction: dockerfile.Workdir) -> None:
        """WORKDIR: the directory is made if it is not there."""
        config = configuration.with_workdir(self.state.config, self.text(instruction.path))
        path = str(config["WorkingDir"])
        by = configuration.nothing_done(self.state.config, f"WORKDIR {path}", blank="")
        self.state = evolve(self.state, config=config)

        async def make() -> Layer | None:
            async with self.build.workshop.files(self.state.layers) as root:
                plan = Plan(Wish(name="WORKDIR", sources=(), destination=path), root, self._moment_ns())
                await asyncio.to_thread(lambda: plan.directory(plan.destination))
                return await self.build.workshop.take_in(layertar.tar(plan.items, self.build.epoch_ns))

        await self.layered(states.digest("WORKDIR", self.state.chain, path), by, f"WORKDIR {path}", make)

    async def env(self, instruction: dockerfile.Env) -> None:
        """ENV."""
        pairs = [(self.text(name), self.text(value)) for name, value in instruction.pairs]
        comment = " ".join(["ENV", *(f"{name}={value}" for name, value in pairs)])
        await self.changed(configuration.with_env(self.state.config, pairs), comment)

    async def label(self, instruction: dockerfile.Label) -> None:
        """LABEL."""
        await self.labelled([(self.text(name), self.text(value)) for name, value in instruction.pairs])

    async def labelled(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Of LABEL, or by the client."""
        comment = " ".join(["LABEL", *(f"{name}={value}" for name, value in pairs)])
        await self.changed(configuration.with_labels(self.state.config, pairs), comment)

    async def arg(self, instruction: dockerfile.Arg) -> None:
        """ARG."""
        self.scope = self.scope.after(instruction, self.state.env, self.source, self.build.dockerfile.escape)
        told = [f"{name}={self.text(default)}" if default is not None else name for name, default in instruction.pairs]
        await self.changed(self.state.config, " ".join(["ARG", *told]))

    async def cmd(self, instruction: dockerfile.Cmd) -> None:
        """CMD."""
        config = configuration.with_cmd(self.state.config, instruction.command)
        await self.changed(config, f"CMD {configuration.quoted(config.get('Cmd') or ())}")
        self.state = evolve(self.state, cmd_set=True)

    async def entrypoint(self, instruction: dockerfile.Entrypoint) -> None:
        """ENTRYPOINT."""
        config = configuration.with_entrypoint(self.state.config, instruction.command, cmd_set=self.state.cmd_set)
        await self.changed(config, f"ENTRYPOINT {configuration.quoted(config.get('Entrypoint') or ())}")

    async def shell(self, instruction: dockerfile.Shell) -> None:
        """SHELL."""
        config = {**self.state.config, "Shell": list(instruction.words)}
        await self.changed(config, f"SHELL [{' '.join(instruction.words)}]")

    async def user(self, instruction: dockerfile.User) -> None:
        """USER."""
        user = self.text(instruction.name)
        await self.changed({**self.state.config, "User": user}, f"USER {user}")

    async def volume(self, instruction: dockerfile.Volume) -> None:
        """VOLUME."""
        paths = [self.text(path) for path in instruction.paths]
        if not all(paths):
            raise BadRequest("VOLUME specified can not be an empty string")
        await self.changed(configuration.with_volumes(self.state.config, paths), f"VOLUME [{' '.join(paths)}]")

    async def expose(self, instruction: dockerfile.Expose) -> None:
        """EXPOSE."""
        said = self.words(instruction.ports)
        config = configuration.with_ports(self.state.config, configuration.ports(said))
        await self.changed(config, " ".join(["EXPOSE", *sorted(said)]))

    async def stop_signal(self, instruction: dockerfile.StopSignal) -> None:
        """STOPSIGNAL."""
        signal = self.text(instruction.signal)
        name = signal.upper().removeprefix("SIG")
        number = int(signal) if signal.isdigit() and len(signal) < 4 else 0
        plain = re.split(r"[+-]", name)[0]  # RTMIN+3
        if not 0 < number <= signals.SIGRTMAX and f"SIG{plain}" not in signals.Signals.__members__:
            raise BadRequest(f"Invalid signal: {signal}")
        await self.changed({**self.state.config, "StopSignal": signal}, f"STOPSIGNAL {signal}")

    async def healthcheck(self, instruction: dockerfile.Healthcheck) -> None:
        """HEALTHCHECK."""
        config = configuration.with_healthcheck(self.state.config, instruction)
        shown = json.dumps(config["Healthcheck"], separators=(",", ":"))
        await self.changed(config, f"HEALTHCHECK {shown}")

    async def onbuild(self, instruction: dockerfile.Onbuild) -> None:
        """ONBUILD."""
        config = configuration.with_trigger(self.state.config, instruction.trigger)
        await self.changed(config, f"ONBUILD {instruction.trigger}")

    async def maintainer(self, instruction: dockerfile.Maintainer) -> None:
        """MAINTAINER."""
        self.state = evolve(self.state, author=instruction.author)
        await self.changed(self.state.config, f"MAINTAINER {instruction.author}")


def _chown_shown(instruction: dockerfile.Copy) -> str:
    return f"--chown={instruction.chown} " if instruction.chown is not None else ""


_DO: Final[dict[type[Instruction], Callable[[StageBuild, Any], Awaitable[None]]]] = {
    dockerfile.Arg: StageBuild.arg,
    dockerfile.Cmd: StageBuild.cmd,
    dockerfile.Copy: StageBuild.copy,
    dockerfile.Entrypoint: StageBuild.entrypoint,
    dockerfile.Env: StageBuild.env,
    dockerfile.Expose: StageBuild.expose,
    dockerfile.Healthcheck: StageBuild.healthcheck,
    dockerfile.Label: StageBuild.label,
    dockerfile.Maintainer: StageBuild.maintainer,
    dockerfile.Onbuild: StageBuild.onbuild,
    dockerfile.Run: StageBuild.run_command,
    dockerfile.Shell: StageBuild.shell,
    dockerfile.StopSignal: StageBuild.stop_signal,
    dockerfile.User: StageBuild.user,
    dockerfile.Volume: StageBuild.volume,
    dockerfile.Workdir: StageBuild.workdir,
}
