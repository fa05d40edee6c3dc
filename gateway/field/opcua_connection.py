"""A connection to an OPC UA server: channel and session by the library, requests as bytes by us.

The library turns every value into objects. The services with many values go around that: their
parameters are bytes that were made once, and their results are read by `protocols.opcua`.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from asyncua import Client, ua
from asyncua.client.ua_client import UaClient, UASocketProtocol
from asyncua.common.shortcuts import Shortcuts
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.ua_binary import nodeid_to_binary
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import (
    PeerClosedError,
    PeerExceptionError,
    PeerProtocolError,
    PeerRefusedError,
    PeerTimeoutError,
)
from gateway.field.clock import Clock
from gateway.field.reasons import reason_of
from gateway.protocols.opcua.builtin import KINDS, Status, ticks_of
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import (
    Message,
    ResponseHeader,
    decode_response_header,
    encode_request_header,
)
from gateway.store.certificates import CertificateFolder, UntrustedError
from runtime.errors import HostError
from runtime.project.secrets import SecretError, read_secret

SESSION_MS: Final = 30_000
"""Time without a request after which the server may forget our session, which a break leaves."""
CHANNEL_MS: Final = 600_000
"""Life of the channel's keys; they are renewed after three quarters of it."""
_CLOSE_SESSION: Final = 473
_SECURITY: Final = frozenset(
    {ua.StatusCodes.BadSecurityChecksFailed, ua.StatusCodes.BadCertificateUntrusted}
)
"""What a server says that does not trust us."""
_POLICIES: Final = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


class RefusedServiceError(PeerExceptionError):
    """The server refused a request as a whole; `status` says why."""

    def __init__(self, status: int, subject: str) -> None:
        super().__init__(f"{subject}: {status_text(status)}")
        self.status = status


def status_text(status: int) -> str:
    """Return a status code as people read it."""
    name = ua.StatusCode(status).name
    return f"{name} ({status:#010x})"


class Answered:
    """A response: its header, its results, and when it went out and came in (monotonic, ns)."""

    __slots__ = ("cursor", "header", "received_ns", "sent_ns")

    def __init__(self, data: bytes, sent_ns: int, received_ns: int) -> None:
        self.cursor = Cursor(data)
        self.header: ResponseHeader = decode_response_header(self.cursor)
        self.sent_ns = sent_ns
        self.received_ns = received_ns


class _Wire(UASocketProtocol):
    """The library's transport, that sends requests made of bytes too."""

    def post(self, kind: int, parameters: bytes, timeout_ms: int) -> asyncio.Future[Any]:
        """Send a request; return what becomes its response.

        Raises:
            ConnectionError: There is no connection.
        """
        if self.transport is None or self.transport.is_closing():
            raise ConnectionError("no connection")
        self._request_handle += 1
        self._request_id += 1
        header = encode_request_header(
            kind, nodeid_to_binary(self.authentication_token),
            self._request_handle, timeout_ms, ticks_of(time.time_ns()),
        )  # fmt: skip
        self.revolve_security_token()
        message = self._connection.message_to_binary(
            header + parameters, request_id=self._request_id
        )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._callbackmap[self._request_id] = future
        self.transport.write(message)
        return future

    def _process_received_message(self, msg: Any) -> None:
        """Fail what waits with what the server says, where it ends the connection for a reason."""
        if isinstance(msg, ua.ErrorMessage) and msg.Error is not None:
            self._fail_all_pending(UaStatusCodeError(msg.Error.value))
            self.disconnect_socket()
            return
        super()._process_received_message(msg)


class _Library(UaClient):
    """The library's lower half with our transport."""

    def _make_protocol(self) -> _Wire:
        self.protocol = _Wire(self._timeout, security_policy=self.security_policy)
        self.protocol.pre_request_hook = self._pre_request_hook
        self.protocol.on_connection_lost = self._on_transport_lost
        return self.protocol


class _Session(Client):
    """The library's upper half, without its tasks that reconnect behind our back."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(url, timeout_s)
        self.uaclient = _Library(timeout_s)
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = Shortcuts(self.uaclient.session)

    async def open(self) -> None:
        """Make channel and session."""
        await self._connect_sequence()

    def drop(self, *, politely: bool) -> None:
        """Leave: with a word that the session may end, or without."""
        if self._renew_channel_task is not None:
            self._renew_channel_task.cancel()
        wire = getattr(self.uaclient, "protocol", None)
        if wire is None or wire.transport is None:
            return
        if politely and not wire.transport.is_closing():
            wire.post(_CLOSE_SESSION, b"\x01", 1000).cancel()
            wire.transport.close()
        else:
            wire.transport.abort()


def _builtin(data_type: Any) -> int:
    """Return the built-in type of a data type's NodeId, 0 where it is not one of them."""
    if not isinstance(data_type, ua.NodeId) or data_type.NamespaceIndex != 0:
        return 0
    number = data_type.Identifier
    return number if isinstance(number, int) and number in KINDS else 0


class Login:
    """Who we are to a server: certificates, user, and whom we trust."""

    def __init__(self, section: Any, folder: Path, name: str) -> None:
        """Name the files; they are read at each connection."""
        self.section = section
        self.folder = folder
        self.name = name
        self.certificates = CertificateFolder(folder / section.pki)

    def password(self) -> str | None:
        """Return the password.

        Raises:
            PeerRefusedError: It cannot be read.
        """
        try:
            return read_secret(self.section, self.folder)
        except SecretError as error:
            raise PeerRefusedError(f"{error.key}: {error}") from None


class OpcUaConnection:
    """One connection; it is used once."""

    def __init__(self, login: Login, clock: Clock) -> None:
        """Connect nothing yet."""
        section = login.section
        self._login = login
        self._clock = clock
        self._timeout_s = section.timeout / 1e9
        self._session = _Session(section.endpoint, self._timeout_s)
        self._session.session_timeout = SESSION_MS
        self._session.secure_channel_timeout = CHANNEL_MS
        self._usable = False
        self._untrusted: str = ""

    async def open(self) -> None:
        """Make the connection.

        Raises:
            PeerError: It cannot be made.
        """
        endpoint = self._login.section.endpoint
        try:
            # A handshake is several requests, each of them within the time of one.
            async with asyncio.timeout(8 * self._timeout_s):
                await self._secure()
                await self._session.open()
        except TimeoutError:
            limit_ms = self._timeout_s * 1e3
            raise PeerTimeoutError(f"{endpoint}: no answer in {limit_ms:g} ms") from None
        except (UaError, OSError, InvalidSignature, ValueError, TypeError) as error:
            # The library's decoders and checks raise all of these on what a peer sends.
            reason = self._untrusted.strip() or reason_of(error)
            if getattr(error, "code", None) in _SECURITY and not self._untrusted:
                own = self._login.certificates.folder / "own" / "certificate.der"
                reason += f"; the server may have to be told to trust {own}"
            raise PeerRefusedError(f"{endpoint}: {reason}") from None
        except HostError as error:
            raise PeerRefusedError(str(error)) from None
        self._usable = True

    async def _secure(self) -> None:
        section, session = self._login.section, self._session
        now = dt.datetime.fromtimestamp(time.time_ns() / 1e9, dt.UTC)
        if section.security != "None":
            identity = self._login.certificates.identity(self._login.name, now)
            session.application_uri = identity.uri
            session.certificate_validator = self._check
            await session.set_security(
                _POLICIES[section.security], identity.certificate_path, identity.key_path,
                mode=ua.MessageSecurityMode[section.mode],
            )  # fmt: skip
        if section.user is not None:
            session.set_user(section.user)
            session.set_password(self._login.password() or "")
        if section.user_certificate is not None:
            path = self._login.folder / section.user_certificate
            session.user_certificate = await uacrypto.load_certificate(path)
            key = self._login.folder / (section.user_key or section.user_certificate)
            session.user_private_key = await uacrypto.load_private_key(key)

    async def _check(self, certificate: Any, _description: Any) -> None:
        """Make sure that the server is trusted before it learns a password.

        Raises:
            ServiceError: It is not; the library wants that kind.
        """
        now = dt.datetime.fromtimestamp(time.time_ns() / 1e9, dt.UTC)
        try:
            self._login.certificates.check(certificate.public_bytes(Encoding.DER), now)
        except UntrustedError as error:
            self._untrusted = str(error)
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted) from None

    @property
    def library(self) -> Client:
        """The library's client, for what is done once."""
        return self._session

    async def namespaces(self) -> list[str]:
        """Return the server's namespaces.

        Raises:
            PeerError: It does not tell.
        """
        try:
            return [str(uri) for uri in await self._session.get_namespace_array()]
        except (UaError, OSError, TimeoutError) as error:
            raise PeerRefusedError(f"namespaces: {error}") from None

    async def data_types(self, nodes: Sequence[str]) -> list[tuple[int, int]]:
        """Return the built-in types that nodes are declared with, 0 where they have none.

        Beside each stands the status with which the server tells it.

        Raises:
            PeerError: The server does not tell.
        """
        wanted = [
            ua.ReadValueId(ua.NodeId.from_string(node), ua.AttributeIds.DataType) for node in nodes
        ]
        try:
            found = await self._session.uaclient.read(ua.ReadParameters(NodesToRead=wanted))
        except (UaError, OSError, TimeoutError) as error:
            raise PeerRefusedError(f"data types: {error}") from None
        return [
            (_builtin(item.Value.Value) if item.Value is not None else 0, item.StatusCode.value)
            for item in found
        ]

    def post(self, kind: int, parameters: bytes, timeout_ms: int) -> asyncio.Future[Any]:
        """Send a request whose response may take its time.

        Raises:
            PeerClosedError: There is no connection.
        """
        try:
            return self._session.uaclient.protocol.post(kind, parameters, timeout_ms)
        except (AttributeError, ConnectionError):
            raise PeerClosedError("the server closed the connection") from None

    async def ask(self, kind: int, parameters: bytes, subject: str) -> Answered:
        """Return the response to a request.

        Raises:
            RefusedServiceError: The server refused it as a whole.
            PeerError: There was none in time, or none that could be read.
        """
        sent_ns = self._clock()
        future = self.post(kind, parameters, int(self._timeout_s * 1e3))
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await future
        except TimeoutError:
            self._usable = False
            limit_ms = self._timeout_s * 1e3
            raise PeerTimeoutError(f"{subject}: no answer in {limit_ms:g} ms") from None
        except (UaError, OSError) as error:
            self._usable = False
            raise PeerClosedError(f"the server closed the connection ({error})") from None
        return self.answered(body, sent_ns, subject)

    def answered(self, body: Any, sent_ns: int, subject: str) -> Answered:
        """Return a response as it is read.

        Raises:
            RefusedServiceError: It refuses the request.
            PeerProtocolError: It is none.
        """
        try:
            answer = Answered(bytes(body), sent_ns, self._clock())
        except CodecError as error:
            self._usable = False
            raise PeerProtocolError(f"{subject}: {error}") from None
        if answer.header.result != Status.GOOD:
            raise RefusedServiceError(answer.header.result, subject)
        if answer.header.kind == Message.SERVICE_FAULT:
            raise PeerProtocolError(f"{subject}: a fault without a reason")
        return answer

    def close(self) -> None:
        """Drop the connection at once."""
        self._session.drop(politely=self._usable)
        self._usable = False
