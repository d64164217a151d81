"""Texts that JSON can say and the kernel cannot take, as the configuration of a hostile image may hold them."""

from __future__ import annotations

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import InvalidConfig
from tests.supervisor.running import create


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["nul", "surrogate"])
@pytest.mark.parametrize("field", ["env", "cwd", "user", "hostname"])
async def test_a_text_that_no_process_can_have_is_a_wrong_configuration(
    supervisor: Supervisor, field: str, text: str
) -> None:
    value = {"env": (f"A={text}",)}.get(field, f"/{text}" if field == "cwd" else text)
    with pytest.raises(InvalidConfig):
        await (await create(supervisor, "true", image="host", **{field: value})).start()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["nul", "surrogate"])
async def test_nor_can_a_command_hold_one(supervisor: Supervisor, text: str) -> None:
    with pytest.raises(InvalidConfig):
        await (await create(supervisor, f"echo {text}", image="host")).start()
