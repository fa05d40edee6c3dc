"""Orders to the runtime from the event loop, in the lines of `runtime.image.orders`."""

import asyncio
from pathlib import Path
from typing import Final

from runtime.errors import HostError
from runtime.image.orders import (
    ANSWER_S,
    LINE_BYTES_MAX,
    PEER_S,
    Answer,
    Order,
    control_path,
    decode_answer,
    encode_order,
    short_name,
    unreachable,
)

PATIENCE_S: Final = ANSWER_S + PEER_S
"""Longest wait for an answer: the runtime itself gives up before."""


async def give(image: Path, order: Order) -> Answer:
    """Give the runtime of an image an order; return what it says when it is done.

    Raises:
        HostError: No runtime takes orders there, or it refuses.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await _exchange(control_path(image), encode_order(order))
    except TimeoutError:
        text = f"{control_path(image)}: no answer for {PATIENCE_S:g} s"
        raise HostError(text) from None
    except OSError as error:
        raise unreachable(image, error) from None
    return decode_answer(line, image)


async def _exchange(path: Path, line: bytes) -> bytes:
    with short_name(path) as name:
        reader, writer = await asyncio.open_unix_connection(name)
    try:
        writer.write(line)
        await writer.drain()
        return await _first_line(reader)
    finally:
        writer.close()


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
        part = await reader.read(LINE_BYTES_MAX - len(line))
        if not part:
            break
        line += part
    return line
