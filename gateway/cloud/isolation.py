"""What a fault of ours in one uplink may break: that uplink, for a while, and nothing else.

Errors of a peer are the uplink's own business (`gateway.cloud.uplink`). What gets out of it is a
fault of ours or of a library: it is logged with its place and counted, and the uplink begins anew.
What it had not seen acknowledged is in the outbox still.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.config import FAULT_WAIT_FIRST_S, FAULT_WAIT_MAX_S, RECONNECT_FACTOR
from gateway.store.counters import UplinkCounters

_LOG: Final = logging.getLogger("gateway.cloud")


async def isolate(name: str, work: Callable[[], Awaitable[None]], counters: UplinkCounters) -> None:
    """Run `work` until cancelled; after an unexpected exception begin it anew, later and later.

    Args:
        name: Of the uplink, for the log.
        work: What never returns by itself.
        counters: Where faults are counted.
    """
    loop = asyncio.get_running_loop()
    wait_s = FAULT_WAIT_FIRST_S
    while True:
        began_s = loop.time()
        running = asyncio.ensure_future(work())
        try:
            await asyncio.wait({running})
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        error = None if running.cancelled() else running.exception()
        if loop.time() - began_s > FAULT_WAIT_MAX_S:
            wait_s = FAULT_WAIT_FIRST_S
        counters.faults += 1
        _LOG.error(
            "uplink %s: a fault of the gateway: %s; begun anew in %g s", name, told(error), wait_s,
            extra={"uplink": name},
        )  # fmt: skip
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * RECONNECT_FACTOR, FAULT_WAIT_MAX_S)


def told(error: BaseException | None) -> str:
    """Return an exception as a line: its type, its text, and the place that raised it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return "it ended"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
