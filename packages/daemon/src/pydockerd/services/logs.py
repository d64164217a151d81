"""The options of logs that the daemon gives to containers."""

from __future__ import annotations

from pycontainerd.logs.attributes import Subject
from pycontainerd.logs.config import LogConfig
from pycontainerd.logs.driver import driver
from pydockerd.errors import ConfigError
from pydockerd.settings import ContainerDefaults


def check_log_options(defaults: ContainerDefaults) -> None:
    """ConfigError for one that the driver does not have, so that it does not come out with the first container."""
    subject = Subject(id="", name="", image="", image_id="", labels={}, env=())
    try:
        driver(LogConfig(driver=defaults.log_driver, options=defaults.log_opts), subject)
    except ValueError as error:
        raise ConfigError(f"failed to set log opts: {error}") from error
