"""How waiting ends: by an acknowledgement, by the end of the connection, by a cancellation."""

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


def stop_if_cancelled() -> None:
    """End the task if that was asked for: libraries turn a cancellation into errors of their own.

    Raises:
        CancelledError: It was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
