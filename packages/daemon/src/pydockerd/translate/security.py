"""``HostConfig.SecurityOpt``: ``name=value`` words (``name:value`` of old clients) to what they ask for."""

from __future__ import annotations

from attrs import frozen

from pydockerd.errors import BadRequest
from pydockerd.models.host_config import HostConfig


@frozen(kw_only=True)
class Security:
    """What is left of the options once they are read."""

    seccomp: str = "default"
    no_new_privileges: bool = False


def security(host: HostConfig) -> Security:
    """Read the options. A privileged container is unconfined unless a profile is named. Raises BadRequest for an unknown one."""
    seccomp = "unconfined" if host.privileged else "default"
    no_new_privileges = False
    for option in host.security_opt or ():
        name, value = _split(option)
        match name:
            case "no-new-privileges":
                no_new_privileges = _truth(option, value)
            case "seccomp":
                seccomp = "default" if value == "builtin" else value
            case "apparmor":
                _apparmor(value)
            case "label":
                # labels are SELinux's: dockerd ignores them where SELinux is off, and it is never on here
                pass
            case _:
                raise BadRequest(f'invalid --security-opt 2: "{option}"')
    return Security(seccomp=seccomp, no_new_privileges=no_new_privileges)


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


def _apparmor(profile: str) -> None:
    if profile not in {"unconfined", "docker-default"}:
        raise BadRequest(f'AppArmor is not enabled on this host: the profile "{profile}" cannot be applied')
