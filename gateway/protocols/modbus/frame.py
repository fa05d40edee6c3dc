"""One application data unit, whatever its framing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """A PDU for, or from, a unit."""

    transaction: int
    """Number of the exchange; 0 where the framing has none."""
    unit: int
    pdu: bytes
