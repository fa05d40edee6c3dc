"""Write (part 4, 5.10.4): what clients may change, and who of them.

A write goes through the queue of commands in the image and takes effect at the next scan of its
task. The client is answered when the scan has, so that what it reads next is what it wrote.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.protocols.opcua.builtin import VALUE, Status
from gateway.protocols.opcua.messages import Message
from gateway.serve.opcua.answers import Call, Served, Service, check_count, results
from gateway.serve.opcua.decoding import WriteError, value_of
from gateway.serve.opcua.security import Role
from gateway.serve.opcua.variables import Variable
from runtime.errors import ImageError
from runtime.image.commands import Answer, Commands, Ticket
from runtime.image.layout import COMMAND_SLOTS, CommandStatus, Mode
from runtime.image.segment import Image

_LOG: Final = logging.getLogger("gateway.serve.opcua")
PATIENCE_S: Final = 2.0
"""Longest wait for the scan that takes a write, beside the interval of its task."""
POLL_S: Final = 0.002
_WRITE_NOT_SUPPORTED: Final = 0x80730000
_TOGETHER: Final = COMMAND_SLOTS // 2
"""Writes that are given before their answers are waited for: others command too."""


class WriteServices:
    """Answers Write."""

    def __init__(self, served: Served) -> None:
        """Write variables of the program, and leave the library's to it."""
        self._served = served

    @property
    def services(self) -> Mapping[int, Service]:
        """The service by the number of its request."""
        return {Message.WRITE_REQUEST: self._write}

    async def _write(self, call: Call) -> bytes:
        wanted = call.parameters(ua.WriteParameters)
        check_count(len(wanted.NodesToWrite))
        statuses: list[int] = []
        for first in range(0, len(wanted.NodesToWrite), _TOGETHER):
            statuses += await self._batch(call, wanted.NodesToWrite[first : first + _TOGETHER])
        rows = [status.to_bytes(4, "little") for status in statuses]
        return results(Message.WRITE_RESPONSE, call, self._served.ticks(), rows)

    async def _batch(self, call: Call, items: Sequence[ua.WriteValue]) -> list[int]:
        image = self._served.source().image
        given = [await self._give(call, image, item) for item in items]
        return [
            found if isinstance(found, int) else await self._outcome(image, found)
            for found in given
        ]

    async def _give(self, call: Call, image: Image, item: ua.WriteValue) -> Ticket | int:
        """Command one write; return its ticket, or why there is none."""
        variable = self._served.variables.get(nodeid_to_binary(item.NodeId))
        if variable is None:
            parameters = ua.WriteParameters()
            parameters.NodesToWrite = [item]
            return int((await call.session.write(parameters))[0].value)
        refused = _refusal(call, variable, item, image)
        if refused:
            return refused
        try:
            value = value_of(variable, item.Value.Value)
            ticket = Commands(image).write(variable.symbol, value)
        except WriteError as error:
            return error.status
        except ImageError as error:
            _LOG.warning("OPC UA write of %s: %s", variable.path, error)
            return Status.BAD_NOT_WRITABLE
        _LOG.info(
            "OPC UA write", extra={"user": call.session.user.name, "path": variable.path,
                                   "value": value if isinstance(value, str) else repr(value)},
        )  # fmt: skip
        return ticket

    async def _outcome(self, image: Image, ticket: Ticket) -> int:
        commands = Commands(image)
        loop = asyncio.get_running_loop()
        patience_s = PATIENCE_S + image.directory.tasks[ticket.task].interval_ns / 1e9
        deadline_s = loop.time() + patience_s
        while loop.time() < deadline_s:
            answer: Answer | None = commands.answer(ticket)
            if answer is not None:
                applied = answer.status is CommandStatus.APPLIED
                return Status.GOOD if applied else Status.BAD_NOT_WRITABLE
            await asyncio.sleep(POLL_S)
        return Status.BAD_TIMEOUT


def _refusal(call: Call, variable: Variable, item: ua.WriteValue, image: Image) -> int:
    """Return why a user may not write a variable now, 0 where it may."""
    if item.AttributeId != VALUE or not variable.writable:
        return Status.BAD_NOT_WRITABLE
    if call.level < Role.OPERATOR:
        return Status.BAD_USER_ACCESS_DENIED
    if item.IndexRange or variable.bounds:
        return _WRITE_NOT_SUPPORTED  # elements are nodes of their own
    if item.Value.StatusCode is not None and not item.Value.StatusCode.is_good():
        return _WRITE_NOT_SUPPORTED
    if image.mode is not Mode.RUNNING:
        return Status.BAD_INVALID_STATE
    return Status.GOOD
