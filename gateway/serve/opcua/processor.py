"""One connection: requests for the program's variables are answered here, others by the library."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import Buffer, ServiceError
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import nodeid_to_binary, uatcp_to_binary
from asyncua.ua.uaerrors import BadCertificateUntrusted

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import (
    Message,
    decode_request_header,
    encode_response_header,
    message_type,
)
from gateway.serve.opcua.answers import Answers, Call
from gateway.serve.opcua.security import Gatekeeper

_LOG: Final = logging.getLogger("gateway.serve.opcua")
WRITE_BUFFER_MAX: Final = 64 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then its connection is cut."""
_REGISTER_SERVER: Final = frozenset({435, 437, 12211})
"""Requests of a discovery server, which this one is not."""
_SESSION_REQUESTS: Final = frozenset({461, 467})
"""CreateSession and ActivateSession."""


class Processor(UaProcessor):
    """Serves one connection."""

    def __init__(
        self,
        internal: InternalServer,
        transport: asyncio.Transport,
        limits: TransportLimits,
        shared: "Shared",
    ) -> None:
        super().__init__(internal, transport, limits)
        self._shared = shared

    def send(self, request_id: int, body: bytes) -> None:
        """Send a response; a client that reads nothing for long loses its connection."""
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > WRITE_BUFFER_MAX:
            _LOG.warning("OPC UA client %s reads nothing: connection cut", self.name)
            self._transport.abort()
            return
        self._transport.write(self._connection.message_to_binary(body, request_id=request_id))

    def open_secure_channel(self, algohdr: Any, seqhdr: Any, body: Buffer) -> None:
        """Open a channel for a peer whose certificate is trusted.

        Raises:
            BadCertificateUntrusted: It is not.
        """
        self._shared.gatekeeper.check_channel(algohdr.SenderCertificate)
        super().open_secure_channel(algohdr, seqhdr, body)

    async def process(self, header: Any, body: Buffer) -> bool:
        """Take one message; return False to end the connection.

        A stranger is told that it was for security, not what was amiss (part 4, 6.1.3).
        """
        try:
            return bool(await super().process(header, body))
        except BadCertificateUntrusted:
            error = ua.ErrorMessage(ua.StatusCode(ua.StatusCodes.BadSecurityChecksFailed), "")
            self._transport.write(uatcp_to_binary(ua.MessageType.Error, error))
            return False

    async def process_message(self, seqhdr: Any, body: Buffer) -> bool:
        """Answer one request; return False to end the connection."""
        data = bytes(body)
        kind = message_type(data)
        if kind in _REGISTER_SERVER:
            return self._fault(seqhdr, data, Status.BAD_SERVICE_UNSUPPORTED)
        if (
            kind in _SESSION_REQUESTS
            and self._is_open()
            and not self._shared.gatekeeper.allows_none
        ):
            # The library lets any channel be without security, since endpoints are asked for so.
            return self._fault(seqhdr, data, Status.BAD_SECURITY_POLICY_REJECTED)
        answer = self._shared.answers.services.get(kind)
        session = self.session
        if answer is None or session is None or not session.is_activated():
            goes_on = bool(await super().process_message(seqhdr, body))
            if kind == Message.ACTIVATE_SESSION_REQUEST and self.session is not None:
                self._shared.answers.book.holder(self.session.session_id).queue.attach(self)
            return goes_on
        session.touch()
        self.session_last_activity = asyncio.get_running_loop().time()
        return await self._answer(seqhdr, data, answer)

    def _is_open(self) -> bool:
        """Return whether the channel has neither signature nor secrecy."""
        return bool(self._connection.security_policy.URI == SecurityPolicyNone.URI)

    async def _answer(self, seqhdr: Any, data: bytes, answer: "Service") -> bool:
        session = self.session
        assert session is not None
        try:
            cursor = Cursor(data)
            header = decode_request_header(cursor)
            if header.token != nodeid_to_binary(session.auth_token):
                return self._fault(seqhdr, data, Status.BAD_SESSION_ID_INVALID)
            call = Call(session, header, seqhdr.RequestId, cursor, self)
            response = await answer(call)
            if response is not None:
                self.send(seqhdr.RequestId, response)
        except CodecError as error:
            _LOG.info("OPC UA client %s: %s", self.name, error)
            return self._fault(seqhdr, data, Status.BAD_DECODING_ERROR)
        except ServiceError as error:
            return self._fault(seqhdr, data, error.code)
        return True

    def _fault(self, seqhdr: Any, data: bytes, status: int) -> bool:
        try:
            handle = decode_request_header(Cursor(data)).handle
        except CodecError:
            handle = 0
        now = self._shared.answers.ticks()
        body = encode_response_header(Message.SERVICE_FAULT, handle, now, status)
        self.send(seqhdr.RequestId, body)
        return True


Service = Callable[[Call], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a server share."""

    answers: Answers
    gatekeeper: Gatekeeper


class _Connection(OPCUAProtocol):
    """The library's connection with our processor."""

    def __init__(self, shared: Shared, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._shared = shared

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if getattr(self, "processor", None) is not None:  # there is none where it was refused
            assert self.transport is not None
            self.processor = Processor(self.iserver, self.transport, self.limits, self._shared)
            self.processor.set_policies(self.policies)


class Listener(BinaryServer):
    """The library's listener with our connections."""

    def __init__(self, internal: InternalServer, host: str, port: int, shared: Shared) -> None:
        super().__init__(internal, host, port, TransportLimits())
        self._shared = shared

    def _make_protocol(self) -> OPCUAProtocol:
        return _Connection(
            self._shared,
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )
