"""Browse an OPC UA server for the variables that fit an address, many nodes a request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from asyncua import Client, ua
from asyncua.ua.uaerrors import UaStatusCodeError

from gateway.errors import PeerProtocolError

NODES_MAX: Final = 20_000
"""So many variables are looked at."""
DEPTH_MAX: Final = 20
BATCH: Final = 200
"""Nodes a request; half as many from where a server says that it is too much."""
_TYPES: Final = {
    ua.VariantType.Boolean: (1, "bool"),
    ua.VariantType.SByte: (8, "int8"),
    ua.VariantType.Byte: (8, "uint8"),
    ua.VariantType.Int16: (16, "int16"),
    ua.VariantType.UInt16: (16, "uint16"),
    ua.VariantType.Int32: (32, "int32"),
    ua.VariantType.UInt32: (32, "uint32"),
    ua.VariantType.Int64: (64, "int64"),
    ua.VariantType.UInt64: (64, "uint64"),
    ua.VariantType.Float: (32, "float32"),
    ua.VariantType.Double: (64, "float64"),
}
_TOO_MUCH: Final = {
    ua.StatusCodes.BadTooManyOperations, ua.StatusCodes.BadEncodingLimitsExceeded,
    ua.StatusCodes.BadRequestTooLarge, ua.StatusCodes.BadResponseTooLarge,
}  # fmt: skip
_PROPERTY: Final = ua.NodeId(ua.ObjectIds.HasProperty)
_HIERARCHICAL: Final = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Ask = Callable[[Sequence[_Item]], Awaitable[list[_Result]]]
_References = list[ua.ReferenceDescription]
_Place = tuple[ua.NodeId, str]
"""A node and the path of browse names to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A variable that fits an address."""

    node: str
    path: str
    bits: int
    type_name: str
    value: object
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Browsed:
    """What a server told."""

    found: tuple[Found, ...]
    unfit: int
    """Variables that fit no address."""
    refused: int
    """Nodes that it did not browse: what is below them is missing."""
    is_cut: bool
    """Whether there may be more, beyond `NODES_MAX` variables or `DEPTH_MAX` levels."""


class Browser:
    """Goes through a server level by level; it may raise what the library raises."""

    def __init__(self, client: Client) -> None:
        """Use a connected client."""
        self._client = client
        self._batch = BATCH

    async def variables(self) -> Browsed:
        """Return the variables below Objects that are not the server's own.

        Raises:
            PeerProtocolError: The server does not answer for each node.
        """
        looked: list[Found | None] = []
        refused, is_cut = 0, False
        seen: set[ua.NodeId] = set()
        level: list[_Place] = [(self._client.nodes.objects.nodeid, "")]
        for _ in range(DEPTH_MAX):
            rows = await self._in_batches([node for node, _ in level], self._references)
            refused += rows.count(None)
            level, variables = _below(level, rows, seen)
            room = NODES_MAX - len(looked)
            is_cut = is_cut or len(variables) > room
            looked += await self._in_batches(variables[:room], self._look)
        found = tuple(entry for entry in looked if entry is not None)
        return Browsed(found, looked.count(None), refused, is_cut or bool(level))

    async def _in_batches(self, items: Sequence[_Item], ask: _Ask[_Item, _Result]) -> list[_Result]:
        """Return a result for each item; ask for as many at once as the server bears."""
        results: list[_Result] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + self._batch]
            try:
                answered = await ask(part)
            except UaStatusCodeError as error:
                if error.code not in _TOO_MUCH or len(part) == 1:
                    raise
                self._batch = len(part) // 2
                continue
            if len(answered) != len(part):
                raise PeerProtocolError(f"{len(answered)} results: expected {len(part)}")
            results += answered
        return results

    async def _references(self, nodes: Sequence[ua.NodeId]) -> list[_References | None]:
        """Return the hierarchical references of nodes; None for one that cannot be browsed."""
        wanted = [
            ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=_HIERARCHICAL,
                IncludeSubtypes=True,
                ResultMask=ua.BrowseResultMask.All,
            )
            for node in nodes
        ]
        results = await self._client.uaclient.browse(ua.BrowseParameters(NodesToBrowse=wanted))
        rows: list[_References | None] = []
        for number, result in enumerate(results):
            if result.StatusCode.value == ua.StatusCodes.BadNoContinuationPoints and number:
                rows += await self._references(nodes[number : number + 1])
            elif result.StatusCode.is_good():
                rest = await self._rest(result.ContinuationPoint)
                rows.append([*(result.References or ()), *rest])
            else:
                rows.append(None)
        return rows

    async def _rest(self, point: bytes | None) -> _References:
        """Return what a server holds back of a node's references."""
        rest: _References = []
        while point and len(rest) <= NODES_MAX:
            (result,) = await self._client.uaclient.browse_next(
                ua.BrowseNextParameters(ContinuationPoints=[point])
            )
            rest += result.References or ()
            point = result.ContinuationPoint if result.References else None
        return rest

    async def _look(self, places: Sequence[_Place]) -> list[Found | None]:
        """Return variables with their values; None in the place of one that fits no address."""
        wanted = [
            ua.ReadValueId(node, attribute)
            for node, _ in places
            for attribute in (ua.AttributeIds.Value, ua.AttributeIds.UserAccessLevel)
        ]
        read = await self._client.uaclient.read(ua.ReadParameters(NodesToRead=wanted))
        if len(read) != len(wanted):
            raise PeerProtocolError(f"{len(read)} values: expected {len(wanted)}")
        return [
            _fitting(node, path, value.Value, rights.Value)
            for (node, path), value, rights in zip(places, read[::2], read[1::2], strict=True)
        ]


def _below(
    level: Sequence[_Place],
    rows: Sequence[_References | None],
    seen: set[ua.NodeId],
) -> tuple[list[_Place], list[_Place]]:
    """Return the nodes below a level that are new, and the variables among them."""
    nodes: list[_Place] = []
    variables: list[_Place] = []
    for (_, path), references in zip(level, rows, strict=True):
        for reference in references or ():
            target = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
            if target in seen or target.NamespaceIndex == 0:
                continue
            if reference.ReferenceTypeId == _PROPERTY:
                continue  # what a node is, not what it measures
            seen.add(target)
            nodes.append((target, f"{path}/{reference.BrowseName.Name}"))
            if reference.NodeClass == ua.NodeClass.Variable:
                variables.append(nodes[-1])
    return nodes, variables


def _fitting(
    node: ua.NodeId, path: str, value: ua.Variant | None, rights: ua.Variant | None
) -> Found | None:
    if value is None or value.is_array or value.VariantType not in _TYPES:
        return None
    bits, name = _TYPES[value.VariantType]
    level = rights.Value if rights is not None else 0
    writable = bool(level >> ua.AccessLevel.CurrentWrite & 1)
    return Found(node.to_string(), path, bits, name, value.Value, writable)
