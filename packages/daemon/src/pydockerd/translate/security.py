"""``HostConfig.SecurityOpt``: ``name=value`` words (``name:value`` of old clients) to what they ask for."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from pydockerd.errors import BadRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.translate.resources import HostFacts


@frozen(kw_only=True)
class Security:
    """What is left of the options once they are read. ``label`` is SELinux's, None where none is asked for."""

    seccomp: str = "default"
    no_new_privileges: bool = False
    apparmor: str | None = None
    label: str | None = None


def security(host: HostConfig, facts: HostFacts) -> Security:
    """Read the options. A privileged container is unconfined unless a profile is named. Raises BadRequest for an unknown one, and for a wall
    that this machine does not have: to leave it out would be to pretend."""
    found = Security(
        seccomp="unconfined" if host.privileged else facts.seccomp, no_new_privileges=facts.no_new_privileges
    )
    labels: list[str] = []
    for option in host.security_opt or ():
        name, value = _split(option)
        match name:
            case "no-new-privileges":
                found = evolve(found, no_new_privileges=_truth(option, value))
            case "seccomp":
                found = evolve(found, seccomp="default" if value == "builtin" else value)
            case "apparmor":
                found = evolve(found, apparmor=_apparmor(value, facts))
            case "label":
                labels.append(value)
            case _:
                raise BadRequest(f'invalid --security-opt 2: "{option}"')
    return evolve(found, label=_label(labels, facts))


def _split(option: str) -> tuple[str, str]:
    if option == "no-new-privileges":
        return option, "true"
    separator = "=" if "=" in option else ":"
    name, found, value = option.partition(separator)
    if not found or not value:
        raise BadRequest(f'invalid --security-opt 1: "{option}"')
    return name, value


def _truth(option: str, value: str) -> bool:
    if value.lower() in {"true", "1", "t"}:
        return True
    if value.lower() in {"false", "0", "f"}:
        return False
    raise BadRequest(f'invalid --security-opt 2: "{option}"')


def _apparmor(profile: str, facts: HostFacts) -> str | None:
    """Profiles are loaded by the administrator; ``docker-default``, which dockerd loads itself, stands for none where it is not asked of AppArmor."""
    if profile == "unconfined" or (profile == "docker-default" and not facts.apparmor):
        return None
    if not facts.apparmor:
        raise BadRequest(f'AppArmor is not enabled on this host: the profile "{profile}" cannot be applied')
    return profile


_CONTEXT = {"user": "system_u", "role": "system_r", "type": "container_t", "level": "s0"}
"""The label of containers in Fedora's and Debian's policies."""


def _label(words: Sequence[str], facts: HostFacts) -> str | None:
    """``disable``, or parts of a label over the usual one. Without SELinux there is nothing to disable."""
    if "disable" in words or not words:
        return None
    context = dict(_CONTEXT)
    for word in words:
        part, colon, value = word.partition(":")
        if part not in context or not colon or not value:
            raise BadRequest(
                f"bad label option \"{word}\", valid options 'disable, user, role, level, type' followed by ':' and a value"
            )
        context[part] = value
    if not facts.selinux:
        raise BadRequest(
            f"SELinux is not enabled on this host: the label {':'.join(context.values())} cannot be applied"
        )
    return ":".join(context.values())
