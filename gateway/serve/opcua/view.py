"""Browse and BrowseNext (part 4, 5.8): answered in pages, however many references a node has."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from asyncua import ua

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.messages import Message
from gateway.serve.opcua.answers import Call, Served, Service, check_count, encode_response

REFERENCES_MAX: Final = 10_000
"""References in one result, where the client sets no limit."""
POINTS_MAX: Final = 100
"""Continuation points that all sessions have; the oldest goes."""
_SUBTYPE: Final = ua.NodeId(ua.ObjectIds.HasSubtype)


class _Rest:
    """The references that a continuation point stands for."""

    __slots__ = ("limit", "references", "session_id")

    def __init__(
        self, session_id: ua.NodeId, references: list[ua.ReferenceDescription], limit: int
    ) -> None:
        self.session_id = session_id
        self.references = references
        self.limit = limit


class ViewServices:
    """The table of these services."""

    def __init__(self, served: Served) -> None:
        """Browse an address space."""
        self._space = served.internal.aspace
        self._subtypes: dict[ua.NodeId, frozenset[ua.NodeId]] = {}
        self._points: OrderedDict[bytes, _Rest] = OrderedDict()

    @property
    def services(self) -> Mapping[int, Service]:
        """The services by the number of their request."""
        return {
            Message.BROWSE_REQUEST: self._browse,
            Message.BROWSE_NEXT_REQUEST: self._browse_next,
        }

    async def _browse(self, call: Call) -> bytes:
        wanted = call.parameters(ua.BrowseParameters)
        check_count(len(wanted.NodesToBrowse))
        asked = wanted.RequestedMaxReferencesPerNode
        limit = min(asked or REFERENCES_MAX, REFERENCES_MAX)
        response = ua.BrowseResponse()
        response.Results = [
            self._one(call.session.session_id, item, limit) for item in wanted.NodesToBrowse
        ]
        return encode_response(call, response)

    def _one(
        self, session_id: ua.NodeId, item: ua.BrowseDescription, limit: int
    ) -> ua.BrowseResult:
        node = self._space.get(item.NodeId)
        if node is None:
            return ua.BrowseResult(StatusCode=ua.StatusCode(Status.BAD_NODE_ID_UNKNOWN))
        kinds = self._kinds(item)
        direction, mask = item.BrowseDirection, item.NodeClassMask
        found = [
            reference
            for reference in node.references
            if (kinds is None or reference.ReferenceTypeId in kinds)
            and _suits(reference, direction)
            and (not mask or mask & reference.NodeClass)
        ]
        return self._page(session_id, found, limit)

    def _kinds(self, item: ua.BrowseDescription) -> frozenset[ua.NodeId] | None:
        """Return the reference types that are asked for, None for all."""
        if item.ReferenceTypeId.is_null():
            return None
        if not item.IncludeSubtypes:
            return frozenset({item.ReferenceTypeId})
        found = self._subtypes.get(item.ReferenceTypeId)
        if found is None:
            found = self._subtypes[item.ReferenceTypeId] = frozenset(
                self._below(item.ReferenceTypeId)
            )
        return found

    def _below(self, kind: ua.NodeId) -> set[ua.NodeId]:
        found, open_ends = {kind}, [kind]
        while open_ends:
            node = self._space.get(open_ends.pop())
            for reference in node.references if node is not None else ():
                if reference.IsForward and reference.ReferenceTypeId == _SUBTYPE:
                    target = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
                    if target not in found:
                        found.add(target)
                        open_ends.append(target)
        return found

    def _page(
        self, session_id: ua.NodeId, found: list[ua.ReferenceDescription], limit: int
    ) -> ua.BrowseResult:
        result = ua.BrowseResult()
        result.References = found[:limit]
        if len(found) > limit:
            point = secrets.token_bytes(16)
            self._points[point] = _Rest(session_id, found[limit:], limit)
            if len(self._points) > POINTS_MAX:
                self._points.popitem(last=False)
            result.ContinuationPoint = point
        return result

    async def _browse_next(self, call: Call) -> bytes:
        wanted = call.parameters(ua.BrowseNextParameters)
        check_count(len(wanted.ContinuationPoints))
        response = ua.BrowseNextResponse()
        invalid = ua.BrowseResult(
            StatusCode=ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid)
        )
        pages = []
        for point in wanted.ContinuationPoints:
            rest = self._points.get(point)
            if rest is None or rest.session_id != call.session.session_id:
                pages.append(invalid)
                continue
            del self._points[point]
            if wanted.ReleaseContinuationPoints:
                pages.append(ua.BrowseResult())
            else:
                pages.append(self._page(rest.session_id, rest.references, rest.limit))
        response.Results = pages
        return encode_response(call, response)


def _suits(reference: ua.ReferenceDescription, direction: ua.BrowseDirection) -> bool:
    if direction == ua.BrowseDirection.Both:
        return True
    forward = direction == ua.BrowseDirection.Forward
    return bool(reference.IsForward) is bool(forward)
