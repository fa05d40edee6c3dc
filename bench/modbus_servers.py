"""Servers for `bench/modbus.py`, each a process: `python bench/modbus_servers.py ours|pymodbus`.

Both hold registers 0 to 124 with their own numbers, print "PORT n" and serve until they are ended.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, cast

import uvloop
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.field.promptness import freeze_objects
from gateway.serve.modbus import ModbusService
from gateway.serve.modbus_answers import Answers
from runtime.artifact.program import Area
from runtime.image import layout
from runtime.image.directory import Directory, TaskEntry
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, create_image
from runtime.project.servers import ModbusServer, ServerRange

REGISTERS: Final = 125
_BEAT_S: Final = 0.1


def image_of_registers(folder: Path) -> Image:
    """Return an image whose %Q holds the registers, with one frame in it."""
    size = 2 * REGISTERS
    none = Area(0, 0)
    directory = Directory(
        project="bench", tasks=(TaskEntry("Main", 10_000_000),), devices=(), input_area=none,
        memory_area=none, outputs=Area(0, size), state_bytes=size, symbols=(), sites=(),
    )  # fmt: skip
    image = create_image(folder / "bench.image", directory, 0, time.monotonic_ns())
    header = layout.FRAME_HEADER.pack(1, 1, 2, 3, 0, 0, 0, size, 1, 0, 0)
    state = b"".join(number.to_bytes(2, "little") for number in range(REGISTERS))
    image.ring(SectionKind.FRAME).publish(header + state)
    return image


async def serve_ours(folder: Path) -> None:
    """Serve an image with our server."""
    image = image_of_registers(folder)
    words = ServerRange.model_validate(
        {"table": "holding", "register": 0, "address": "%QW0", "count": REGISTERS}
    )
    section = ModbusServer(name="bench", protocol="modbus-tcp", port=0, range=(words,))
    answers = Answers(section, "bench", lambda: image, time.monotonic_ns)
    service = ModbusService(section, answers, folder, time.monotonic_ns)
    freeze_objects()  # as the gateway does
    task = asyncio.ensure_future(service.run())
    told = 0
    while not task.done():
        image.runtime_heartbeat_ns = time.monotonic_ns()
        if service.port != told:
            told = service.port
            print(f"PORT {told}", flush=True)
        await asyncio.sleep(_BEAT_S)


async def serve_pymodbus() -> None:
    """Serve the same registers with pymodbus."""
    words = SimData(0, values=list(range(REGISTERS)), datatype=DataType.REGISTERS)
    bits = SimData(0, values=[False] * 16, datatype=DataType.BITS)
    device = SimDevice(0, simdata=([bits], [bits], [words], [words]))
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = cast("asyncio.Server", server.transport).sockets[0].getsockname()[1]
    print(f"PORT {port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve as the argument says."""
    if sys.argv[1] == "pymodbus":
        asyncio.run(serve_pymodbus())  # its own event loop: uvloop made it no faster
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(serve_ours(Path(folder)))


if __name__ == "__main__":
    main()
