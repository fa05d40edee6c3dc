"""Driver for Modbus devices: plans requests from the address map, over any link.

Three things are learned from the device and kept. A read that was refused is cut: at the gaps it
spans, or else in two, until only what the device does not have is refused. Outputs whose common
write was refused are written one by one, so that one bad register spoils no other. And measured
round trips tell how large a gap is cheaper read along than left out.
"""

import operator
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import numpy as np

from gateway.config import MEASURE_READS, READ_REQUEST_NS, READ_UNIT_NS, REPLAN_READS
from gateway.errors import PeerExceptionError
from gateway.field.modbus_ahead import AheadLink
from gateway.field.modbus_link import Asked, Exchange, Link
from gateway.field.planner import (
    BITS_A_UNIT,
    Reach,
    Span,
    gap_sizes,
    gap_starts,
    middle,
    plan_reads,
    plan_writes,
)
from gateway.field.seam import Answer, ReadExchange, Took, WriteExchange
from gateway.flow.cost import Cost, CostModel
from gateway.flow.registers import SpanDecoder, encode_registers
from gateway.protocols.modbus.pdu import ExceptionCode, Function
from gateway.protocols.modbus.requests import (
    MaskWriteRegister,
    ReadBits,
    ReadRegisters,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    encode_request,
)
from gateway.protocols.modbus.responses import BitsRead, Refused, RegistersRead
from gateway.tags import Channel, DeviceMap, register_channels
from runtime.project.channels import BIT_TABLES, Table
from runtime.project.devices import ModbusDevice

_READS: Final[dict[Table, Function]] = {
    "coil": Function.READ_COILS,
    "discrete": Function.READ_DISCRETE_INPUTS,
    "holding": Function.READ_HOLDING_REGISTERS,
    "input": Function.READ_INPUT_REGISTERS,
}
_READ_RESPONSES: Final = (RegistersRead, BitsRead)
_CANNOT_CUT: Final = (
    ExceptionCode.ILLEGAL_FUNCTION,
    ExceptionCode.ACKNOWLEDGE,
    ExceptionCode.SERVER_DEVICE_BUSY,
)
"""Refusals that say nothing of the addresses."""


class ModbusRefusedError(PeerExceptionError):
    """An exception response, with its code."""

    def __init__(self, refused: Refused, subject: str, *, in_parts: bool = False) -> None:
        more = "; it is read in parts from now on" if in_parts else ""
        super().__init__(f"{subject}: {refused}{more}", is_settled=in_parts)
        self.code = refused.code


class NotTakenError(PeerExceptionError):
    """A device acknowledged a write, and yet does not have the value."""


@dataclass(frozen=True, slots=True)
class ModbusRead(ReadExchange):
    """A read that is done again and again: encoded once, decoded in bulk."""

    span: Span
    asked: Asked
    decoder: SpanDecoder


class ModbusDriver:
    """`Driver` of a [[device]] that speaks Modbus."""

    def __init__(self, device: DeviceMap, section: ModbusDevice, link: Link) -> None:
        """Plan the reads; nothing is connected yet."""
        self._section = section
        self._inputs = register_channels(device.inputs)
        self._outputs = register_channels(output.channel for output in device.outputs)
        self._groups = device.groups
        self._link = link
        self._cost = CostModel(Cost(READ_REQUEST_NS, READ_UNIT_NS))
        self._breaks: set[tuple[Table, int]] = set()
        self._alone: set[int] = set()
        self._has_masks = True
        self._write_reach = Reach(section.write_bits_max, section.write_registers_max)
        self._measured = 0
        self._gaps = sorted(
            set().union(*(gap_sizes(self._inputs, group.inputs) for group in self._groups))
        )
        self._planned_gap = 0
        self._reads: list[list[ModbusRead]] = []
        self._plan()

    async def connect(self) -> None:
        """Make the connection, within the device's timeout."""
        await self._link.connect()

    def close(self) -> None:
        """Drop the connection, if there is one."""
        self._link.close()

    def reads(self, group: int) -> Sequence[ReadExchange]:
        """Return the exchanges that bring every input of a group once."""
        if self._measured >= REPLAN_READS:
            self._measured = 0
            if self._gap() != self._planned_gap:
                self._plan()
        return self._reads[group]

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return the exchanges that set these outputs to these raw values."""
        bits = [number for number in changes if self._outputs[number].encoding.bit is not None]
        whole = [number for number in changes if self._outputs[number].encoding.bit is None]
        spans = plan_writes(self._outputs, whole, self._write_reach, alone=self._alone)
        exchanges = [
            WriteExchange(span.members, partial(self._write, span, changes)) for span in spans
        ]
        for members in self._by_register(bits):
            ask = partial(self._write_bits, members, changes)
            exchanges.append(WriteExchange(members, ask))
        return exchanges

    # -- reading --------------------------------------------------------------------------------
    def _plan(self) -> None:
        """Plan the reads by what is known now."""
        section = self._section
        gap = self._planned_gap = self._gap()
        reach = Reach(section.bits_max, section.registers_max, gap * BITS_A_UNIT, gap)
        self._reads = [
            [
                self._exchange_of(span)
                for span in plan_reads(
                    self._inputs, reach, numbers=group.inputs, breaks=self._breaks
                )
            ]
            for group in self._groups
        ]

    def _gap(self) -> int:
        """Return the greatest gap of the map that is cheaper read along than left out, 0 if none.

        To plan 10,000 channels takes 30 ms of the loop, so only a change of this is worth it.
        """
        limit = self._cost.cost.gap_max(self._section.gap_max)
        place = bisect_right(self._gaps, limit)
        return self._gaps[place - 1] if place else 0

    def _exchange_of(self, span: Span) -> ModbusRead:
        request = read_request(span)
        decoder = SpanDecoder([self._inputs[number] for number in span.members], span.start)
        asked = (request, encode_request(request))

        async def ask() -> Answer:
            return await self._read(read)

        read = ModbusRead(np.array(span.members, np.intp), ask, span, asked, decoder)
        return read

    async def read(self, reads: deque[ReadExchange], took: Took) -> None:
        """Do reads one after another, each from inside the arrival of the answer before it."""
        own = cast("deque[ModbusRead]", reads)
        if isinstance(self._link, AheadLink):
            await self._read_ahead(self._link, own, took)
            return

        def took_one(exchange: Exchange) -> Asked | None:
            done = own.popleft()
            if took(done, self._answer(done, exchange)) and own:
                return own[0].asked
            return None

        await self._link.converse(own[0].asked, took_one)

    async def _read_ahead(self, link: AheadLink, reads: deque["ModbusRead"], took: Took) -> None:
        """Do reads with several on their way: the first ones of the queue."""

        def asks(are_open: int) -> Asked | None:
            return reads[are_open].asked if are_open < len(reads) else None

        def took_one(asked: Asked, exchange: Exchange) -> bool:
            place = next(place for place, read in enumerate(reads) if read.asked is asked)
            done = reads[place]
            del reads[place]
            return took(done, self._answer(done, exchange))

        await link.converse_ahead(asks, took_one)

    async def _read(self, read: "ModbusRead") -> Answer:
        answer = self._answer(read, await self._link.exchange(*read.asked))
        if isinstance(answer, PeerExceptionError):
            raise answer
        return answer

    def _answer(self, read: "ModbusRead", exchange: Exchange) -> Answer | ModbusRefusedError:
        response, sent_ns, received_ns = exchange
        if isinstance(response, Refused):
            in_parts = response.code not in _CANNOT_CUT and self._cut(read.span)
            named = self._named(self._inputs, read.span)
            return ModbusRefusedError(response, named, in_parts=in_parts)
        assert isinstance(response, _READ_RESPONSES)
        packed = response.packed
        self._measured += 1
        if not self._measured % MEASURE_READS and not isinstance(self._link, AheadLink):
            self._cost.add(len(packed) // 2, received_ns - sent_ns)
        return Answer(sent_ns, received_ns, read.decoder.decode(packed))

    def _cut(self, refused: Span) -> bool:
        """Never ask for that much in one request again; return whether it can be cut."""
        channels = self._inputs
        cuts = gap_starts(channels, refused) if refused.gaps else middle(channels, refused)
        is_new = bool(cuts - self._breaks)
        if is_new:
            self._breaks |= cuts
            self._plan()
        return is_new

    # -- writing --------------------------------------------------------------------------------
    async def _write(self, span: Span, changes: Mapping[int, int]) -> Answer:
        request = write_request(self._outputs, span, changes)
        try:
            exchange = await self._ask(request, span)
            if self._section.read_back:
                await self._read_back(span, changes)
        except (ModbusRefusedError, NotTakenError):
            if len(span.members) > 1:
                self._alone.update(span.members)
            raise
        return Answer(exchange.sent_ns, exchange.received_ns)

    async def _read_back(self, span: Span, changes: Mapping[int, int]) -> None:
        exchange = await self._ask(read_request(span), span)
        response = exchange.response
        assert isinstance(response, BitsRead | RegistersRead)
        wanted = [int(word) for word in span_words(self._outputs, span, changes)]
        found = [int(word) for word in response.values]
        if found != wanted:
            place = [*map(operator.eq, found, wanted)].index(False)
            named = self._named(self._outputs, span)
            raise NotTakenError(
                f"{named}: {span.start + place} reads {found[place]} "
                f"after {wanted[place]} was written",
                f"{named}: not taken",
            )

    def _by_register(self, bits: Sequence[int]) -> list[tuple[int, ...]]:
        """Return outputs that are bits of registers, those of one register together."""
        groups: dict[int, list[int]] = {}
        for number in bits:
            groups.setdefault(self._outputs[number].register, []).append(number)
        return [tuple(members) for _, members in sorted(groups.items())]

    async def _write_bits(self, members: tuple[int, ...], changes: Mapping[int, int]) -> Answer:
        """Set bits of one register and leave its others as they are."""
        span = Span("holding", self._outputs[members[0]].register, 1, members, gaps=False)
        mask, bits = 0, 0
        for number in members:
            place = register_bit(self._outputs[number])
            mask |= 1 << place
            bits |= (changes[number] & 1) << place
        exchange = await self._mask(span, mask, bits)
        if self._section.read_back:
            found = await self._register(span) & mask
            if found != bits:
                named = self._named(self._outputs, span)
                raise NotTakenError(
                    f"{named}: reads {found} after {bits} was written, mask {mask}",
                    f"{named}: not taken",
                )
        return Answer(exchange.sent_ns, exchange.received_ns)

    async def _mask(self, span: Span, mask: int, bits: int) -> Exchange:
        """Set the bits of a mask: by function 22, or where there is none by reading before."""
        if self._has_masks:
            request = MaskWriteRegister(span.start, and_mask=~mask & 0xFFFF, or_mask=bits)
            try:
                return await self._ask(request, span)
            except ModbusRefusedError as error:
                if error.code != ExceptionCode.ILLEGAL_FUNCTION:
                    raise
                self._has_masks = False
        word = await self._register(span) & ~mask | bits
        return await self._ask(WriteRegister(span.start, word), span)

    async def _register(self, span: Span) -> int:
        response = (await self._ask(read_request(span), span)).response
        assert isinstance(response, RegistersRead)
        return response.values[0]

    async def _ask(self, request: Request, span: Span) -> Exchange:
        exchange = await self._link.exchange(request)
        if isinstance(exchange.response, Refused):
            raise ModbusRefusedError(exchange.response, self._named(self._outputs, span))
        return exchange

    def _named(self, channels: Sequence[Channel], span: Span) -> str:
        """Return what a request was about, as `takt.toml` and the device's manual call it."""
        addresses = list(dict.fromkeys(channels[number].address for number in span.members))
        name = addresses[0] if len(addresses) == 1 else f"{addresses[0]} … {addresses[-1]}"
        first = span.start + self._section.address_base
        end = f" to {first + span.count - 1}" if span.count > 1 else ""
        return f"{name} ({span.table} {first}{end})"


def register_bit(channel: Channel) -> int:
    """Return the place of a channel's bit in the register as a number: bytes may be swapped."""
    bit = channel.encoding.bit or 0
    return bit if channel.encoding.big_bytes else bit ^ 8


def read_request(span: Span) -> ReadBits | ReadRegisters:
    """Return the request that reads a span."""
    function = _READS[span.table]
    if span.table in BIT_TABLES:
        return ReadBits(function, span.start, span.count)
    return ReadRegisters(function, span.start, span.count)


def span_words(
    channels: Sequence[Channel], span: Span, changes: Mapping[int, int]
) -> tuple[int, ...]:
    """Return what a span is to hold: its registers, or its bits as 0 and 1."""
    words = [0] * span.count
    for number in span.members:
        channel = channels[number]
        place = channel.register - span.start
        if span.table in BIT_TABLES:
            words[place] = changes[number]
        else:
            words[place : place + channel.size] = encode_registers(channel, changes[number])
    return tuple(words)


def write_request(channels: Sequence[Channel], span: Span, changes: Mapping[int, int]) -> Request:
    """Return the request that writes a span: the single form where it has one bit or register."""
    words = span_words(channels, span, changes)
    if span.table in BIT_TABLES:
        bits = tuple(bool(word) for word in words)
        return WriteCoil(span.start, bits[0]) if len(bits) == 1 else WriteCoils(span.start, bits)
    if len(words) == 1:
        return WriteRegister(span.start, words[0])
    return WriteRegisters(span.start, words)
