"""The rig behind pymodbus's Modbus TCP server, stepped in real time.

Input registers are the sensors, holding registers the set-points, coils the switches, discrete
inputs the limit switches; their order is that of `rig`. pymodbus keeps each table in a list of
registers (sixteen bits each) that it hands to our action on every access: a read first gets the
sensors' present values written there, a write is seen at the rig's next step.
"""

import asyncio
import json
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from runtime.errors import HostError
from runtime.plant import rig as rigs
from runtime.plant.rig import Rig

TICK_S: Final = 0.01
"""Period at which the rig is brought up to date; its own step is shorter."""
READ_DISCRETE_INPUTS: Final = 2
READ_INPUT_REGISTERS: Final = 4
COIL_FUNCTIONS: Final = frozenset({1, 5, 15})
HOLDING_FUNCTIONS: Final = frozenset({3, 6, 16, 22, 23})


@dataclass(slots=True)
class Terminals:
    """Ties the tables of one Modbus device to the rig."""

    rig: Rig
    holding: list[int] = field(default_factory=lambda: [0] * rigs.HOLDING_REGISTERS)
    coils: list[int] = field(default_factory=lambda: [0])
    """Both are pymodbus's own lists from the first access on."""

    async def exchange(
        self,
        function: int,
        _start: int,
        _address: int,
        _count: int,
        registers: list[int],
        _values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Serve one access; pymodbus calls it before it reads or writes `registers`."""
        if function == READ_INPUT_REGISTERS:
            registers[: rigs.INPUT_REGISTERS] = self.rig.input_registers()
        elif function == READ_DISCRETE_INPUTS:
            registers[0] = sum(bit << n for n, bit in enumerate(self.rig.discrete_inputs()))
        elif function in COIL_FUNCTIONS:
            self.coils = registers
        elif function in HOLDING_FUNCTIONS:
            self.holding = registers
        return None

    def advance_to(self, time_s: float) -> None:
        """Bring the rig up to `time_s` under the commands that were written last."""
        coils = [bool(self.coils[0] >> n & 1) for n in range(rigs.COILS)]
        self.rig.command(self.holding[: rigs.HOLDING_REGISTERS], coils)
        self.rig.advance_to(time_s)


def device(terminals: Terminals) -> SimDevice:
    """Return the Modbus device of the rig; it answers to every unit number."""
    coils = SimData(0, values=[False] * rigs.COILS, datatype=DataType.BITS)
    discretes = SimData(0, values=[False] * rigs.DISCRETE_INPUTS, datatype=DataType.BITS)
    holding = SimData(0, count=rigs.HOLDING_REGISTERS, datatype=DataType.REGISTERS)
    inputs = SimData(0, count=rigs.INPUT_REGISTERS, datatype=DataType.REGISTERS)
    return SimDevice(
        0, simdata=([coils], [discretes], [holding], [inputs]), action=terminals.exchange
    )


async def serve(rig: Rig, host: str, port: int) -> None:
    """Serve the rig until SIGTERM or SIGINT; print one line of JSON once it listens.

    Args:
        rig: At its time 0.
        host: Address to listen on.
        port: TCP port, 0 for a free one; the line printed names it.

    Raises:
        HostError: The address cannot be listened on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    rig.compile()
    terminals = Terminals(rig)
    server = ModbusTcpServer(device(terminals), address=(host, port))
    try:
        await server.serve_forever(background=True)
    except RuntimeError:
        raise HostError(
            f"plant two_tanks: cannot listen on {host}:{port}; expected a free TCP port"
        ) from None
    sockets = cast("asyncio.Server", server.transport).sockets
    ready = {"plant": "two_tanks", "host": host, "port": sockets[0].getsockname()[1]}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await _step_until(stop, terminals)
    server.close()


async def _step_until(stop: asyncio.Event, terminals: Terminals) -> None:
    """Step on an absolute schedule; after a hold-up the rest of the lost time is dropped."""
    loop = asyncio.get_running_loop()
    origin = loop.time()
    tick = 0
    while not stop.is_set():
        tick += 1
        with suppress(TimeoutError):
            async with asyncio.timeout_at(origin + tick * TICK_S):
                await stop.wait()
        now = loop.time() - origin
        terminals.advance_to(now)
        behind = now - terminals.rig.time_s
        if behind > rigs.CATCH_UP_S_MAX:
            origin += behind
