"""Every channel of a running project as it is now: value, quality, age, its device's round trip."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from runtime.datatypes.derived import Array, DataType
from runtime.datatypes.elementary import Elementary, Kind
from runtime.image.directory import Directory
from runtime.image.layout import Link, LinkError, Quality, SectionKind
from runtime.image.payloads import Mailbox, decode_frame, decode_mailbox, decode_outputs
from runtime.image.segment import Image
from runtime.project.channels import PART_BYTES, IoSection, ModbusIo, OpcUaIo, StringPart, VirtualIo
from runtime.project.load import Project
from runtime.project.values import ValueKind, from_raw

_NEVER: Final = -1


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel at one moment."""

    address: str
    device: str
    place: str
    """Where it is at the device, such as "holding 40" or a node."""
    value: float | str | None
    """As the program sees it, the characters of a string's part; None before anything was read or
    published."""
    quality: Quality | None
    """Of an input, as the last scan saw it; None for an output."""
    age_ns: int
    """Time since its sample was taken, -1 for none and for outputs."""
    link: Link
    round_trip_ns: int
    """Duration of its device's last poll."""
    error: LinkError = LinkError.NONE
    """Why the link is down, or that the device refuses something."""


Kinds = Mapping[tuple[str, int, int], ValueKind]
"""How the program means the bits at an address: by area, first byte and width."""


def kinds_of(directory: Directory) -> Kinds:
    """Return how the program's variables at addresses are meant, where they are numbers."""
    found: dict[tuple[str, int, int], ValueKind] = {}
    for letter, area in directory.areas.items():
        for symbol in directory.symbols:
            if area.offset <= symbol.offset < area.offset + area.size:
                for byte, scalar in _scalars(symbol.type, symbol.offset - area.offset):
                    kind = _KINDS.get(scalar.kind, ValueKind.UNSIGNED)
                    found[letter, byte, 8 * scalar.size] = kind
    return found


_KINDS: Final = {Kind.REAL: ValueKind.REAL, Kind.SIGNED: ValueKind.SIGNED}


def _scalars(data_type: DataType, offset: int) -> Iterator[tuple[int, Elementary]]:
    if isinstance(data_type, Elementary):
        yield offset, data_type
    elif isinstance(data_type, Array):
        for number in range(data_type.count):
            yield from _scalars(data_type.element, offset + number * data_type.element.size)


def channel_states(project: Project, image: Image, kinds: Kinds) -> tuple[ChannelState, ...]:
    """Return the channels of a project, device by device, inputs before outputs.

    Args:
        project: What its file says.
        image: What its processes show.
        kinds: `kinds_of` the image's directory; it says what channels without a type are.
    """
    now_ns = time.monotonic_ns()
    frame = image.ring(SectionKind.FRAME).latest()
    qualities = decode_frame(frame.payload).qualities if frame is not None else ()
    published = image.ring(SectionKind.OUTPUTS).latest()
    area = decode_outputs(published.payload).area if published is not None else None
    states, first = [], 0
    for number, device in enumerate(project.config.device):
        entries = [entry for entry in project.config.io if entry.device == device.name]
        publication = image.ring(SectionKind.INPUTS, number).latest()
        mailbox = decode_mailbox(publication.payload) if publication is not None else None
        inputs = [entry for entry in entries if entry.address.area == "I"]
        for place, entry in enumerate(inputs):
            seen = qualities[first + place] if first + place < len(qualities) else None
            states.append(_input(entry, kinds, mailbox, place, seen, now_ns))
        first += len(inputs)
        outputs = [entry for entry in entries if entry.address.area == "Q"]
        states += [_output(entry, kinds, mailbox, area) for entry in outputs]
    return tuple(states)


def _input(
    entry: IoSection,
    kinds: Kinds,
    mailbox: Mailbox | None,
    place: int,
    seen: Quality | None,
    now_ns: int,
) -> ChannelState:
    sample = mailbox.samples[place] if mailbox is not None else None
    quality = seen if seen is not None else (sample.quality if sample else Quality.MISSING)
    is_known = sample is not None and sample.source_ns > 0
    return ChannelState(
        address=str(entry.address),
        device=entry.device,
        place=place_of(entry),
        value=_value(entry, kinds, sample.raw) if sample is not None and is_known else None,
        quality=quality,
        age_ns=max(now_ns - sample.source_ns, 0) if sample is not None and is_known else _NEVER,
        link=mailbox.link if mailbox is not None else Link.DOWN,
        round_trip_ns=mailbox.round_trip_ns if mailbox is not None else 0,
        error=mailbox.error if mailbox is not None else LinkError.NONE,
    )


def _output(
    entry: IoSection, kinds: Kinds, mailbox: Mailbox | None, area: bytes | None
) -> ChannelState:
    address, value = entry.address, None
    if area is not None and address.bits.stop <= 8 * len(area):
        size = max(address.width // 8, 1)
        raw = int.from_bytes(area[address.byte : address.byte + size], "little")
        value = _value(entry, kinds, raw >> address.bit & 1 if address.width == 1 else raw)
    return ChannelState(
        address=str(address),
        device=entry.device,
        place=place_of(entry),
        value=value,
        quality=None,
        age_ns=_NEVER,
        link=mailbox.link if mailbox is not None else Link.DOWN,
        round_trip_ns=mailbox.round_trip_ns if mailbox is not None else 0,
        error=mailbox.error if mailbox is not None else LinkError.NONE,
    )


def _value(entry: IoSection, kinds: Kinds, raw: int) -> float | str:
    address, kind = entry.address, entry.kind
    if isinstance(entry, StringPart):
        characters = raw.to_bytes(PART_BYTES, "little")
        return characters[: (entry.length or 0) - PART_BYTES * entry.part].decode("latin-1")
    if entry.type is None:
        kind = kinds.get((address.area, address.byte, address.width), kind)
    return from_raw(raw, kind, address.width)


def place_of(entry: IoSection) -> str:
    """Return where a channel is at its device."""
    match entry:
        case ModbusIo(place=(table, _)):
            bit = f".{entry.bit}" if entry.bit is not None else ""
            if entry.table is None:  # a reference, whose first digit is the table
                return f"{entry.register_:05d}{bit}"
            return f"{table} {entry.register_}{bit}"
        case OpcUaIo():
            return entry.node
        case VirtualIo(signal=signal) if signal is not None:
            return signal.form
        case VirtualIo():
            return entry.terminal or "?"
        case _:
            return "?"
