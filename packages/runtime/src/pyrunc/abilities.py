"""What this runtime can do, whatever the machine: the features document of the runtime specification (features.md)."""

from __future__ import annotations

from pyrunc.model import field, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
_OTHER_OPTIONS = ("bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap", "defaults", "silent", "loud")
_FLAGS_SINCE = {
    "SECCOMP_FILTER_FLAG_TSYNC": (3, 17),
    "SECCOMP_FILTER_FLAG_LOG": (4, 14),
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": (4, 17),
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": (5, 19),
}


@frozen(kw_only=True)
class SeccompFeatures:
    """``enabled``: libseccomp is installed. ``supported_flags`` are those of ``known_flags`` that this kernel has."""

    enabled: bool
    actions: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    archs: tuple[str, ...] = ()
    known_flags: tuple[str, ...] = ()
    supported_flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``linux.seccomp`` of features.md."""
        lists = {
            "actions": self.actions,
            "operators": self.operators,
            "archs": self.archs,
            "knownFlags": self.known_flags,
            "supportedFlags": self.supported_flags,
        }
        return {"enabled": self.enabled, **{name: sorted(words) for name, words in lists.items() if words}}


@frozen(kw_only=True)
class Features:
    """What ``features()`` found. ``mount_options`` are the words that mean something to pyrunc; others go to the file system."""

    oci_version_min: str
    oci_version_max: str
    hooks: tuple[str, ...]
    mount_options: tuple[str, ...]
    namespaces: tuple[str, ...]
    capabilities: tuple[str, ...]
    seccomp: SeccompFeatures
    annotations: Mapping[str, str] = field(factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of features.md (features-schema.json)."""
        enabled = {"enabled": True}
        return {
            "ociVersionMin": self.oci_version_min,
            "ociVersionMax": self.oci_version_max,
            "hooks": list(self.hooks),
            "mountOptions": list(self.mount_options),
            "linux": {
                "namespaces": list(self.namespaces),
                "capabilities": list(self.capabilities),
                "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": False, "rdma": True},
                "seccomp": self.seccomp.to_json(),
                "apparmor": enabled,
                "selinux": enabled,
                "intelRdt": enabled,
                "mountExtensions": {"idmap": enabled},
                "netDevices": enabled,
            },
            "annotations": dict(self.annotations),
        }


def features() -> Features:
    """What pyrunc can do. Only of seccomp, which needs a library and the kernel, the answer depends on this machine."""
    from pyrunc.capabilities import NAMES
    from pyrunc.spec.linux import NAMESPACE_TYPES
    from pyrunc.version import OCI_VERSION, VERSION

    seccomp, version = _seccomp()
    annotations = {
        "org.opencontainers.runc.checkpoint.enabled": "true",  # clients of runc ask for it under this name
        "io.github.seccomp.libseccomp.version": version,
        "pyrunc.version": VERSION,
    }
    return Features(
        oci_version_min="1.0.0",
        oci_version_max=OCI_VERSION,
        hooks=HOOKS,
        mount_options=_mount_options(),
        namespaces=tuple(sorted(NAMESPACE_TYPES)),
        capabilities=NAMES,
        seccomp=seccomp,
        annotations={name: value for name, value in annotations.items() if value},
    )


def _mount_options() -> tuple[str, ...]:
    from pyrunc.compile.flags import PROPAGATION
    from pyrunc.compile.mount_options import ATTRIBUTES, SUPERBLOCK

    recursive = (f"r{word}" for word in ATTRIBUTES)
    return tuple(sorted({*ATTRIBUTES, *recursive, *PROPAGATION, *SUPERBLOCK, *_OTHER_OPTIONS}))


def _seccomp() -> tuple[SeccompFeatures, str]:
    """And libseccomp's version."""
    from pyrunc.errors import MissingLibrary
    from pyrunc.facts import Facts
    from pyrunc.seccomp.library import load
    from pyrunc.spec.seccomp import ACTIONS, ARCHITECTURES, FLAGS, OPERATORS

    try:
        library = load()
    except MissingLibrary:
        return SeccompFeatures(enabled=False), ""
    found = SeccompFeatures(
        enabled=True,
        actions=ACTIONS,
        operators=OPERATORS,
        archs=tuple(name for name in ARCHITECTURES if library.knows(name)),
        known_flags=FLAGS,
        supported_flags=tuple(name for name in FLAGS if Facts.probe().kernel >= _FLAGS_SINCE[name]),
    )
    return found, library.version
