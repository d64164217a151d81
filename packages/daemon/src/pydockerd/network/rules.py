"""The packet rules as they are loaded: each time the difference to what there is to be."""

from __future__ import annotations

from collections.abc import Sequence

from pydockerd.network import ruleset
from pydockerd.network.kernel import Kernel
from pydockerd.network.ruleset import Elements, Wired


class Rules:
    """One table. ``loaded`` is what its sets hold; None while nothing is known of it, or there is none."""

    def __init__(self, kernel: Kernel, table: str, *, enabled: bool) -> None:
        self._kernel, self._table, self._enabled = kernel, table, enabled
        self.loaded: Elements | None = None

    async def load(self, wired: Sequence[Wired], *, anew: bool = False) -> None:
        """Bring the table to what these networks need; ``anew`` where it may be anything. Without networks, there is no table. InternalError."""
        if not self._enabled:
            return
        wanted = ruleset.elements(wired)
        text = self._text(wanted, anew=anew) if wired else self._removal(anew=anew)
        await self._kernel.run(self._kernel.load, text, ruleset.datagram_ports(self.loaded, wanted))
        self.loaded = wanted if wired else None

    def _text(self, wanted: Elements, *, anew: bool) -> str:
        if self.loaded is None or anew:
            return ruleset.replace(self._table, wanted)
        return ruleset.change(self._table, self.loaded, wanted)

    def _removal(self, *, anew: bool) -> str:
        return ruleset.remove(self._table) if self.loaded is not None or anew else ""
