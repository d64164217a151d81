"""Which containers a list shows: the filters of ``docker ps``, as a pure decision on each container."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from pycontainerd.containers.info import Status
from pydockerd.errors import BadRequest
from pydockerd.filters import Filters
from pydockerd.network.ports import Port, parse_ports
from pydockerd.translate.networks import exposed
from pydockerd.views.container import ContainerFacts
from pydockerd.volumes.point import points_of

FILTERS = (
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "name", "network", "publish",
    "since", "status", "volume",
)  # fmt: skip
_STATUSES = frozenset({"created", "restarting", "running", "removing", "paused", "exited", "dead"})
_HEALTHS = frozenset({"starting", "healthy", "unhealthy", "none"})


@frozen(kw_only=True)
class Selection:
    """What a list was asked for: ``limit`` newest ones, of all or of the running ones only.

    ``ancestors`` are the image ids that the filter of that name stands for.
    """

    filters: Filters
    all: bool = False
    limit: int = 0
    ancestors: frozenset[str] = frozenset()

    def pick(self, containers: Iterable[ContainerFacts]) -> list[ContainerFacts]:
        """The ones to show, newest first. Raises BadRequest for a filter's value that cannot be, or names no container."""
        self._check()
        ordered = sorted(containers, key=lambda facts: facts.info.created_at, reverse=True)
        bounded, tests = self._between(ordered), self._tests() if self.filters.values else ()
        picked = [facts for facts in bounded if self._shows(facts) and all(test(facts) for test in tests)]
        return picked[: self.limit] if self.limit > 0 else picked

    def _shows(self, facts: ContainerFacts) -> bool:
        return self._everything or facts.info.running or facts.info.status is Status.RESTARTING

    @property
    def _everything(self) -> bool:
        return (
            self.all
            or self.limit > 0
            or any(self.filters.get(name) for name in ("status", "exited", "before", "since"))
        )

    def _tests(self) -> tuple[Callable[[ContainerFacts], bool], ...]:
        wanted = self.filters
        return (
            lambda facts: wanted.one_of("status", facts.info.status.value),
            lambda facts: _any_in(wanted.get("name"), (facts.info.name or "", f"/{facts.info.name}")),
            lambda facts: _any_prefix(wanted.get("id"), facts.info.id),
            lambda facts: wanted.labels(facts.config.labels),
            lambda facts: not wanted.get("ancestor") or facts.info.image_id in self.ancestors,
            self._exited,
            lambda facts: _mounted(wanted.get("volume"), facts),
            lambda facts: _connected(wanted.get("network"), facts),
            lambda facts: wanted.one_of(
                "health", facts.info.health.status if facts.info.health is not None else "none"
            ),
            lambda facts: not wanted.get("is-task") or not wanted.flag("is-task", False),
            lambda facts: _published(wanted.get("publish"), facts),
            lambda facts: _exposed(wanted.get("expose"), facts),
        )

    def _exited(self, facts: ContainerFacts) -> bool:
        codes = self.filters.get("exited")
        ended = facts.info.status in {Status.EXITED, Status.DEAD} and facts.info.finished_at is not None
        return not codes or (ended and str(facts.info.exit_code) in codes)

    def _between(self, ordered: Sequence[ContainerFacts]) -> Sequence[ContainerFacts]:
        """Those created before one container and since another, by their place in the order."""
        first, last = 0, len(ordered)
        for name in self.filters.get("before"):
            first = max(first, _place(ordered, name) + 1)
        for name in self.filters.get("since"):
            last = min(last, _place(ordered, name))
        return ordered[first:last]

    def _check(self) -> None:
        for value in self.filters.get("status"):
            if value not in _STATUSES:
                raise BadRequest(f"invalid filter 'status={value}'")
        for value in self.filters.get("health"):
            if value not in _HEALTHS:
                raise BadRequest(f"invalid filter 'health={value}'")
        for value in self.filters.get("exited"):
            if not value.lstrip("-").isdigit():
                raise BadRequest(f"invalid filter 'exited={value}'")


def _place(ordered: Sequence[ContainerFacts], reference: str) -> int:
    name = reference.removeprefix("/")
    for place, facts in enumerate(ordered):
        if facts.info.name == name or facts.info.id == reference:
            return place
    for place, facts in enumerate(ordered):
        if reference and facts.info.id.startswith(reference):
            return place
    raise BadRequest(f"No such container: {reference}")


def _any_in(patterns: Sequence[str], names: Sequence[str]) -> bool:
    import re

    try:
        return not patterns or any(re.search(pattern, name) for pattern in patterns for name in names)
    except re.error as error:
        raise BadRequest(f"invalid filter 'name': {error}") from None


def _any_prefix(prefixes: Sequence[str], value: str) -> bool:
    return not prefixes or any(value.startswith(prefix) for prefix in prefixes)


def _mounted(wanted: Sequence[str], facts: ContainerFacts) -> bool:
    points = points_of(facts.config) if wanted else ()
    return not wanted or any(text in wanted for point in points for text in (point.name, point.source, point.target))


def _connected(wanted: Sequence[str], facts: ContainerFacts) -> bool:
    return not wanted or any(
        value == each.name or (value and each.id.startswith(value)) for value in wanted for each in facts.connections
    )


def _exposed(wanted: Sequence[str], facts: ContainerFacts) -> bool:
    ports = set(exposed(facts.request)) if wanted else set()
    return not wanted or any(ports.intersection(parse_ports(text)) for text in wanted)


def _published(wanted: Sequence[str], facts: ContainerFacts) -> bool:
    """By the port of the container, as docker has it."""
    open_ports = {
        Port(port.port, port.protocol)
        for each in facts.connections
        if each.endpoint
        for port in each.endpoint.published
    }
    return not wanted or any(open_ports.intersection(parse_ports(text)) for text in wanted)
