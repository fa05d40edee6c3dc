"""What sampling and uplinks have done since the gateway started: counted there, shown by web."""

import enum
from collections import Counter
from dataclasses import dataclass, field

from gateway.flow.hops import FLOW_HOPS, UPLINK_HOPS, HopHistogram
from gateway.store.lanes import Lane


class UplinkState(enum.IntEnum):
    """State of an uplink's connection."""

    DOWN = 0
    CONNECTING = 1
    UP = 2


@dataclass(slots=True)
class UplinkCounters:
    """One uplink."""

    state: UplinkState = UplinkState.DOWN
    connections: int = 0
    failures: int = 0
    faults: int = 0
    """Faults of the gateway, after each of which the uplink or its commands began anew."""
    refusals: int = 0
    """Groups that the peer would not have as they were; they are offered again."""
    held: dict[Lane, bool] = field(default_factory=lambda: dict.fromkeys(Lane, False))
    """Whether a lane waits because its first samples were refused."""
    samples: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    """Acknowledged samples."""
    batches: int = 0
    bytes: int = 0
    splits: int = 0
    """How often the live lane fell behind."""
    hops: dict[tuple[Lane, str], HopHistogram] = field(
        default_factory=lambda: {
            (lane, hop): HopHistogram() for lane in Lane for hop in UPLINK_HOPS
        }
    )


@dataclass(slots=True)
class CommandCounters:
    """The commands of one uplink."""

    is_listening: bool = False
    outcomes: Counter[str] = field(default_factory=Counter)
    """Messages by what became of them: "applied", "asked", the reason of a refusal and so on."""
    latency: HopHistogram = field(default_factory=HopHistogram)
    """Of commands that were applied: message arrived to value read back and written down."""


@dataclass(slots=True)
class LeaseCounters:
    """The lease that lets a gateway command."""

    token: int = 0
    """That of the last taking."""
    taken: int = 0
    lost: int = 0
    """How often another took it while it was ours."""


@dataclass(slots=True)
class SamplingCounters:
    """From the image to the store."""

    frames: int = 0
    missed: int = 0
    """Scans whose frame was overwritten before it was read."""
    samples: int = 0
    clock_jumps: int = 0
    """How often the wall clock was set."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the outbox is doing."""

    stream: str
    head: int
    """Number that the next sample gets."""
    kept_bytes: int
    waiting: int
    """Samples in memory that are not stored yet."""
    pending: dict[str, int]
    """Samples that each uplink owes."""
    losses: dict[tuple[str, str], int]
    """Samples lost, by uplink and reason."""
    available: bool
    """Whether the last write succeeded."""
    set_aside: int
    """Damaged files that were set aside since the gateway started."""


@dataclass(frozen=True, slots=True)
class CloudView:
    """All of it, at the moment of a scrape."""

    sampling: SamplingCounters
    store: StoreState
    hops: dict[str, HopHistogram]
    """Times up to the outbox, by hop."""
    uplinks: dict[str, UplinkCounters]
    wall_error_ns: int | None
    """Bound of the wall clock's error; None where nobody disciplines it."""
    commands: dict[str, CommandCounters] = field(default_factory=dict)
    """By uplink, of those that bring any."""
    lease: LeaseCounters | None = None
    """None for a project without a lease."""
    is_lease_held: bool = False
    outbox_bytes_max: int = 0
    """Cap of the outbox's payload."""


def flow_hops() -> dict[str, HopHistogram]:
    """Return empty histograms of the hops up to the outbox."""
    return {hop: HopHistogram() for hop in FLOW_HOPS}
