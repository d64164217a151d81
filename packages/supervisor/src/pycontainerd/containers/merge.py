"""A configuration with its image's defaults filled in, by docker's rules."""

from __future__ import annotations

from attrs import evolve

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.environment import merge as merge_env
from pycontainerd.containers.health import of_image
from pycontainerd.images.config import ImageConfig


def with_image(config: ContainerConfig, image: ImageConfig) -> ContainerConfig:
    """Everything that ``config`` leaves open, from ``image``. Its args go with its entrypoint: a new entrypoint drops them."""
    args, entrypoint = config.args, config.entrypoint
    if not entrypoint:
        args = args if args else image.cmd
        entrypoint = image.entrypoint if entrypoint is None else entrypoint
    return evolve(
        config,
        args=tuple(args) if args is not None else None,
        entrypoint=tuple(entrypoint) if entrypoint is not None else None,
        env=merge_env(image.env, config.env),
        cwd=config.cwd or image.working_dir or None,
        user=config.user if config.user is not None else image.user or None,
        stop_signal=config.stop_signal or image.stop_signal or None,
        health=config.health.over(of_image(image.healthcheck)) if config.health else of_image(image.healthcheck),
        shell=config.shell or image.shell,
        labels={**image.labels, **config.labels},
    )
