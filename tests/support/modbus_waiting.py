"""The asyncio twin of `waiting.wait_until`."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], what: str, timeout_s: float = 15.0) -> None:
    """Return once `condition` is true; fail with `what` was awaited after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        await asyncio.sleep(0.002)
