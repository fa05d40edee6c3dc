"""Keeps the OPC UA server running beside the gateway, in a process of its own.

The library's work for thousands of nodes must not hold up a poll, and a defect in it must not take
a device away. The process ends when the gateway does, however that ends: its standard input closes.
"""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger("gateway.serve")
RESTART_S: Final = 1.0
"""Wait before a server that ended is started again; doubled while none lives for long."""
RESTART_MAX_S: Final = 60.0
"""Longest wait: what a user has to mend fills no log meanwhile. Also how long is long."""
STOP_S: Final = 5.0
"""Time that it has for its end."""


async def keep_server(folder: Path) -> None:
    """Run the OPC UA server of a project, again and again, until cancelled."""
    command = (sys.executable, "-P", "-m", "gateway", "opcua", str(folder))
    loop, wait_s = asyncio.get_running_loop(), RESTART_S
    while True:
        began_s = loop.time()
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        try:
            status = await process.wait()
        finally:
            await _end(process)
        if loop.time() - began_s > RESTART_MAX_S:
            wait_s = RESTART_S
        _LOG.error(
            "the OPC UA server has ended (status %d); it is started again in %g s", status, wait_s
        )
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, RESTART_MAX_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def parent_gone() -> None:
    """Return when whoever started this process has ended, or closed its standard input."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        continue
