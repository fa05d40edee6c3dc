"""The process of `takt cloud`: one consumer, its accounts printed from time to time."""

import asyncio
import signal
from collections.abc import Callable

import uvloop

from gateway.cloud.consumer import Consumer, parse_sink, parse_source


def consume(url: str, target: str, name: str, period_s: float, show: Callable[[str], None]) -> None:
    """Receive until SIGTERM or SIGINT.

    Args:
        url: Of the broker.
        target: Sink.
        name: Under which the broker keeps the place.
        period_s: Time between two accounts shown.
        show: Takes an account as a line of text.

    Raises:
        UsageError: The URL is none that can be received from.
        HostError: The sink cannot be opened.
    """
    uvloop.run(_consume(Consumer(parse_source(url, name), parse_sink(target)), period_s, show))


async def _consume(consumer: Consumer, period_s: float, show: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await consumer.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(consumer.run())
        while not stop.is_set() and not running.done():
            try:
                async with asyncio.timeout(period_s):
                    await stop.wait()
            except TimeoutError:
                show(consumer.report())
        running.cancel()
    show(consumer.report())
