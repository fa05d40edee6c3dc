"""A scan's frame as the uplinks see it: the one place that knows how a frame's bytes lie. Pure."""

from dataclasses import dataclass

from runtime.artifact.abi import FaultKind
from runtime.image import layout


@dataclass(frozen=True, slots=True)
class ScanFrame:
    """The published state of one scan; times are CLOCK_MONOTONIC in ns."""

    number: int
    """Number of the publication: they count without gaps, whatever task scanned."""
    task: int
    """Number of the task in the image's directory."""
    cycle: int
    end_ns: int
    faulted: bool
    qualities: bytes
    """Effective quality of each input, all devices in order."""
    state: memoryview


def decode_scan(number: int, payload: bytes) -> ScanFrame:
    """Return the frame of a payload of the FRAME ring."""
    cycle, _, _, end_ns, fault, _, inputs, state_bytes, _, task, _ = (
        layout.FRAME_HEADER.unpack_from(payload)
    )
    first = layout.FRAME_HEADER.size
    begin = first + -(-inputs // 8) * 8
    state = memoryview(payload)[begin : begin + state_bytes]
    qualities = payload[first : first + inputs]
    return ScanFrame(number, task, cycle, end_ns, fault != FaultKind.NONE, qualities, state)
