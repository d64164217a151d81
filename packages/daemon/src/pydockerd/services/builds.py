"""Builds for the API: what comes over it put together with the builder, whose own parts know nothing of the daemon."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from functools import partial
from typing import IO, Final

import attrs

from pycontainerd import ContainerConfig, Credentials
from pycontainerd.errors import SupervisorError
from pycontainerd.images.importing import image_name
from pycontainerd.images.reference import remote
from pydockerd.builder import arguments, context, fetching, layertar
from pydockerd.builder.adding import Bytes
from pydockerd.builder.build import Build
from pydockerd.builder.context import TarTree
from pydockerd.builder.copying import Item
from pydockerd.builder.dockerfile.parse import parse
from pydockerd.builder.dockerfile.statements import MOST_BYTES
from pydockerd.builder.graph import plan
from pydockerd.builder.ignore import Ignore, read_patterns
from pydockerd.builder.options import BuildOptions
from pydockerd.builder.solve import solve
from pydockerd.builder.transcript import Transcript
from pydockerd.builder.tree import Kind, Node, parts_of
from pydockerd.builder.workshop import Command, Workshop
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.faults import as_answer
from pydockerd.meter import counted
from pydockerd.models.container_config import Config
from pydockerd.models.create import CreateRequest, NetworkingConfig
from pydockerd.models.host_config import HostConfig, LogConfig
from pydockerd.models.image import Progress
from pydockerd.models.registry import AuthConfig
from pydockerd.models.wire import Words, read
from pydockerd.services import registries
from pydockerd.translate.container import container_config
from pydockerd.translate.defaults import with_defaults
from pydockerd.translate.namespaces import MANAGED

_LONGEST_IGNORE: Final = 1 << 20
_EPOCH: Final = re.compile(r"[0-9]{1,11}")
Logins = Mapping[str, Credentials]


def logins(header: str) -> Logins:
    """What X-Registry-Config says: for each registry who we are there. Nonsense is nobody, as with X-Registry-Auth."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) if header else {}
        return {name: registries.of_config(read(AuthConfig, found)) for name, found in decoded.items()}
    except (ValueError, RecursionError, AttributeError, BadRequest):
        return {}


async def build(
    engine: Engine, options: BuildOptions, body: AsyncIterable[bytes], known: Logins
) -> AsyncIterator[Progress]:
    """The messages of a build. What is wrong with the request, its context or its Dockerfile is raised before the first one.

    The build ends with the iterator: nothing of it goes on, and nothing but what the cache has is left.
    """
    _check(options)
    with counted(engine.meter), contextlib.ExitStack() as stack:
        spool = stack.enter_context(engine.supervisor.images.spool())
        plain = stack.enter_context(engine.supervisor.images.spool())
        tree = await _tree(engine, options, body, spool, plain)
        with engine.supervisor.leases.lease() as lease:
            workshop = Workshop(engine.supervisor, partial(configure, engine, options), lease)
            made = _prepared(engine, options, tree, workshop, known)
            transcript = Transcript(made.graph.order, _steps(made), options.quiet)
            async for message in _followed(made, transcript):
                yield message


async def _followed(made: Build, transcript: Transcript) -> AsyncIterator[Progress]:
    async def work() -> None:
        try:
            await solve(made, transcript)
        finally:
            await transcript.messages.put(None)

    task = asyncio.create_task(work())
    try:
        while (message := await transcript.messages.get()) is not None:
            yield message
        await task
    finally:
        task.cancel()
        while not task.done():  # it may have something to say, which nobody waits for any more
            with contextlib.suppress(asyncio.QueueEmpty):
                transcript.messages.get_nowait()
            await asyncio.wait({task}, timeout=0.01)
        if not task.cancelled():
            task.exception()


def _steps(made: Build) -> dict[int, int]:
    steps = dict(made.graph.steps())
    if made.options.labels:
        steps[made.graph.target] += 1
    return steps


def _check(options: BuildOptions) -> None:
    for tag in options.tags:
        try:
            image_name(tag)
        except SupervisorError as error:
            raise BadRequest(f"invalid tag {tag!r}: {as_answer(error).message}") from None
    if options.squash:
        raise BadRequest("squash is not supported: it has been an experiment of docker's, and is gone from BuildKit")


async def _tree(
    engine: Engine, options: BuildOptions, body: AsyncIterable[bytes], spool: IO[bytes], plain: IO[bytes]
) -> TarTree:
    """The context: the body, or what is at an address: a repository, an archive, or a Dockerfile alone."""
    if not options.remote or options.remote == "client-session":
        await _received(body, spool)
    elif fetching.is_git(options.remote):
        await fetching.clone(options.remote, spool, engine.build_cache.directory / "work")
    elif fetching.is_url(options.remote):
        found = await fetching.fetch(options.remote, spool)
        if found.content_type.startswith("text/"):
            return await asyncio.to_thread(_dockerfile_alone, options, spool, plain)
    else:
        raise BadRequest(f"invalid remote context {options.remote!r}: expected an address of HTTP or git")
    return await asyncio.to_thread(_context, spool, plain)


def _dockerfile_alone(options: BuildOptions, spool: IO[bytes], plain: IO[bytes]) -> TarTree:
    spool.seek(0)
    content = spool.read(MOST_BYTES + 1)
    node = Node(kind=Kind.FILE, mode=0o644, size=len(content))
    for piece in layertar.tar([Item(options.dockerfile.strip("/"), node, Bytes(content), "")]):
        plain.write(piece)
    plain.flush()
    return TarTree.read(plain)


async def _received(body: AsyncIterable[bytes], spool: IO[bytes]) -> None:
    async for piece in body:
        await asyncio.to_thread(spool.write, piece)
    await asyncio.to_thread(spool.flush)


def _context(spool: IO[bytes], plain: IO[bytes]) -> TarTree:
    if not spool.tell():
        raise BadRequest("build context: empty: send a tar archive with a Dockerfile in it")
    return TarTree.read(context.plain_tar(spool, plain))


def _prepared(engine: Engine, options: BuildOptions, tree: TarTree, workshop: Workshop, known: Logins) -> Build:
    """All that can be decided before anything is done. DockerfileError, BadRequest."""
    name = options.dockerfile.lstrip("/") or "Dockerfile"
    content = tree.content("/".join(parts_of(name)), MOST_BYTES)
    if content is None:
        raise BadRequest(f"Cannot locate specified Dockerfile: {name}")
    dockerfile = parse(content, name)
    here = f"linux/{engine.architecture}"
    outside = arguments.outer_scope(
        dockerfile, options.arguments, arguments.platform_arguments(here, options.platform or here)
    )
    return Build(
        options=options,
        dockerfile=dockerfile,
        graph=plan(dockerfile, options.target, outside),
        context=_without_ignored(tree, name),
        cache=engine.build_cache,
        workshop=workshop,
        pull=lambda reference, platform: _pull(engine, known, reference, platform),
        architecture=engine.architecture,
        epoch_ns=_epoch(options),
        outside=outside,
        mount_options=("idmap",) if engine.facts.users is not None else (),
    )


def _without_ignored(tree: TarTree, dockerfile: str) -> TarTree:
    """The ignore file of this very Dockerfile is stronger than that of all."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        found = tree.content(name, _LONGEST_IGNORE)
        if found is not None:
            return tree.without(Ignore.of(read_patterns(found.decode("utf-8", "replace"))))
    return tree


def _epoch(options: BuildOptions) -> int | None:
    said = options.arguments.get(arguments.EPOCH)
    if not said:
        return None
    if not _EPOCH.fullmatch(said):
        raise BadRequest(f"{arguments.EPOCH}: expected seconds since 1970, got {said!r}")
    return int(said) * 10**9


async def _pull(engine: Engine, known: Logins, reference: str, platform: str) -> AsyncIterator[Progress]:
    found = remote(reference)
    names = (found.domain, "https://index.docker.io/v1/" if found.domain == "docker.io" else f"https://{found.domain}")
    auth = next((known[name] for name in names if name in known), Credentials())
    wanted = reference if found.tag or found.digest else f"{reference}:latest"
    async for message in registries.pull(engine, wanted, platform, auth):
        yield message


def configure(engine: Engine, options: BuildOptions, image: str, command: Command) -> ContainerConfig:
    """A container for a RUN, by the same way as for a client's request: with the daemon's defaults, profiles and networks."""
    limits = options.limits
    host = HostConfig(
        network_mode=command.network,
        extra_hosts=options.extra_hosts or None,
        log_config=LogConfig(type="none"),
        shm_size=limits.shm_size,
        ulimits=limits.ulimits,
        memory=limits.memory,
        memory_swap=limits.memory_swap,
        cpu_shares=limits.cpu_shares,
        cpu_period=limits.cpu_period,
        cpu_quota=limits.cpu_quota,
        cpuset_cpus=limits.cpuset_cpus,
        cpuset_mems=limits.cpuset_mems,
        cgroup_parent=limits.cgroup_parent,
    )
    request = CreateRequest(
        config=Config(
            image=image,
            cmd=Words(command.words),
            entrypoint=Words(),
            env=command.env,
            working_dir=command.workdir,
            user=command.user,
        ),
        host=host,
        networking=NetworkingConfig(),
    )
    request = with_defaults(
        request,
        cgroup_parent=engine.settings.cgroup_parent,
        defaults=engine.settings.defaults,
        default_network="bridge" if engine.networks.has_default else "none",
    )
    config = container_config(request, engine.facts).config
    if config.network == MANAGED:
        engine.networks.warm()
    return attrs.evolve(config, mounts=command.mounts)
