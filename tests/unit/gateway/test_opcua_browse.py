"""Browsing where a server holds back references, has no place to do so, or answers too little."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua

from gateway.errors import PeerProtocolError
from gateway.field.opcua_browse import DEPTH_MAX, Browser

COUNT = 25


def node(name: str) -> ua.NodeId:
    return ua.NodeId(name, 2)


def reference(name: str) -> ua.ReferenceDescription:
    return ua.ReferenceDescription(
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasComponent),
        NodeId=ua.ExpandedNodeId(name, 2),
        BrowseName=ua.QualifiedName(name, 2),
        NodeClass=ua.NodeClass.Variable,
    )


class FakeServer:
    """Two folders of variables, told ten references at a time, of one node at a time."""

    def __init__(self) -> None:
        self.tree = {"objects": ["A", "B"]}
        self.tree |= {folder: [f"{folder}{n}" for n in range(COUNT)] for folder in "AB"}
        self.held: dict[bytes, list[str]] = {}
        self.forgets = False
        self.closed: set[str] = set()

    async def browse(self, parameters: ua.BrowseParameters) -> list[ua.BrowseResult]:
        self.held.clear()
        wanted = [str(item.NodeId.Identifier) for item in parameters.NodesToBrowse]
        return [
            ua.BrowseResult(StatusCode=ua.StatusCode(ua.UInt32(ua.StatusCodes.BadUserAccessDenied)))
            if name in self.closed
            else self._told(self.tree.get(name, []))
            for name in wanted
        ]

    def _told(self, names: list[str]) -> ua.BrowseResult:
        result = ua.BrowseResult(References=[reference(name) for name in names[:10]])
        if names[10:]:
            if self.held:
                status = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNoContinuationPoints))
                return ua.BrowseResult(StatusCode=status)
            self.held[b"more"] = names[10:]
            result.ContinuationPoint = b"more"
        return result

    async def browse_next(self, parameters: ua.BrowseNextParameters) -> list[ua.BrowseResult]:
        (point,) = parameters.ContinuationPoints
        return [self._told(self.held.pop(point))]

    async def read(self, parameters: ua.ReadParameters) -> list[ua.DataValue]:
        values = [
            ua.DataValue(ua.Variant(1.5, ua.VariantType.Double))
            if item.AttributeId == ua.AttributeIds.Value
            else ua.DataValue(ua.Variant(1, ua.VariantType.Byte))
            for item in parameters.NodesToRead
        ]
        return values[1:] if self.forgets else values


def browser(server: FakeServer) -> Browser:
    objects = SimpleNamespace(nodeid=node("objects"))
    client: Any = SimpleNamespace(nodes=SimpleNamespace(objects=objects), uaclient=server)
    return Browser(client)


def test_what_a_server_holds_back_is_fetched() -> None:
    told = asyncio.run(browser(FakeServer()).variables())
    names = [f"/{folder}/{folder}{n}" for folder in "AB" for n in range(COUNT)]
    assert [item.path for item in told.found] == ["/A", "/B", *names]
    assert (told.unfit, told.refused, told.is_cut) == (0, 0, False)


def test_nodes_that_a_server_does_not_browse_are_counted() -> None:
    server = FakeServer()
    server.closed = {"A", "B7"}
    told = asyncio.run(browser(server).variables())
    assert [item.path for item in told.found] == ["/A", "/B", *(f"/B/B{n}" for n in range(COUNT))]
    assert told.refused == 2


def test_what_lies_deeper_than_a_scan_goes_is_told() -> None:
    server = FakeServer()
    server.tree = {"objects": ["0"]} | {str(n): [str(n + 1)] for n in range(DEPTH_MAX)}
    told = asyncio.run(browser(server).variables())
    assert len(told.found) == DEPTH_MAX
    assert told.is_cut


def test_a_server_that_answers_too_little_is_told() -> None:
    server = FakeServer()
    server.forgets = True
    with pytest.raises(PeerProtocolError, match="3 values: expected 4"):
        asyncio.run(browser(server).variables())
