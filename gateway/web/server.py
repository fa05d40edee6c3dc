"""A server for `GET /metrics` inside the event loop: no thread, one request a connection.

Bounded on every side: connections at a time, bytes of a request, time of a request.
"""

import asyncio
import contextlib
import logging
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from gateway.config import (
    METRICS_CONNECTIONS_MAX,
    METRICS_REQUEST_BYTES_MAX,
    METRICS_REQUEST_S,
    METRICS_RETRY_S,
)
from gateway.errors import listening_reason

_LOG: Final = logging.getLogger("gateway.web")
_TEXT: Final = "text/plain; charset=utf-8"
_REQUEST_LINE_PARTS: Final = 3


class MetricsServer:
    """Serves a registry on one address."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        """Bind nothing yet; port 0 takes a free one."""
        self._registry = registry
        self._host = host
        self._port = port
        self._open = 0

    async def run(self) -> None:
        """Serve until cancelled; a port that is taken is reported once and tried again."""
        async with asyncio.TaskGroup() as group:
            server = await self._bind(group)
            async with server:
                host, port = server.sockets[0].getsockname()[:2]
                extra = {"host": host, "port": port}
                _LOG.info("metrics: http://%s:%d/metrics", host, port, extra=extra)
                await server.serve_forever()

    async def _bind(self, group: asyncio.TaskGroup) -> asyncio.Server:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(self._serve(reader, writer))

        reported = False
        while True:
            try:
                return await asyncio.start_server(
                    accept, self._host, self._port, limit=METRICS_REQUEST_BYTES_MAX
                )
            except OSError as error:
                if not reported:
                    _LOG.error(
                        "metrics: cannot listen on %s:%d (%s); the rest of the gateway goes on",
                        self._host, self._port, listening_reason(error),
                        extra={"host": self._host, "port": self._port},
                    )  # fmt: skip
                reported = True
            await asyncio.sleep(METRICS_RETRY_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                async with asyncio.timeout(METRICS_REQUEST_S):
                    writer.write(await self._respond(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _respond(self, reader: asyncio.StreamReader) -> bytes:
        if self._open > METRICS_CONNECTIONS_MAX:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        request, *fields = head.decode("latin-1").split("\r\n")
        parts = request.split(" ")
        if len(parts) != _REQUEST_LINE_PARTS:
            return _response(HTTPStatus.BAD_REQUEST)
        method, target, _ = parts
        if target.partition("?")[0] != "/metrics":
            return _response(HTTPStatus.NOT_FOUND)
        if method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        encode, content_type = choose_encoder(_field(fields, "accept"))
        return _response(HTTPStatus.OK, encode(self._registry), content_type)


def _field(fields: list[str], name: str) -> str:
    """Return the value of a header field, empty where it is absent."""
    for field in fields:
        key, _, value = field.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


def _response(status: HTTPStatus, body: bytes | None = None, content_type: str = _TEXT) -> bytes:
    body = f"{status.value} {status.phrase}\n".encode() if body is None else body
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
