"""The processes of `bench/reaction.py`: a device that takes the time, and the peer's loop.

    python bench/reaction_roles.py device
    python bench/reaction_roles.py peer PORT PERIOD_S

The device prints its port. A line of JSON on its stdin (`Turn`) makes it change its input so many
times; it answers with a line of reactions, [value, changed, read, answered] each, CLOCK_MONOTONIC
in ns. A change has a time of its own, drawn at random: who asks from then on sees it, so it waits
for no timer and for no period of anybody.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import numpy as np
import uvloop

from gateway.protocols.modbus.pdu import ExceptionCode, Function
from gateway.protocols.modbus.requests import ReadRegisters, Request, WriteRegister, WriteRegisters
from gateway.protocols.modbus.responses import BlockWritten, Refused, RegistersRead, Response
from gateway.protocols.modbus.server import ServerConnection

MASK: Final = 0xA5A5
"""The logic: output = input XOR this."""
INPUT: Final = 0
OUTPUT: Final = 1

Reaction = tuple[int, int, int, int]
"""Value of the input; when it changed, was first read, and was answered (ns)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the device is to do: changes, each at random within a spread after the last answer."""

    count: int
    spread_ns: int
    seed: int
    patience_s: float

    def line(self) -> bytes:
        """Return it as a line for the device."""
        return (json.dumps(asdict(self)) + "\n").encode()


@dataclass(slots=True)
class Device:
    """Two holding registers: the input, which changes by itself, and the output."""

    registers: list[int] = field(default_factory=lambda: [0, 0])
    value: int = 0
    """What the input changes to, or has changed to."""
    changes_ns: int = 0
    read_ns: int = 0
    reactions: list[Reaction] = field(default_factory=list)
    missing: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    spread_ns: int = 0
    dice: np.random.Generator = field(default_factory=np.random.default_rng)

    async def turn(self, turn: Turn) -> list[Reaction]:
        """Change the input and wait for the answers.

        Raises:
            TimeoutError: They did not all come.
        """
        self.dice, self.spread_ns = np.random.default_rng(turn.seed), turn.spread_ns
        self.reactions, self.missing = [], turn.count
        self.done.clear()
        self._plan()
        await asyncio.wait_for(self.done.wait(), turn.patience_s)
        return self.reactions

    def answer(self, request: Request, now_ns: int) -> Response:
        """Return the response to a request that arrived at a time."""
        if self.missing and now_ns >= self.changes_ns:
            self.registers[INPUT] = self.value
        match request:
            case ReadRegisters(address=address, count=count) if address + count <= OUTPUT + 1:
                if address == INPUT and self.registers[INPUT] == self.value:
                    self.read_ns = self.read_ns or now_ns
                packed = self.registers[address : address + count]
                return RegistersRead.of(Function.READ_HOLDING_REGISTERS, tuple(packed))
            case WriteRegister(address=1, value=value):
                self._write(value, now_ns)
                return request
            case WriteRegisters(address=1, values=(value,)):
                self._write(value, now_ns)
                return BlockWritten(Function.WRITE_MULTIPLE_REGISTERS, OUTPUT, 1)
        return Refused(Function.READ_HOLDING_REGISTERS, ExceptionCode.ILLEGAL_DATA_ADDRESS)

    def _write(self, value: int, now_ns: int) -> None:
        self.registers[OUTPUT] = value
        if not self.missing or not self.read_ns or value != self.value ^ MASK:
            return
        self.reactions.append((self.value, self.changes_ns, self.read_ns, now_ns))
        self.missing -= 1
        if self.missing:
            self._plan()
        else:
            self.done.set()

    def _plan(self) -> None:
        self.value = self.value % 0xFFFF + 1
        self.read_ns = 0
        self.changes_ns = time.monotonic_ns() + int(self.dice.integers(self.spread_ns))


class Connection(asyncio.Protocol):
    """One connection to the device."""

    def __init__(self, device: Device) -> None:
        """Begin without a transport."""
        self._device = device
        self._state = ServerConnection()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer requests; the time is taken first."""
        now_ns = time.monotonic_ns()
        for question in self._state.receive(data):
            request = question.request
            if isinstance(request, Exception):
                raise request
            response = self._device.answer(request, now_ns)
            self._transport.write(self._state.answer(question, response))


async def serve() -> None:
    """Be the device until stdin ends."""
    device, loop = Device(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(device), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await device.turn(Turn(**json.loads(line)))), flush=True)


async def loop_with_pymodbus(port: int, period_s: float) -> None:
    """Poll, compute in Python, write what changed; for ever."""
    from pymodbus.client import AsyncModbusTcpClient  # the device need not load it

    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    written: int | None = None
    due_s = time.monotonic()
    while True:
        found = await client.read_holding_registers(INPUT, count=1)
        wanted = found.registers[0] ^ MASK
        if wanted != written:
            await client.write_register(OUTPUT, wanted)
            written = wanted
        due_s = max(due_s + period_s, time.monotonic())
        await asyncio.sleep(due_s - time.monotonic())


def main() -> None:
    """Play the role that the arguments name."""
    match sys.argv[1:]:
        case ["device"]:
            uvloop.run(serve())
        case ["peer", port, period]:
            asyncio.run(loop_with_pymodbus(int(port), float(period)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
