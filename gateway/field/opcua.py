"""Driver for OPC UA servers: the server tells changes, or is polled where it will not.

Changes come in answers to Publish requests, a few of which are always open. What a message does not
name has not changed, so each message, a mere sign of life too, renews the age of all sound inputs.
A message that is missing is made up for by reading everything once.

A small Read every second proves that the server lives, and measures its clock.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from gateway.errors import PeerClosedError, PeerError, PeerProtocolError, PeerTimeoutError
from gateway.field.clock import Clock
from gateway.field.opcua_connection import (
    Answered,
    Login,
    OpcUaConnection,
    RefusedServiceError,
    status_text,
)
from gateway.field.opcua_values import BITS, REPORTS_MAX, ValueJudge, spoilt
from gateway.field.seam import Answer, Arrival, ReadExchange, WriteExchange
from gateway.field.server_clock import ServerClock
from gateway.protocols.opcua.builtin import SEVERITY, Builtin, Status
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import Message
from gateway.protocols.opcua.node_id import parse_node
from gateway.protocols.opcua.services import (
    Item,
    Published,
    decode_created_items,
    decode_created_subscription,
    decode_published,
    decode_read_results,
    decode_statuses,
    encode_create_items,
    encode_create_subscription,
    encode_publish,
    encode_read,
    encode_write,
)
from gateway.tags import DeviceMap, node_channels
from runtime.project.devices import OpcUaDevice

_T = TypeVar("_T")
_LOG: Final = logging.getLogger("gateway.field")
BATCH: Final = 1000
"""Nodes in one request, unless the server takes fewer."""
OPEN_PUBLISHES: Final = 3
"""Publish requests that wait at the server: a message finds one while the last is on its way."""
HEARTBEAT_NS: Final = 1_000_000_000
RETRY_NS: Final = 5_000_000_000
"""Wait before nodes that the server refused to monitor are offered again."""
LIFETIME_S: Final = 20.0
"""How long the server keeps a subscription that nobody asks for."""
PUBLISHING_MS_MIN: Final = 10.0
_SERVER_STATE: Final = bytes((1, 0)) + (2259).to_bytes(2, "little")
_LIMITS: Final = (11705, 11707, 11714)
"""Greatest numbers of nodes in a Read, a Write, a CreateMonitoredItems."""
_FILTER_FAULTS: Final = frozenset({0x80430000, 0x80440000, 0x80450000, 0x808E0000})


class _Subscription:
    """What is agreed on with the server, and how its messages come."""

    def __init__(self, number: int, silence_ns: int, now_ns: int) -> None:
        self.number = number
        self.silence_ns = silence_ns
        self.heard_ns = now_ns
        self.expected: int | None = None
        self.refused: dict[int, int] = {}
        self.retry_ns = 0


class OpcUaDriver:
    """`Driver` and `Subscriber` of a [[device]] with protocol "opcua"."""

    def __init__(self, device: DeviceMap, section: OpcUaDevice, clock: Clock) -> None:
        """Connect nothing yet."""
        # The library reports what peers do as if it were its own fault; the poller says it once.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        self._name = device.name
        self._section = section
        self._clock = clock
        self._login = Login(section, device.folder, device.folder.name or "takt")
        self._inputs = node_channels(device.inputs)
        self._outputs = node_channels(output.channel for output in device.outputs)
        self._groups = device.groups
        self._server_clock = ServerClock()
        self._judge = ValueJudge(self._inputs, self._server_clock, self._complain, status_text)
        self._wake: Callable[[], None] = lambda: None
        self._connection: OpcUaConnection | None = None
        self._subscription: _Subscription | None = None
        self._arrivals: list[Arrival] = []
        self._acknowledge: list[tuple[int, int]] = []
        self._failure: PeerError | None = None
        self._input_nodes: list[bytes] = []
        self._output_nodes: list[bytes] = []
        self._output_kinds: list[int] = []
        self._output_faults: dict[int, int] = {}
        """Statuses of outputs whose type the server did not tell."""
        self._limits = [BATCH, BATCH, BATCH]
        self._heartbeat_ns = 0
        self._read_all = False
        self._alone: set[int] = set()
        self._complained: set[str] = set()

    # -- connection -----------------------------------------------------------------------------
    async def connect(self) -> None:
        """Make channel and session, find the nodes, and let the server tell changes."""
        connection = OpcUaConnection(self._login, self._clock)
        self._connection = connection
        self._subscription, self._failure = None, None
        self._arrivals, self._acknowledge = [], []
        await connection.open()
        await self._find_nodes(connection)
        await self._find_limits(connection)
        await self._find_output_types(connection)
        self._heartbeat_ns, self._read_all = 0, False
        if self._section.subscribe and self._inputs:
            try:
                await self._subscribe(connection)
            except RefusedServiceError as error:
                self._complain(f"no subscription ({error}): the nodes are polled")

    def close(self) -> None:
        """Drop the connection, if there is one."""
        connection, self._connection = self._connection, None
        self._subscription = None
        if connection is not None:
            connection.close()

    async def _find_nodes(self, connection: OpcUaConnection) -> None:
        names = [parse_node(item.node) for item in (*self._inputs, *self._outputs)]
        uris: list[str] = []
        if any(isinstance(name.namespace, str) for name in names):
            uris = await connection.namespaces()
        nodes = []
        for name in names:
            try:
                nodes.append(name.encode(uris))
            except ValueError as error:
                self._complain(str(error))
                nodes.append(b"\0\0")  # the null NodeId, which every server refuses
        self._input_nodes = nodes[: len(self._inputs)]
        self._output_nodes = nodes[len(self._inputs) :]

    async def _find_limits(self, connection: OpcUaConnection) -> None:
        nodes = [bytes((1, 0)) + number.to_bytes(2, "little") for number in _LIMITS]
        answer = await self._ask(connection, Message.READ_REQUEST, encode_read(nodes), "limits")
        found = _decoded(decode_read_results, answer)
        for row in found:
            limit = int(row["raw"]) if row["kind"] == Builtin.UINT32 else 0
            self._limits[int(row["handle"])] = min(limit or BATCH, BATCH)

    async def _find_output_types(self, connection: OpcUaConnection) -> None:
        self._output_kinds = [0] * len(self._outputs)
        self._output_faults.clear()
        for first in range(0, len(self._outputs), self._limits[0]):
            nodes = self._output_nodes[first : first + self._limits[0]]
            answer = await self._ask(
                connection, Message.READ_REQUEST, encode_read(nodes), "types of the outputs"
            )
            for row in _decoded(decode_read_results, answer):
                self._output_kinds[first + int(row["handle"])] = int(row["kind"])
        unknown = [number for number, kind in enumerate(self._output_kinds) if not kind]
        if unknown:
            names = [self._outputs[number].node for number in unknown]
            kinds = await connection.data_types([name for name in names if "nsu=" not in name])
            plain = [number for number in unknown if "nsu=" not in self._outputs[number].node]
            for number, (kind, status) in zip(plain, kinds, strict=True):
                self._output_kinds[number] = kind
                self._output_faults[number] = status & SEVERITY and status

    async def _ask(
        self, connection: OpcUaConnection, kind: int, parameters: bytes, subject: str
    ) -> Answered:
        answer = await connection.ask(kind, parameters, subject)
        self._server_clock.observe(answer.header.ticks, answer.sent_ns, answer.received_ns)
        return answer

    # -- subscription ---------------------------------------------------------------------------
    async def _subscribe(self, connection: OpcUaConnection) -> None:
        section = self._section
        fastest_ns = min(item.sampling_ns for item in self._inputs)
        interval_ms = max(fastest_ns / 1e6, PUBLISHING_MS_MIN)
        keep_alive = max(int(section.stale_after / 1e6 / 3 / interval_ms), 1)
        lifetime = max(3 * keep_alive, int(LIFETIME_S * 1e3 / interval_ms))
        wanted = encode_create_subscription(interval_ms, lifetime, keep_alive)
        answer = await self._ask(
            connection, Message.CREATE_SUBSCRIPTION_REQUEST, wanted, "subscription"
        )
        created = _decoded(decode_created_subscription, answer)
        silence_ms = 3 * created.interval_ms * max(created.keep_alive, 1)
        silence_ns = int(silence_ms * 1e6) + section.timeout
        subscription = _Subscription(created.number, silence_ns, self._clock())
        await self._monitor(connection, subscription, range(len(self._inputs)))
        self._subscription = subscription
        for _ in range(OPEN_PUBLISHES):
            self._publish(connection)

    async def _monitor(
        self, connection: OpcUaConnection, subscription: _Subscription, numbers: Sequence[int]
    ) -> None:
        """Let the server tell changes of inputs; those that it refuses are kept in mind."""
        subscription.retry_ns = self._clock() + RETRY_NS
        pending = [(number, self._inputs[number].deadband) for number in numbers]
        while pending:
            batch, pending = pending[: self._limits[2]], pending[self._limits[2] :]
            statuses = await self._create_items(connection, subscription, batch)
            for (number, deadband), status in zip(batch, statuses, strict=True):
                if status in _FILTER_FAULTS and deadband:
                    self._complain(f"{self._inputs[number].node}: no deadband there")
                    pending.append((number, 0.0))
                elif status & SEVERITY:
                    subscription.refused[number] = status
                else:
                    subscription.refused.pop(number, None)
        self._report_refused(subscription)

    async def _create_items(
        self,
        connection: OpcUaConnection,
        subscription: _Subscription,
        batch: Sequence[tuple[int, float]],
    ) -> Sequence[int]:
        statuses: list[int] = []
        for part in _runs(batch):
            first = part[0][0]
            items = [
                Item(self._input_nodes[number], self._inputs[number].sampling_ns / 1e6, deadband)
                for number, deadband in part
            ]
            answer = await self._ask(
                connection, Message.CREATE_ITEMS_REQUEST,
                encode_create_items(subscription.number, items, first), "monitored items",
            )  # fmt: skip
            found = _decoded(decode_created_items, answer)
            if len(found) != len(part):
                raise PeerProtocolError(f"{len(found)} results for {len(part)} items")
            statuses += found
        return statuses

    def _report_refused(self, subscription: _Subscription) -> None:
        refused = subscription.refused
        if not refused:
            return
        for number, status in list(refused.items())[:REPORTS_MAX]:
            self._complain(f"{self._inputs[number].node}: {status_text(status)}")
        if len(refused) > REPORTS_MAX:
            self._complain(f"{len(refused)} nodes cannot be monitored")
        self._arrivals.append(spoilt(list(refused)))

    def _publish(self, connection: OpcUaConnection) -> None:
        """Open one more Publish request, with the acknowledgements that are due."""
        acknowledged, self._acknowledge = self._acknowledge, []
        future = connection.post(Message.PUBLISH_REQUEST, encode_publish(acknowledged), 0)
        future.add_done_callback(partial(self._published, connection))

    def _published(self, connection: OpcUaConnection, future: asyncio.Future[Any]) -> None:
        """Take the answer to a Publish request: the library calls this."""
        if future.cancelled():
            return
        failure = future.exception()
        if connection is not self._connection or self._subscription is None:
            return
        try:
            if failure is not None:
                raise PeerClosedError(f"the server closed the connection ({failure})")
            answer = connection.answered(future.result(), self._clock(), "Publish")
            self._take(_decoded(decode_published, answer), answer.received_ns)
            self._publish(connection)
        except RefusedServiceError as error:
            if error.status == Status.BAD_TIMEOUT:
                self._publish(connection)
            elif error.status != Status.BAD_TOO_MANY_PUBLISH_REQUESTS:
                self._failure = PeerClosedError(str(error))
        except PeerError as error:
            self._failure = error
        self._wake()

    def _take(self, message: Published, received_ns: int) -> None:
        subscription = self._subscription
        assert subscription is not None
        if message.subscription != subscription.number:
            return
        if message.status is not None and message.status & SEVERITY:
            raise PeerClosedError(f"subscription ended: {status_text(message.status)}")
        earliest_ns, subscription.heard_ns = subscription.heard_ns, received_ns
        if subscription.expected is not None and message.sequence != subscription.expected:
            self._read_all = True
        subscription.expected = message.sequence
        if message.has_data:
            self._acknowledge.append((message.subscription, message.sequence))
            subscription.expected = message.sequence % 0xFFFFFFFF + 1
        arrival = self._judge.judged(message.values, earliest_ns, received_ns, renewed=True)
        self._arrivals.append(arrival)

    # -- what arrives --------------------------------------------------------------------------
    def _complain(self, message: str) -> None:
        """Log what is wrong with a node, once."""
        if message not in self._complained:
            self._complained.add(message)
            extra = {"device": self._name}
            _LOG.warning("device %s: %s", self._name, message, extra=extra)

    def on_arrival(self, wake: Callable[[], None]) -> None:
        """Call a function whenever there is something to take."""
        self._wake = wake

    def arrivals(self) -> Sequence[Arrival]:
        """Return what has come; raise the error that ended the connection."""
        if self._failure is not None:
            raise self._failure
        subscription = self._subscription
        if subscription is not None:
            silent_ns = self._clock() - subscription.heard_ns
            if silent_ns > subscription.silence_ns:
                raise PeerTimeoutError(
                    f"the subscription has been silent for {silent_ns / 1e6:g} ms"
                )
        arrived, self._arrivals = self._arrivals, []
        return arrived

    # -- exchanges ------------------------------------------------------------------------------
    def reads(self, group: int) -> Sequence[ReadExchange]:
        """Return the exchanges of a poll: all nodes of a group, or what a subscription needs."""
        now_ns = self._clock()
        subscription = self._subscription
        if subscription is None:
            return self._read_group(self._groups[group].inputs)
        exchanges: list[ReadExchange] = []
        if now_ns >= self._heartbeat_ns:
            self._heartbeat_ns = now_ns + HEARTBEAT_NS
            exchanges.append(ReadExchange((), self._beat))
        if self._read_all:
            self._read_all = False
            exchanges += self._read_group(range(len(self._inputs)))
        if subscription.refused and now_ns >= subscription.retry_ns:
            exchanges.append(ReadExchange((), self._monitor_again))
        return exchanges

    def _read_group(self, numbers: Sequence[int]) -> list[ReadExchange]:
        limit = self._limits[0]
        return [
            ReadExchange((), partial(self._read, np.array(numbers[first : first + limit], np.intp)))
            for first in range(0, len(numbers), limit)
        ]

    async def _read(self, numbers: npt.NDArray[np.intp]) -> Answer:
        parameters = encode_read([self._input_nodes[number] for number in numbers])
        sent_ns = self._clock()
        try:
            answer = await self._ask(self._open(), Message.READ_REQUEST, parameters, "read")
        except RefusedServiceError:
            self._arrivals.append(spoilt(numbers.tolist()))
            raise
        values = _decoded(decode_read_results, answer)
        if len(values) != len(numbers):
            raise PeerProtocolError(f"{len(values)} results for {len(numbers)} nodes")
        values["handle"] = numbers[values["handle"]]
        # Nothing tells when a polled value has changed: it is known to be true now.
        values["source"] = 0
        self._arrivals.append(
            self._judge.judged(values, sent_ns, answer.received_ns, renewed=False)
        )
        return Answer(answer.sent_ns, answer.received_ns)

    async def _beat(self) -> Answer:
        parameters = encode_read([_SERVER_STATE])
        answer = await self._ask(self._open(), Message.READ_REQUEST, parameters, "server state")
        return Answer(answer.sent_ns, answer.received_ns)

    async def _monitor_again(self) -> Answer:
        sent_ns = self._clock()
        subscription = self._subscription
        if subscription is not None:
            await self._monitor(self._open(), subscription, list(subscription.refused))
        return Answer(sent_ns, self._clock())

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return the exchanges that set outputs: many in each, those once refused by themselves."""
        together = [number for number in changes if number not in self._alone]
        batches = [
            together[first : first + self._limits[1]]
            for first in range(0, len(together), self._limits[1])
        ]
        batches += [[number] for number in changes if number in self._alone]
        return [
            WriteExchange(tuple(batch), partial(self._write, batch, changes)) for batch in batches
        ]

    async def _write(self, numbers: Sequence[int], changes: Mapping[int, int]) -> Answer:
        for number in numbers:
            channel, kind = self._outputs[number], self._output_kinds[number]
            if BITS[kind] != channel.width:
                self._alone.add(number)
                if fault := self._output_faults.get(number):
                    raise RefusedServiceError(fault, channel.node)
                found = Builtin(kind & 0x3F).name.lower() if kind else "of an unknown type"
                raise RefusedServiceError(
                    Status.BAD_TYPE_MISMATCH,
                    f"{channel.node} is {found}, {channel.address} has {channel.width} bits",
                )
        parameters = encode_write(
            [self._output_nodes[number] for number in numbers],
            [self._output_kinds[number] for number in numbers],
            [changes[number] for number in numbers],
        )
        answer = await self._ask(self._open(), Message.WRITE_REQUEST, parameters, "write")
        statuses = _decoded(decode_statuses, answer)
        refused = [
            (number, status)
            for number, status in zip(numbers, statuses, strict=False)
            if status & SEVERITY
        ]
        if refused or len(statuses) != len(numbers):
            self._alone.update(number for number, _ in refused)
            number, status = refused[0] if refused else (numbers[0], Status.BAD)
            raise RefusedServiceError(status, self._outputs[number].node)
        return Answer(answer.sent_ns, answer.received_ns)

    def _open(self) -> OpcUaConnection:
        if self._connection is None:
            raise PeerClosedError("no connection")
        return self._connection


def _decoded(decode: Callable[[Cursor], _T], answer: Answered) -> _T:
    """Return what a response holds.

    Raises:
        PeerProtocolError: It is no such response.
    """
    try:
        return decode(answer.cursor)
    except CodecError as error:
        raise PeerProtocolError(str(error)) from None


def _runs(batch: Sequence[tuple[int, float]]) -> Iterator[list[tuple[int, float]]]:
    """Cut a batch where numbers do not follow each other: client handles count from the first."""
    run: list[tuple[int, float]] = []
    for entry in batch:
        if run and entry[0] != run[-1][0] + 1:
            yield run
            run = []
        run.append(entry)
    if run:
        yield run
