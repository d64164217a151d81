"""What a checkpoint and a restore may be asked for, in the words of runc's flags, and as criu's (criu(8))."""

from __future__ import annotations

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    CgroupsMode = Literal["soft", "full", "strict", "ignore"]


@frozen(kw_only=True)
class CriuOptions:
    """What dump and restore must be told alike. ``program`` is criu's name or path.

    ``empty_ns``: kinds of namespaces (``network``) that are made, but whose content is left to the caller.
    """

    program: str = "criu"
    work_path: str = ""
    tcp_established: bool = False
    ext_unix_sk: bool = False
    shell_job: bool = False
    file_locks: bool = False
    lazy_pages: bool = False
    auto_dedup: bool = False
    manage_cgroups: CgroupsMode = "soft"
    empty_ns: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """For criu."""
        switches = {
            "--tcp-established": self.tcp_established,
            "--ext-unix-sk": self.ext_unix_sk,
            "--shell-job": self.shell_job,
            "--file-locks": self.file_locks,
            "--lazy-pages": self.lazy_pages,
            "--auto-dedup": self.auto_dedup,
        }
        return [
            *(switch for switch, wanted in switches.items() if wanted),
            f"--manage-cgroups={self.manage_cgroups}",
            *(word for kind in self.empty_ns for word in ("--empty-ns", _NAMESPACES.get(kind, kind))),
        ]


_NAMESPACES = {"network": "net"}


@frozen(kw_only=True)
class CheckpointOptions(CriuOptions):
    """``pre_dump`` writes the memory only and lets the container run, to make a later dump with ``parent_path`` shorter, which is relative to
    the images' directory. ``page_server``: ``ADDRESS:PORT`` that takes the memory. ``status_fd`` gets a byte once lazy pages can be had.
    """

    leave_running: bool = False
    pre_dump: bool = False
    parent_path: str = ""
    page_server: str = ""
    status_fd: int = -1

    def arguments(self) -> list[str]:
        """For criu."""
        words = super().arguments()
        if self.leave_running and not self.pre_dump:
            words.append("--leave-running")
        if self.pre_dump or self.parent_path:
            words.append("--track-mem")
        if self.parent_path:
            words += ["--prev-images-dir", self.parent_path]
        if self.page_server:
            address, _, port = self.page_server.rpartition(":")
            words += [*([] if self.lazy_pages else ["--page-server"]), "--address", address, "--port", port]
        if self.status_fd >= 0:
            words += ["--status-fd", str(self.status_fd)]
        return words


@frozen(kw_only=True)
class RestoreOptions(CriuOptions):
    """``lsm_profile``: ``apparmor:NAME``, instead of the profile of before; ``lsm_mount_context``: an SELinux context for the mounts."""

    lsm_profile: str = ""
    lsm_mount_context: str = ""

    def arguments(self) -> list[str]:
        """For criu."""
        words = super().arguments()
        if self.lsm_profile:
            words += ["--lsm-profile", self.lsm_profile]
        if self.lsm_mount_context:
            words += ["--lsm-mount-context", self.lsm_mount_context]
        return words
