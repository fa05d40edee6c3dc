"""The services that this server answers itself, by the number of the request."""

import struct
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import Buffer, ServiceError
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.ua.ua_binary import nodeid_to_binary, struct_from_binary, struct_to_binary
from asyncua.ua.uaerrors import UaError

from gateway.protocols.opcua.builtin import VALUE, Status
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import Message, RequestHeader, encode_response_header
from gateway.protocols.opcua.services import decode_read
from gateway.serve.opcua.book import SubscriptionBook
from gateway.serve.opcua.frames import FrameSource, Snapshot
from gateway.serve.opcua.ranges import RangeError, encode_part
from gateway.serve.opcua.reading import Reader
from gateway.serve.opcua.rows import TIME_BITS, encode_row
from gateway.serve.opcua.security import Role, level_of
from gateway.serve.opcua.subscriptions import Answerer, Ticks
from gateway.serve.opcua.variables import Variable

NODES_MAX: Final = 100_000
"""Nodes in one request."""
_I32: Final = struct.Struct("<i")
_END: Final = _I32.pack(-1)
"""No diagnostics."""
_READ_ONLY: Final = 1
_NOT_EXECUTABLE: Final = ua.DataValue(ua.Variant(Value=False, VariantType=ua.VariantType.Boolean))
ATTRIBUTES: Final = frozenset(map(int, ua.AttributeIds))
"""The numbers of all attributes."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a session, its cursor behind the header."""

    session: InternalSession
    header: RequestHeader
    request_id: int
    cursor: Cursor
    connection: Answerer

    def parameters(self, form: Any) -> Any:
        """Return the parameters as the library reads them.

        Raises:
            CodecError: The bytes are none; its decoders raise all of the below on such.
        """
        try:
            return struct_from_binary(form, Buffer(self.cursor.data, self.cursor.place))
        except (UaError, struct.error, ValueError, TypeError, KeyError, IndexError) as error:
            raise CodecError(f"no {form.__name__}: {error}") from None

    @property
    def level(self) -> Role:
        """What the session's user may do."""
        return level_of(self.session.user)


Service = Callable[[Call], Awaitable[bytes | None]]
"""Answers a request; None where the answer comes later."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the services stand on."""

    internal: InternalServer
    source: Callable[[], FrameSource]
    variables: Mapping[bytes, Variable]
    """Variables by their NodeIds as messages hold them."""
    ticks: Ticks
    methods: Collection[ua.NodeId] = ()
    """Methods for engineers."""


class Answers:
    """The table of services."""

    def __init__(self, served: Served, book: SubscriptionBook) -> None:
        """Begin with the services of attributes; `add` brings others."""
        self.book = book
        self.ticks = served.ticks
        self.services: dict[int, Service] = {Message.READ_REQUEST: ReadService(served)}

    def add(self, services: Mapping[int, Service]) -> None:
        """Answer further requests."""
        self.services.update(services)


def results(message: int, call: Call, ticks: int, rows: list[bytes]) -> bytes:
    """Return a response whose results are these rows."""
    head = encode_response_header(message, call.header.handle, ticks)
    return head + _I32.pack(len(rows)) + b"".join(rows) + _END


def encode_response(call: Call, response: Any) -> bytes:
    """Return a response of the library's."""
    response.ResponseHeader.RequestHandle = call.header.handle
    return bytes(struct_to_binary(response))


def check_count(count: int) -> None:
    """Make sure that a request has some operations, and not too many.

    Raises:
        ServiceError: It has not.
    """
    if count == 0:
        raise ServiceError(Status.BAD_NOTHING_TO_DO)
    if count > NODES_MAX:
        raise ServiceError(Status.BAD_TOO_MANY_OPERATIONS)


class ReadService:
    """Read (part 4, 5.10.2)."""

    def __init__(self, served: Served) -> None:
        """Remember nothing yet."""
        self._served = served
        self._reader = Reader(served.variables)

    async def __call__(self, call: Call) -> bytes:
        """Return the response to a Read."""
        start = call.cursor.place
        request = decode_read(call.cursor)
        check_count(request.count)
        now = self._served.ticks()
        plan = self._reader.plan(request)
        if plan is not None:
            rows = plan.answer(self._served.source().snapshot(), now)
            head = encode_response_header(Message.READ_RESPONSE, call.header.handle, now)
            return b"".join((head, _I32.pack(plan.count), rows, _END))
        if request.timestamps not in TIME_BITS:
            raise ServiceError(Status.BAD_TIMESTAMPS_TO_RETURN_INVALID)
        call.cursor.place = start
        parameters = call.parameters(ua.ReadParameters)
        snapshot = self._served.source().snapshot()
        found = [
            self._one(item, request.timestamps, snapshot, call.level)
            for item in parameters.NodesToRead
        ]
        return results(Message.READ_RESPONSE, call, now, found)

    def _one(self, item: ua.ReadValueId, timestamps: int, snapshot: Snapshot, level: Role) -> bytes:
        now = self._served.ticks()
        variable = self._served.variables.get(nodeid_to_binary(item.NodeId))
        if item.DataEncoding.Name and item.AttributeId != VALUE:
            return _status_row(Status.BAD_DATA_ENCODING_UNSUPPORTED)
        if variable is None or item.AttributeId != VALUE:
            if item.IndexRange:
                return _status_row(Status.BAD_INDEX_RANGE_NO_DATA)
            if variable is not None and item.AttributeId == ua.AttributeIds.UserAccessLevel:
                return bytes(struct_to_binary(user_access(variable, level)))
            asks_rights = item.AttributeId == ua.AttributeIds.UserExecutable
            if asks_rights and level < Role.ENGINEER and item.NodeId in self._served.methods:
                return bytes(struct_to_binary(_NOT_EXECUTABLE))
            return self._library(item, timestamps)
        if not item.IndexRange:
            return encode_row(variable, snapshot, timestamps, now)
        try:
            return encode_part(variable, snapshot, item.IndexRange, timestamps, now)
        except RangeError as error:
            return _status_row(error.status)

    def _library(self, item: ua.ReadValueId, timestamps: int) -> bytes:
        if item.AttributeId not in ATTRIBUTES:
            return _status_row(Status.BAD_ATTRIBUTE_ID_INVALID)
        value = self._served.internal.aspace.read_attribute_value(
            item.NodeId, ua.AttributeIds(item.AttributeId)
        )
        return bytes(struct_to_binary(with_times(value, timestamps)))


def with_times(value: ua.DataValue, timestamps: int) -> ua.DataValue:
    """Return a value of the library's with just the times that were asked for."""
    asked = ua.TimestampsToReturn(timestamps)
    source = asked in {ua.TimestampsToReturn.Source, ua.TimestampsToReturn.Both}
    server = asked in {ua.TimestampsToReturn.Server, ua.TimestampsToReturn.Both}
    return ua.DataValue(
        value.Value,
        value.StatusCode,
        value.SourceTimestamp if source else None,
        value.ServerTimestamp if server else None,
    )


def user_access(variable: Variable, level: Role) -> ua.DataValue:
    """Return the rights that a user has at a variable."""
    access = access_level(variable)
    if level < Role.OPERATOR:
        access &= ~(1 << ua.AccessLevel.CurrentWrite)
    return ua.DataValue(ua.Variant(access, ua.VariantType.Byte))


def access_level(variable: Variable) -> int:
    """Return what can be done with a variable at all."""
    write = (1 << ua.AccessLevel.CurrentWrite) if variable.writable else 0
    history = (1 << ua.AccessLevel.HistoryRead) if variable.historical else 0
    return _READ_ONLY | write | history


def _status_row(status: int) -> bytes:
    return struct.pack("<BI", 2, status)
