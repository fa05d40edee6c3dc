"""Our Modbus server upon a played runtime, with a frame to serve: what its tests start from."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.serve.modbus import ModbusService
from gateway.serve.modbus_answers import Answers
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.texts import text_image, text_type
from tests.support.modbus_image import PlayedRuntime, play_runtime, write_project
from tests.support.modbus_waiting import until

REAL = Elementary("REAL", Kind.REAL, 32)
INT = Elementary("INT", Kind.SIGNED, 16)
BOOL = Elementary("BOOL", Kind.BOOL, 8)
NAME = text_type("STRING", 5)
SYMBOLS = (
    Symbol("MAIN.LEVEL", 16, REAL),
    Symbol("MAIN.ROW", 20, Array(((0, 2),), INT)),
    Symbol("MAIN.ALARM", 26, BOOL),
    Symbol("MAIN.NAME", 28, NAME),
)
STATE_BYTES = 40
STATE = (
    bytes([0b101, 0, 0x34, 0x12, 0x78, 0x56, 0xBC, 0x9A]).ljust(16, b"\0")
    + bytes.fromhex("00004842")  # 50.0
    + bytes.fromhex("0100 FEFF 0300")
    + b"\x01\x00"
    + text_image(NAME, "TAKT")
)
SERVER = """
[[server]]
name = "cell"
protocol = "modbus-{protocol}"
{port}{more}
[[server.range]]
table = "holding"
register = 0
address = "%QW1"
count = 4
[[server.range]]
table = "input"
register = 0
variable = "Main.Level"
[[server.range]]
table = "input"
register = 2
variable = "Main.Row"
[[server.range]]
table = "input"
register = 100
variable = "Main.Name"
[[server.range]]
table = "coil"
register = 0
address = "%QX0.0"
count = 10
[[server.range]]
table = "discrete"
register = 2
variable = "Main.Alarm"
"""


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 30))


@asynccontextmanager
async def serving(
    folder: Path, protocol: str = "tcp", more: str = ""
) -> AsyncIterator[tuple[ModbusService, PlayedRuntime]]:
    """Serve a played runtime's image, with one frame in it."""
    port = "" if protocol in {"rtu", "ascii"} else "port = 0\n"
    text = SERVER.format(protocol=protocol, port=port, more=more)
    project = write_project(folder / "project", text)
    runtime = play_runtime(folder / "plant.image", project, SYMBOLS, STATE_BYTES)
    runtime.publish_frame((), STATE)
    (section,) = project.config.server
    answers = Answers(section, "plant", lambda: runtime.image, time.monotonic_ns)
    service = ModbusService(section, answers, project.folder, time.monotonic_ns)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run()), group.create_task(beat(runtime))]
        await until(lambda: service.is_listening, "the server")
        yield service, runtime
        for task in tasks:
            task.cancel()


async def beat(runtime: PlayedRuntime) -> None:
    """Show the runtime's signs of life."""
    while True:
        runtime.beat()
        await asyncio.sleep(0.02)


async def ask(port: int, request: str) -> str:
    """Send one frame and return the answer in hex, empty where the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(bytes.fromhex(request))
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read(300)
    writer.close()
    return answer.hex(" ")
