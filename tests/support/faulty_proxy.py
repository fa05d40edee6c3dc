"""Proxies on loopback that mistreat what passes: seeded, so that a run can be repeated.

TCP keeps bytes and their order, so its proxy delays, splits and cuts; UDP keeps nothing, so its
proxy loses, doubles and reorders.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast


@dataclass(slots=True)
class Faults:
    """How often what happens to a piece of bytes or a datagram: chances from 0 to 1."""

    seed: int
    delay_s: float = 0.0
    """Longest delay."""
    split: float = 0.0
    cut: float = 0.0
    lose: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    cuts: int = 0
    """Connections that were cut so far."""
    lost: int = 0
    """Datagrams that were lost so far."""

    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the seed; tests have it in their names."""
        self.chance = random.Random(self.seed)

    def happens(self, chance: float) -> bool:
        """Return whether a fault of that chance happens now."""
        return self.chance.random() < chance

    def between(self, low: int, high: int) -> int:
        """Return a number from low to high."""
        return self.chance.randint(low, high)

    async def wait(self) -> None:
        """Delay something."""
        if self.delay_s:
            await asyncio.sleep(self.chance.random() * self.delay_s)


@asynccontextmanager
async def faulty_tcp(port: int, faults: Faults) -> AsyncIterator[int]:
    """Pass connections on to a port; return the proxy's port."""
    async with asyncio.TaskGroup() as group:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            pumps = [
                asyncio.ensure_future(_pump(reader, far_writer, faults)),
                asyncio.ensure_future(_pump(far_reader, writer, faults)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                writer.transport.abort()
                far_writer.transport.abort()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = group.create_task(serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in tuple(tasks):
                task.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(4096):
            await faults.wait()
            if faults.happens(faults.cut):
                faults.cuts += 1
                writer.write(piece[: faults.between(0, len(piece) - 1)])
                await asyncio.sleep(0)
                return
            if len(piece) > 1 and faults.happens(faults.split):
                at = faults.between(1, len(piece) - 1)
                writer.write(piece[:at])
                await asyncio.sleep(0.001)
                piece = piece[at:]
            writer.write(piece)


class _Relay(asyncio.DatagramProtocol):
    """One side of the UDP proxy: what it gets goes out by `other`, mistreated."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.other: _Relay | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self.peer: tuple[str, int] | None = None
        self._held: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peer = addr
        faults = self.faults
        if faults.happens(faults.lose):
            faults.lost += 1
            return
        if self._held is None and faults.happens(faults.reorder):
            self._held = data  # it passes behind the next one
            return
        held, self._held = self._held, None
        for each in (data, held):
            if each is not None:
                self._pass(each)
                if faults.happens(faults.double):
                    self._pass(each)

    def _pass(self, data: bytes) -> None:
        other = self.other
        if other is not None and other.transport is not None and other.peer is not None:
            other.transport.sendto(data, other.peer)


def _itself(relay: _Relay) -> _Relay:
    return relay


@asynccontextmanager
async def faulty_udp(port: int, faults: Faults) -> AsyncIterator[int]:
    """Pass datagrams of one client on to a port; return the proxy's port."""
    loop = asyncio.get_running_loop()
    near, far = _Relay(faults), _Relay(faults)
    near.other, far.other = far, near
    far.peer = ("127.0.0.1", port)
    for relay in (near, far):
        await loop.create_datagram_endpoint(partial(_itself, relay), local_addr=("127.0.0.1", 0))
    assert near.transport is not None
    assert far.transport is not None
    try:
        yield near.transport.get_extra_info("sockname")[1]
    finally:
        near.transport.abort()
        far.transport.abort()
