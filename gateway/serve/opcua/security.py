"""Who may connect to the server and what for: certificates of clients, users and their roles."""

import datetime as dt
import enum
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.uacrypto import der_from_x509
from asyncua.server.internal_server import InternalServer
from asyncua.ua.uaerrors import BadCertificateUntrusted
from cryptography import x509

from gateway.store.certificates import CertificateFolder, UntrustedError, read_certificate
from runtime.errors import Fault, ProjectError
from runtime.project.opcua import OpcUaServerSection, OpcUaUser
from runtime.project.secrets import SecretError, read_secret

_LOG: Final = logging.getLogger("gateway.serve.opcua")
ATTEMPTS_MAX: Final = 5
"""Wrong passwords in a row after which a user is locked out for a while."""
LOCK_NS: Final = 10_000_000_000


class Role(enum.IntEnum):
    """What a user may do; each includes those before it."""

    VIEWER = 1
    OPERATOR = 2
    ENGINEER = 3


@dataclass
class Account(User):
    """A session's user; to the library an ordinary one, which may not change the address space."""

    role: UserRole = UserRole.User
    name: str | None = None
    level: Role = Role.VIEWER


def level_of(user: User | None) -> Role:
    """Return what a session's user may do."""
    return user.level if isinstance(user, Account) else Role.VIEWER


class ProvenCertificate(bytes):
    """A user's certificate (DER) whose key the client has proved to have."""


class Internal(InternalServer):
    """The library's inner server, that tells a user's certificate from a channel's."""

    def verify_x509_token(
        self, isession: Any, token: ua.X509IdentityToken, signature: ua.SignatureData
    ) -> ProvenCertificate:
        """Return the certificate that a client logs in with.

        Raises:
            ServiceError: The signature is none that counts; the library tells others itself.
        """
        if str(signature.Algorithm).endswith("sha1"):
            raise ServiceError(ua.StatusCodes.BadIdentityTokenInvalid)
        return ProvenCertificate(super().verify_x509_token(isession, token, signature))


@dataclass(slots=True)
class _Login:
    name: str
    level: Role
    password: str | None
    certificate: bytes | None
    failures: int = 0
    locked_until_ns: int = 0


class Gatekeeper:
    """Judges certificates and logins; the library asks it as its user manager."""

    def __init__(
        self,
        section: OpcUaServerSection,
        folder: Path,
        certificates: CertificateFolder,
        clock: Callable[[], int],
        wall: Callable[[], int],
    ) -> None:
        """Read the secrets.

        Raises:
            ProjectError: Some are missing; all of them.
        """
        self._section = section
        self._certificates = certificates
        self._clock = clock
        self._wall = wall
        file = folder / "takt.toml"
        faults: list[Fault] = []
        self._logins = [
            _login(user, f"opcua.user[{number}]", folder, faults)
            for number, user in enumerate(section.user)
        ]
        if faults:
            raise ProjectError(str(file), tuple(faults))

    @property
    def allows_none(self) -> bool:
        """Whether sessions may be without signature and secrecy."""
        return "None" in self._section.security

    def check_channel(self, certificate: bytes | None) -> None:
        """Make sure that the peer of a channel is trusted; one without security has none to show.

        Raises:
            BadCertificateUntrusted: It is not.
        """
        if not certificate:
            return
        now = dt.datetime.fromtimestamp(self._wall() / 1e9, dt.UTC)
        try:
            self._certificates.check(certificate, now)
        except UntrustedError as error:
            _LOG.warning("OPC UA client refused: %s", error)
            raise BadCertificateUntrusted from None

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> Account | None:
        """Return the account of a login, None where it is refused; what the library calls."""
        del iserver
        if username is not None:
            return self._by_password(username, password or "")
        if isinstance(certificate, ProvenCertificate):
            return self._by_certificate(certificate)
        if not self._section.anonymous:
            _LOG.warning("OPC UA login refused: anonymous")
            return None
        return Account(name="anonymous")

    def _by_certificate(self, certificate: ProvenCertificate) -> Account | None:
        login = next((item for item in self._logins if item.certificate == certificate), None)
        if login is None:
            _LOG.warning("OPC UA login refused: unknown certificate")
            return None
        now = dt.datetime.fromtimestamp(self._wall() / 1e9, dt.UTC)
        found = x509.load_der_x509_certificate(certificate)
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            _LOG.warning("OPC UA login refused: certificate of %s is outside its time", login.name)
            return None
        return self._admit(login, "by certificate")

    def _by_password(self, name: str, password: str) -> Account | None:
        login = next((item for item in self._logins if item.name == name and item.password), None)
        if login is None or login.password is None:
            _LOG.warning("OPC UA login refused: no user %r", name[:64])
            return None
        now_ns = self._clock()
        right = hmac.compare_digest(login.password.encode(), password.encode())
        if now_ns < login.locked_until_ns or not right:
            login.failures += 1
            if login.failures >= ATTEMPTS_MAX:
                login.failures, login.locked_until_ns = 0, now_ns + LOCK_NS
            _LOG.warning("OPC UA login refused: user %r", name)
            return None
        login.failures = 0
        return self._admit(login, "by password")

    def _admit(self, login: _Login, how: str) -> Account:
        _LOG.info("OPC UA login of %s %s (%s)", login.name, how, login.level.name.lower())
        return Account(name=login.name, level=login.level)

    @property
    def tokens(self) -> list[type]:
        """The kinds of login that are offered."""
        found: list[type] = [ua.AnonymousIdentityToken] if self._section.anonymous else []
        if any(item.password for item in self._logins):
            found.append(ua.UserNameIdentityToken)
        if any(item.certificate for item in self._logins):
            found.append(ua.X509IdentityToken)
        return found


def _login(user: OpcUaUser, where: str, folder: Path, faults: list[Fault]) -> _Login:
    """Return what a user logs in with; what cannot be had is a fault more."""
    certificate, password = None, None
    if user.certificate is not None:
        found = read_certificate(folder / user.certificate)
        if found is None:
            expected = "a certificate in DER or PEM"
            faults.append(Fault(f"{where}.certificate", user.certificate, expected))
        else:
            certificate = der_from_x509(found)
    try:
        password = read_secret(user, folder)
    except SecretError as error:
        faults.append(Fault(f"{where}.{error.key}", error.value, error.expected))
    return _Login(user.name, Role[user.role.upper()], password, certificate)
