"""Waiting for an acknowledgement or for the end of the connection, whichever comes first."""

import asyncio
from collections.abc import Awaitable

from gateway.cloud.seam import UplinkError


async def first_of(done: Awaitable[object], ended: Awaitable[object]) -> None:
    """Return when `done` is; cancel whichever is left.

    Raises:
        UplinkError: `ended` came first.
        Exception: What `done` or `ended` raises.
    """
    waiting = asyncio.ensure_future(done)
    watching = asyncio.ensure_future(ended)
    try:
        await asyncio.wait({waiting, watching}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            waiting.result()
            return
        watching.result()
        raise UplinkError("the connection ended")
    finally:
        for task in (waiting, watching):
            task.cancel()
        await asyncio.gather(waiting, watching, return_exceptions=True)
