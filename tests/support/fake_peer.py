"""A peer of an uplink that keeps what it gets and fails as the test likes."""

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import dataclass, field

from gateway.cloud.seam import UplinkError
from gateway.flow.ledger import Account
from gateway.store.lanes import Group, Lane


@dataclass
class FakePeer:
    """Keeps what it gets; fails before or after keeping it, as its dice fall."""

    dice: random.Random
    failing: float = 0.0
    tells_progress: bool = True
    up: bool = True
    account: Account = field(default_factory=Account)
    lanes: list[Lane] = field(default_factory=list)
    ends: dict[Lane, int] = field(default_factory=dict)
    connections: int = 0

    async def connect(self) -> None:
        if not self.up:
            raise UplinkError("not there")
        self.connections += 1

    async def progress(self, stream: str, lane: Lane) -> int | None:
        del stream
        return self.ends.get(lane) if self.tells_progress else None

    async def send(self, group: Group) -> Awaitable[None]:
        for batch in group.batches:
            self._fail()
            self.account.take(group.lane.value, (batch.first, batch.end))
            self.lanes.append(group.lane)
            self.ends[group.lane] = batch.end
        return self._acknowledge()

    async def _acknowledge(self) -> None:
        await asyncio.sleep(0)
        self._fail()

    def _fail(self) -> None:
        if not self.up or self.dice.random() < self.failing:
            raise UplinkError("cut")

    async def close(self) -> None:
        await asyncio.sleep(0)
