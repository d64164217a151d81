# ruff: noqa: N818 - errors are named for what happened, in the field's own words: ContainerNotFound, Conflict
"""What can go wrong, as one tree.

::

    SupervisorError
    ├── NotFound
    │   ├── ImageNotFound
    │   ├── ContainerNotFound
    │   ├── ExecNotFound
    │   ├── SnapshotNotFound
    │   ├── CursorNotFound          events after a cursor are forgotten, or it is of another store
    │   ├── ContentNotFound
    │   ├── ManifestNotFound        a registry does not have this image
    │   ├── LeaseNotFound
    │   └── PathNotFound            among a container's files
    ├── AmbiguousReference          a prefix that fits several objects
    │   └── AmbiguousId
    ├── InvalidInput
    │   ├── InvalidReference        an image's name
    │   ├── InvalidName             a container's name
    │   ├── InvalidConfig           a field of ContainerConfig or ExecConfig
    │   ├── InvalidDigest
    │   ├── ImageError              an archive or image that is not what it says
    │   ├── PathRefused             among a container's files: not a directory, a loop of links
    │   └── LayerError              an entry of a layer that must not or cannot be unpacked
    ├── DigestMismatch              content that is not what its digest says
    ├── RegistryError               a registry did not do what it was asked
    │   ├── RegistryUnavailable     no answer, or none that was better, after all attempts
    │   ├── AccessDenied            wrong credentials, or none, or not enough
    │   └── RegistryRefused         an answer that is final, or makes no sense
    ├── Conflict
    │   ├── NameInUse
    │   ├── IdInUse
    │   ├── ImageInUse
    │   ├── SnapshotExists
    │   ├── LeaseExists
    │   ├── IngestInUse
    │   ├── AlreadyRunning
    │   ├── NotRunning
    │   ├── ReadOnly                where something is to be put among a container's files
    │   ├── Paused
    │   ├── NotPaused
    │   ├── Restarting              it has ended, and its restart policy is about to start it again
    │   ├── RemovalInProgress
    │   ├── ContainerRunning        refused as long as it runs
    │   └── ExecAlreadyStarted
    ├── StartFailed                 the runtime could not make the process
    │   ├── CommandNotFound         exit code 127
    │   └── CommandNotExecutable    exit code 126
    ├── NetworkFailed               the network provider could not connect a container
    ├── NotReady                    a container has ended, or time has, before it was ready
    ├── RuntimeFailed               the runtime could not do it to a container
    ├── StoreFailed                 the metadata could not be written: the disk is full, or read-only
    ├── StoreInUse                  another supervisor has this root open
    ├── StoreTooNew                 written by a newer version
    ├── StoreDamaged                the metadata cannot be read
    ├── StoreReadOnly               a directory of the store cannot be written to
    ├── StoreNotOurs                a directory of the store belongs to somebody else, or everybody may write to it
    └── Unsupported                 this machine cannot do what was asked
"""

from __future__ import annotations

from typing import ClassVar


class SupervisorError(Exception):
    """Base of everything pycontainerd raises on purpose. The text is for the user: what, where, and what to do."""


class NotFound(SupervisorError):
    """Something named does not exist."""


class ImageNotFound(NotFound):
    """No image has this reference or id."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"No such image: {reference}")
        self.reference = reference


class ContainerNotFound(NotFound):
    """No container has this name, id or id prefix."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"No such container: {reference}")
        self.reference = reference


class ExecNotFound(NotFound):
    """No exec instance has this id."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"No such exec instance: {reference}")
        self.reference = reference


class SnapshotNotFound(NotFound):
    """No snapshot has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"snapshot {key}: does not exist")
        self.key = key


class CursorNotFound(NotFound):
    """A reader of events cannot go on where it was without missing some. ``cursor`` is where it was; up to ``forgotten`` none is kept."""

    def __init__(self, cursor: int, forgotten: int) -> None:
        why = (
            f"those up to {forgotten} are not kept any more" if cursor < forgotten else "this store has not come so far"
        )
        super().__init__(f"events after cursor {cursor}: {why}; read from 0 on to have all that there is")
        self.cursor = cursor
        self.forgotten = forgotten


class ContentNotFound(NotFound):
    """The content store has no blob of this digest."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"content {digest}: not in the store")
        self.digest = digest


class LeaseNotFound(NotFound):
    """No lease has this id, or it has expired."""

    def __init__(self, id: str) -> None:
        super().__init__(f"lease {id}: does not exist, or has expired")
        self.id = id


class ManifestNotFound(NotFound):
    """The registry does not have this image."""

    def __init__(self, reference: str, reason: str = "manifest unknown") -> None:
        super().__init__(f"manifest for {reference} not found: {reason}")
        self.reference = reference


class PathNotFound(NotFound):
    """A container has no such file."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Could not find the file {path} in the container")
        self.path = path


class AmbiguousReference(SupervisorError):
    """A prefix fits more than one object."""


class AmbiguousId(AmbiguousReference):
    """An id prefix fits more than one container."""

    def __init__(self, prefix: str) -> None:
        super().__init__(f"Multiple IDs found with provided prefix: {prefix}")
        self.prefix = prefix


class InvalidInput(SupervisorError):
    """What was handed in is malformed; nothing was done."""


class InvalidReference(InvalidInput):
    """Not an image reference."""

    def __init__(self, reference: str, rule: str = "invalid reference format") -> None:
        super().__init__(f"{reference!r}: {rule}")
        self.reference = reference


class InvalidName(InvalidInput):
    """Not a container name."""


class InvalidConfig(InvalidInput):
    """A field of a configuration: ``field`` names it, ``rule`` says what it must be."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class InvalidDigest(InvalidInput):
    """Not ``sha256:`` and 64 hexadecimal digits."""

    def __init__(self, digest: object) -> None:
        super().__init__(f"{digest!r}: not a digest (sha256: and 64 hexadecimal digits)")


class ImageError(InvalidInput):
    """An archive or image that cannot be read: truncated, incomplete, contradictory."""


class PathRefused(InvalidInput):
    """A path of a container that cannot be what it was named for."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path


class LayerError(InvalidInput):
    """An entry of a layer that is malformed, or would leave the layer's root. ``entry`` is its name."""

    def __init__(self, entry: str, rule: str) -> None:
        super().__init__(f"layer entry {entry!r}: {rule}")
        self.entry = entry
        self.rule = rule


class DigestMismatch(SupervisorError):
    """Content whose digest or size is not the promised one; it was not kept."""

    def __init__(self, what: str, expected: object, actual: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {actual}")


class RegistryError(SupervisorError):
    """A registry did not do what it was asked. ``host`` is its name. No text ever has a credential in it."""

    def __init__(self, host: str, problem: str) -> None:
        super().__init__(f"registry {host}: {problem}")
        self.host = host


class RegistryUnavailable(RegistryError):
    """No answer, or none that was better, after all attempts. It may help to try again later: what has arrived is kept for that."""


class AccessDenied(RegistryError):
    """The registry wants other credentials, or the account may not do this."""


class RegistryRefused(RegistryError):
    """An answer that is final, or that makes no sense."""


class Conflict(SupervisorError):
    """The object is in a state in which this cannot be done."""


class NameInUse(Conflict):
    """Another container has this name. ``owner`` is its id."""

    def __init__(self, name: str, owner: str) -> None:
        super().__init__(
            f'The container name "/{name}" is already in use by container "{owner}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )
        self.name = name
        self.owner = owner


class IdInUse(Conflict):
    """There is a container of this id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"The container id {id} is already in use")
        self.id = id


class ImageInUse(Conflict):
    """The image cannot be removed: a container or another name uses it."""


class SnapshotExists(Conflict):
    """A snapshot of this key exists already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"snapshot {key}: exists already")
        self.key = key


class IngestInUse(Conflict):
    """Somebody is writing the ingest of this reference."""


class LeaseExists(Conflict):
    """A lease of this id exists already."""

    def __init__(self, id: str) -> None:
        super().__init__(f"lease {id}: exists already")
        self.id = id


class AlreadyRunning(Conflict):
    """The container runs already."""


class NotRunning(Conflict):
    """The container does not run."""


class ReadOnly(Conflict):
    """Nothing can be put into these files of a container: ``rule`` says why, in dockerd's words."""

    def __init__(self, label: str, rule: str) -> None:
        super().__init__(f"container {label}: {rule}")
        self.rule = rule


class Paused(Conflict):
    """The container is paused; resume it first."""


class NotPaused(Conflict):
    """The container is not paused."""


class Restarting(Conflict):
    """The container is between two runs; wait until it runs, or stop it."""


class RemovalInProgress(Conflict):
    """The container is being removed."""


class ContainerRunning(Conflict):
    """The container must be stopped first."""


class ExecAlreadyStarted(Conflict):
    """An exec can be started once."""


class StartFailed(SupervisorError):
    """The runtime could not make the process. ``exit_code`` is what a client's shell would show."""

    exit_code: ClassVar[int] = 128


class CommandNotFound(StartFailed):
    """The program does not exist in the container."""

    exit_code = 127


class CommandNotExecutable(StartFailed):
    """The program may not be executed."""

    exit_code = 126


class NotReady(SupervisorError):
    """What was waited for has not come: the text says which condition does not hold, and ends with the container's last words."""


class NetworkFailed(SupervisorError):
    """A container could not be connected to its networks, and was not started; the text has the provider's reason, and ``__cause__`` its error."""


class RuntimeFailed(SupervisorError):
    """The runtime could not do what was asked to a container; the text has its reason."""


class StoreFailed(SupervisorError):
    """The metadata could not be written, and are as they were."""


class StoreInUse(SupervisorError):
    """Another supervisor has this root open."""


class StoreTooNew(SupervisorError):
    """The store was written by a newer version of pycontainerd."""


class StoreDamaged(SupervisorError):
    """The metadata cannot be read."""


class StoreReadOnly(SupervisorError):
    """A directory of the store cannot be written to; nothing in it was changed."""


class StoreNotOurs(SupervisorError):
    """A directory of the store belongs to somebody else, or everybody may write to it; nothing in it was believed or changed."""


class Unsupported(SupervisorError):
    """This machine cannot do what was asked; the text names the field."""
