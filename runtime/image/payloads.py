"""The payloads of the slot rings as values: mailboxes, outputs, scan frames."""

from dataclasses import dataclass

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Symbol
from runtime.datatypes.values import Json
from runtime.image import layout
from runtime.image.layout import Link, LinkError, Quality


@dataclass(frozen=True, slots=True)
class Sample:
    """One input: its raw value (bit or words, zero-extended), when it was taken, how good it is."""

    raw: int
    source_ns: int
    quality: Quality


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What the gateway says of one device: the link, and a sample for each input."""

    link: Link
    error: LinkError
    round_trip_ns: int
    polls: int
    failures: int
    reconnects: int
    samples: tuple[Sample, ...]


def encode_mailbox(mailbox: Mailbox) -> bytes:
    """Return the payload of an INPUTS ring."""
    header = layout.MAILBOX_HEADER.pack(
        mailbox.link, mailbox.error, mailbox.round_trip_ns,
        mailbox.polls, mailbox.failures, mailbox.reconnects,
    )  # fmt: skip
    pack = layout.ENTRY.pack
    return header + b"".join(
        pack(item.raw, item.source_ns, item.quality, 0) for item in mailbox.samples
    )


def decode_mailbox(payload: bytes) -> Mailbox:
    """Return the mailbox of a payload."""
    link, error, round_trip, polls, failures, reconnects = layout.MAILBOX_HEADER.unpack_from(
        payload
    )
    samples = tuple(
        Sample(raw, source, Quality(quality))
        for raw, source, quality, _ in layout.ENTRY.iter_unpack(
            payload[layout.MAILBOX_HEADER.size :]
        )
    )
    return Mailbox(Link(link), LinkError(error), round_trip, polls, failures, reconnects, samples)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of one scan, and which input samples that scan used."""

    cycle: int
    release_ns: int
    end_ns: int
    safe: bool
    """Whether these are the safe values of a stopped or faulted program."""
    consumed: tuple[tuple[int, int], ...]
    """For each device: number of the mailbox publication used, newest source time in it (ns)."""
    area: bytes
    """The bytes of %Q."""
    task: int = 0
    """The task whose commit they follow."""


def decode_outputs(payload: bytes) -> Outputs:
    """Return the outputs of a payload of the OUTPUTS ring."""
    cycle, release, end, safe, devices, task, _ = layout.OUTPUT_HEADER.unpack_from(payload)
    start = layout.OUTPUT_HEADER.size
    stop = start + devices * layout.CONSUMED.size
    consumed = tuple(layout.CONSUMED.iter_unpack(payload[start:stop]))
    return Outputs(cycle, release, end, bool(safe), consumed, payload[stop:], task)


@dataclass(frozen=True, slots=True)
class Frame:
    """A coherent copy of a program's committed state at the end of one scan of one task."""

    cycle: int
    release_ns: int
    start_ns: int
    end_ns: int
    fault: FaultKind
    fault_site: int
    qualities: tuple[Quality, ...]
    """Effective quality of every input, all devices in order."""
    state: bytes
    task: int = 0
    """The task whose commit it is; cycle, times and fault are its."""
    sequence: int = 0
    """Number of that commit among all takes and commits."""

    def value(self, symbol: Symbol) -> Json:
        """Return the value of a variable in this scan."""
        return symbol.read(self.state)


def decode_frame(payload: bytes) -> Frame:
    """Return the frame of a payload of the FRAME ring."""
    (
        cycle, release, start, end, fault, site, inputs, state, sequence, task, _,
    ) = layout.FRAME_HEADER.unpack_from(payload)  # fmt: skip
    first = layout.FRAME_HEADER.size
    qualities = tuple(Quality(code) for code in payload[first : first + inputs])
    begin = first + -(-inputs // 8) * 8
    return Frame(
        cycle, release, start, end, FaultKind(fault), site, qualities,
        payload[begin : begin + state], task, sequence,
    )  # fmt: skip
