"""Call (part 4, 5.11): Start, Stop and Restart of the program, for engineers, with an audit line.

    Call ─► role ─► method and its argument ─► mode ─► audit: asked ─► order ─► audit: done
            denied         bad argument       invalid state                    or refused

An order that the audit log cannot take is not given: none can take effect unseen.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.messages import Message
from gateway.serve import orders
from gateway.serve.opcua.answers import Call, Served, Service, check_count, encode_response
from gateway.serve.opcua.commands import PATIENCE_S, POLL_S
from gateway.serve.opcua.security import Role
from gateway.serve.opcua.space import RESTART, START, STOP, Method
from runtime.audit import AuditLog, stamped
from runtime.errors import HostError
from runtime.image.layout import SectionKind
from runtime.image.orders import Order, Restart, Switch, refusal
from runtime.image.segment import Image

_LOG: Final = logging.getLogger("gateway.serve.opcua")
_SWITCHES: Final = {START: Switch.START, STOP: Switch.STOP}
_REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Audit:
    """Where orders are written down."""

    log: AuditLog
    wall_ns: Callable[[], int]


class _NotCallableError(Exception):
    """A call that is no order."""

    def __init__(self, status: int, argument: int = Status.GOOD) -> None:
        super().__init__()
        self.status, self.argument = status, argument


class MethodServices:
    """Answers Call."""

    def __init__(self, served: Served, methods: Mapping[ua.NodeId, Method], audit: Audit) -> None:
        """Call the methods of a program, and leave others to the library."""
        self._served = served
        self._methods = methods
        self._audit = audit
        self._alone = asyncio.Lock()
        """Held from the look at the mode to the order's end: one order at a time."""

    @property
    def services(self) -> Mapping[int, Service]:
        """The service by the number of its request."""
        return {Message.CALL_REQUEST: self._call}

    async def _call(self, call: Call) -> bytes:
        wanted = call.parameters(ua.CallParameters)
        check_count(len(wanted.MethodsToCall))
        response = ua.CallResponse()
        response.Results = [await self._one(call, item) for item in wanted.MethodsToCall]
        return encode_response(call, response)

    async def _one(self, call: Call, item: ua.CallMethodRequest) -> ua.CallMethodResult:
        method = self._methods.get(item.MethodId)
        if method is None:
            return (await call.session.call([item]))[0]
        user = call.session.user.name or "anonymous"
        if call.level < Role.ENGINEER:
            facts = {"user": user, "method": method.name}
            _LOG.warning("OPC UA call refused: expected an engineer", extra=facts)
            return ua.CallMethodResult(StatusCode=ua.StatusCode(Status.BAD_USER_ACCESS_DENIED))
        try:
            order = _order(method, item)
        except _NotCallableError as error:
            arguments = [ua.StatusCode(error.argument)] if error.argument else []
            return ua.CallMethodResult(
                StatusCode=ua.StatusCode(error.status), InputArgumentResults=arguments
            )
        async with self._alone:
            status = await self._give(user, order)
        arguments = [ua.StatusCode()] * len(method.arguments)
        return ua.CallMethodResult(StatusCode=ua.StatusCode(status), InputArgumentResults=arguments)

    async def _give(self, user: str, order: Order) -> int:
        image = self._served.source().image
        refused = refusal(order, image.mode)
        if refused is not None:
            await self._note(user, order, _REFUSED, refused)
            return Status.BAD_INVALID_STATE
        if not await self._note(user, order, "asked"):
            return Status.BAD_RESOURCE_UNAVAILABLE
        try:
            answer = await orders.give(image.path, order)
        except HostError as error:
            await self._note(user, order, _REFUSED, str(error))
            return Status.BAD_INVALID_STATE
        await self._note(user, order, "done", f"it was {answer.get('before')}")
        if isinstance(frame := answer.get("frame"), int):
            await _first_scan(image, frame)
        return Status.GOOD

    async def _note(self, user: str, order: Order, outcome: str, reason: str = "") -> bool:
        """Write an order down; return whether the disk has it."""
        kind = "restart" if isinstance(order, Restart) else order.value
        record = {"source": "opcua", "user": user, "order": kind, "outcome": outcome}
        if isinstance(order, Restart):
            record["kind"] = order.value
        if reason:
            record["reason"] = reason
        level = logging.WARNING if outcome == _REFUSED else logging.INFO
        _LOG.log(level, "OPC UA order %s: %s", outcome, order.value, extra=record)
        try:
            await asyncio.to_thread(self._audit.log.append, stamped(record, self._audit.wall_ns()))
        except OSError as error:
            _LOG.error("the audit log cannot be written (%s)", error.strerror or error)
            return False
        return True


async def _first_scan(image: Image, frame: int) -> None:
    """Wait for the first scan after a frame, so that what the client reads next is after its call.

    A program of event tasks may have none for long: the wait has an end.
    """
    shortest_ns = min((task.interval_ns for task in image.directory.tasks), default=0)
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + PATIENCE_S + shortest_ns / 1e9
    ring = image.ring(SectionKind.FRAME)
    while ring.head <= frame and loop.time() < deadline_s:  # noqa: ASYNC110 - shared memory
        await asyncio.sleep(POLL_S)


def _order(method: Method, item: ua.CallMethodRequest) -> Order:
    """Return the order that a call stands for.

    Raises:
        _NotCallableError: Its object or its arguments are not the method's.
    """
    if item.ObjectId != method.owner:
        raise _NotCallableError(Status.BAD_METHOD_INVALID)
    given = item.InputArguments or []
    if len(given) < len(method.arguments):
        raise _NotCallableError(Status.BAD_ARGUMENTS_MISSING)
    if len(given) > len(method.arguments):
        raise _NotCallableError(Status.BAD_TOO_MANY_ARGUMENTS)
    if method.name != RESTART:
        return _SWITCHES[method.name]
    kind = given[0].Value
    if not isinstance(kind, str):
        raise _NotCallableError(Status.BAD_INVALID_ARGUMENT, Status.BAD_TYPE_MISMATCH)
    found = next((one for one in Restart if one.value == kind.lower()), None)
    if found is None:
        raise _NotCallableError(Status.BAD_INVALID_ARGUMENT, Status.BAD_OUT_OF_RANGE)
    return found
