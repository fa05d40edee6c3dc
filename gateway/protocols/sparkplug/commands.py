"""What a host asks of a node by NCMD and DCMD: a birth, or values for variables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.protocols.sparkplug.catalogue import NODE, Place
from gateway.protocols.sparkplug.datatypes import Value
from gateway.protocols.sparkplug.payload import ReceivedMetric

REBIRTH: Final = "Node Control/Rebirth"


@dataclass(frozen=True, slots=True)
class Order:
    """Set a variable to a value."""

    path: str
    """Of the variable; where the metric is none of those born, words for the refusal."""
    value: Value | None


@dataclass(frozen=True, slots=True)
class Request:
    """All that one message asks for."""

    rebirth: bool
    orders: tuple[Order, ...]


def read_request(
    metrics: Sequence[ReceivedMetric],
    device: str,
    places: Mapping[str, Place],
    aliases: Mapping[int, tuple[str, str]],
) -> Request:
    """Return what a message to the node or to a device asks for.

    Args:
        metrics: Of the message.
        device: That it was sent to; `NODE` for an NCMD.
        places: Where each variable stands.
        aliases: Device and name of the metric of each alias.
    """
    paths = {(item.device, item.metric, *item.members): path for path, item in places.items()}
    rebirth = False
    orders: list[Order] = []
    for metric in metrics:
        owner, name = device, metric.name
        if not name and metric.alias is not None:
            owner, name = aliases.get(metric.alias, (device, f"alias {metric.alias}"))
        if device == owner == NODE and name == REBIRTH:
            rebirth |= metric.raw is True
            continue
        for way, leaf in _leaves(metric, (name,)):
            path = paths.get((owner, *way)) if owner == device else None
            known = places[path].datatype if path is not None else None
            orders.append(Order(path or _unknown(device, way, paths), leaf.value(known)))
    return Request(rebirth, tuple(orders))


def _leaves(
    metric: ReceivedMetric, way: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], ReceivedMetric]]:
    if not metric.members:
        yield way, metric
    for member in metric.members:
        yield from _leaves(member, (*way, member.name))


def _unknown(device: str, way: tuple[str, ...], paths: Mapping[tuple[str, ...], str]) -> str:
    """Return the name of a metric that was not born there.

    A variable that nothing publishes may be allowed nevertheless: an NCMD names it by its path.
    """
    name = "/".join(way)
    if device != NODE:
        return f"{device}/{name}"
    elsewhere = any(known[1:] == way for known in paths)
    return f"NCMD {name}" if elsewhere else name
