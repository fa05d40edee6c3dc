"""A consumer's account of Sparkplug nodes: births, deaths, values, missing messages. Pure.

Sparkplug numbers messages, not samples, and only up to 255: more lost in a row cannot be told.
"""

from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sparkplug.catalogue import NAMESPACE, NODE
from gateway.protocols.sparkplug.node import NUMBERS
from gateway.protocols.sparkplug.payload import ReceivedPayload, decode_payload
from gateway.protocols.sparkplug.wire import PayloadError

_KINDS: Final = {"NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"}


def is_sparkplug(topic: str) -> bool:
    """Return whether a topic is one of Sparkplug B."""
    return topic.startswith(f"{NAMESPACE}/")


@dataclass(slots=True)
class NodeAccount:
    """One edge node with its devices."""

    births: int = 0
    deaths: int = 0
    messages: int = 0
    values: int = 0
    """Metrics in data."""
    historical: int = 0
    """Those of them that are history."""
    missing: int = 0
    """Messages, by the gaps in their numbers."""
    online: set[str] = field(default_factory=set)
    """The devices that are born; the node itself is `NODE`."""
    next_seq: int | None = None

    def take(self, kind: str, device: str, payload: ReceivedPayload) -> None:
        """Enter a message."""
        self.messages += 1
        if kind == "NBIRTH":
            self.next_seq, self.online = payload.seq, set()
        if kind == "NDEATH":
            self.next_seq, self.online = None, set()
        elif payload.seq is not None:
            if self.next_seq is not None:
                self.missing += (payload.seq - self.next_seq) % NUMBERS
            self.next_seq = (payload.seq + 1) % NUMBERS
        if kind.endswith("BIRTH"):
            self.births += 1
            self.online.add(device)
        elif kind.endswith("DEATH"):
            self.deaths += 1
            self.online.discard(device)
        else:
            self.values += len(payload.metrics)
            self.historical += sum(metric.is_historical for metric in payload.metrics)

    def as_json(self) -> dict[str, object]:
        """Return the account as it is printed."""
        return {
            "online": NODE in self.online,
            "devices": sorted(self.online - {NODE}),
            "births": self.births,
            "deaths": self.deaths,
            "messages": self.messages,
            "values": self.values,
            "historical": self.historical,
            "missing": self.missing,
        }


class NodeLedger:
    """The accounts of all nodes that a consumer hears of."""

    def __init__(self) -> None:
        """Begin empty."""
        self.accounts: dict[str, NodeAccount] = {}

    def take(self, topic: str, payload: bytes) -> bool:
        """Enter a message; return False where it is none that a node may send.

        Commands and the states of hosts have no account.
        """
        group, kind, *rest = (*topic.split("/")[1:], "", "")
        if group == "STATE" or kind in {"NCMD", "DCMD"}:
            return True
        node, device = rest[0] if rest else "", rest[1] if len(rest) > 1 else NODE
        try:
            message = decode_payload(payload)
        except PayloadError:
            return False
        if kind not in _KINDS or not node or kind.startswith("D") != bool(device):
            return False
        self.accounts.setdefault(f"{group}/{node}", NodeAccount()).take(kind, device, message)
        return True

    def as_json(self) -> dict[str, object]:
        """Return all accounts as they are printed."""
        return {name: account.as_json() for name, account in self.accounts.items()}
