"""Write and Call (part 4, 5.10.4 and 5.11): what clients may change, and who of them."""

import struct
from collections.abc import Mapping
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.protocols.opcua.builtin import VALUE, Status
from gateway.protocols.opcua.messages import Message
from gateway.serve.opcua.answers import Call, Served, Service, check_count, encode_response, results
from gateway.serve.opcua.security import Role

_STATUS: Final = struct.Struct("<I")


class CommandServices:
    """The table of these services."""

    def __init__(self, served: Served, methods: Mapping[ua.NodeId, str]) -> None:
        """Write variables and call methods."""
        self._served = served
        self._methods = methods

    @property
    def services(self) -> Mapping[int, Service]:
        """The services by the number of their request."""
        return {Message.WRITE_REQUEST: self._write, Message.CALL_REQUEST: self._call}

    async def _write(self, call: Call) -> bytes:
        wanted = call.parameters(ua.WriteParameters)
        check_count(len(wanted.NodesToWrite))
        found = [await self._one(call, item) for item in wanted.NodesToWrite]
        rows = [_STATUS.pack(status) for status in found]
        return results(Message.WRITE_RESPONSE, call, self._served.ticks(), rows)

    async def _one(self, call: Call, item: ua.WriteValue) -> int:
        variable = self._served.variables.get(nodeid_to_binary(item.NodeId))
        if variable is None:
            parameters = ua.WriteParameters()
            parameters.NodesToWrite = [item]
            return int((await call.session.write(parameters))[0].value)
        if item.AttributeId != VALUE or not variable.writable:
            return Status.BAD_NOT_WRITABLE
        if call.level < Role.OPERATOR:
            return Status.BAD_USER_ACCESS_DENIED
        return Status.BAD_NOT_WRITABLE

    async def _call(self, call: Call) -> bytes:
        wanted = call.parameters(ua.CallParameters)
        check_count(len(wanted.MethodsToCall))
        response = ua.CallResponse()
        response.Results = [await self._method(call, item) for item in wanted.MethodsToCall]
        return encode_response(call, response)

    async def _method(self, call: Call, item: ua.CallMethodRequest) -> ua.CallMethodResult:
        if item.MethodId not in self._methods:
            return (await call.session.call([item]))[0]
        denied = call.level < Role.ENGINEER
        status = Status.BAD_USER_ACCESS_DENIED if denied else Status.BAD_NOT_SUPPORTED
        return ua.CallMethodResult(StatusCode=ua.StatusCode(status))
