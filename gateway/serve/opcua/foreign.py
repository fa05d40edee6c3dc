"""Monitored items that are not values of the program: the server's own nodes, other attributes."""

import struct
from collections import deque
from collections.abc import Callable
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.ua.ua_binary import struct_to_binary

QUEUE_MAX: Final = 100
_HANDLE: Final = struct.Struct("<I")


class Foreign:
    """One such item: told by the address space when somebody writes the attribute."""

    def __init__(
        self, space: AddressSpace, item: ua.ReadValueId, handle: int, queue_size: int
    ) -> None:
        """Begin with the present value; `status` tells whether there is one."""
        self.waiting: deque[bytes] = deque(maxlen=min(max(queue_size, 1), QUEUE_MAX))
        self.handle = handle
        self.reporting = True
        self._space = space
        self._last: tuple[object, object] | None = None
        node, attribute = item.NodeId, ua.AttributeIds(item.AttributeId)
        self.status, self._callback = space.add_datachange_callback(node, attribute, self._changed)
        if self.status.is_good():
            self._keep(space.read_attribute_value(node, attribute))

    async def _changed(self, _handle: int, value: ua.DataValue) -> None:
        self._keep(value)

    def _keep(self, value: ua.DataValue) -> None:
        found = value.Value, value.StatusCode
        if self.reporting and found != self._last:
            self._last = found
            self.waiting.append(_HANDLE.pack(self.handle) + struct_to_binary(value))

    def close(self) -> None:
        """Be told no longer."""
        if self.status.is_good():
            self._space.delete_datachange_callback(self._callback)


ForeignMaker = Callable[[ua.ReadValueId, int, int], Foreign]
"""Makes an item of a node and attribute, a client handle and a queue size."""
