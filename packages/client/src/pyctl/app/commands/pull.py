"""``pyctl pull``: download an image."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.commands.progress import show
from pyctl.app.credentials import registry_auth
from pyctl.app.flags import operand, switch, value
from pyctl.app.references import canonical, checked, split
from pyctl.app.session import client
from pyctl.errors import InvalidUsage


def pull(
    image: Annotated[str, operand("NAME[:TAG|@DIGEST]")],
    all_tags: Annotated[bool, switch("--all-tags", "-a", help="Download all tagged images in the repository")] = False,
    disable_content_trust: Annotated[
        bool,
        switch(
            "--disable-content-trust/--no-disable-content-trust",
            help="Skip image verification (default true); nothing is verified by signatures here",
        ),
    ] = True,
    platform: Annotated[
        str | None, value("--platform", help="Set platform if server is multi-platform capable")
    ] = None,
    quiet: Annotated[bool, switch("--quiet", "-q", help="Suppress verbose output")] = False,
) -> None:
    """ImageCreate from a registry."""
    repository, tag = split(checked(image))
    if all_tags and tag:
        raise InvalidUsage("tag can't be used with --all-tags/-a")
    if not tag and not all_tags:
        tag = "latest"
        if not quiet:
            print(f"Using default tag: {tag}", flush=True)
    auth = registry_auth(repository)
    show(client().images.pull(repository, tag=tag or None, platform=platform, auth=auth), quiet=quiet)
    print(canonical(image).removesuffix(":latest") if all_tags else canonical(image))
