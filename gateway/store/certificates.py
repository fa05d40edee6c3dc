"""Certificates in a folder: the gateway's own, made on first use, and those of peers it trusts.

    pki/own/certificate.der, key.pem (mode 0600)    pki/trusted/*.der|*.pem|*.crt    pki/rejected/

A peer is trusted whose certificate lies in `trusted`, or was signed by a certificate authority that
lies there. A certificate that was turned down is kept in `rejected`: to move it is to trust it.
"""

import datetime as dt
import ipaddress
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runtime.errors import HostError

KEY_BITS: Final = 2048
VALID_DAYS: Final = 5 * 365
REJECTED_MAX: Final = 50
"""Certificates kept in `rejected`: strangers cannot fill the disk."""
CERTIFICATE_BYTES_MAX: Final = 16_384
_BACKDATE: Final = dt.timedelta(hours=1)
"""A peer's clock may be behind by that much."""
_SUFFIXES: Final = frozenset({".der", ".pem", ".crt", ".cer"})


class UntrustedError(Exception):
    """A peer's certificate is not trusted; the text says why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The gateway's own certificate (DER) and its private key (PEM)."""

    certificate: bytes
    key: bytes
    certificate_path: Path
    key_path: Path
    uri: str
    """The application URI that the certificate names."""


class CertificateFolder:
    """One folder of certificates."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when something is written to it."""
        self.folder = folder
        self.trusted = folder / "trusted"
        self.rejected = folder / "rejected"

    def identity(self, name: str, now: dt.datetime) -> Identity:
        """Return the own certificate; make one (RSA 2048, self-signed, five years) on first use.

        Raises:
            HostError: The folder cannot be read or written.
        """
        own = self.folder / "own"
        certificate_path, key_path = own / "certificate.der", own / "key.pem"
        try:
            self.trusted.mkdir(parents=True, exist_ok=True)
            own.mkdir(mode=0o700, exist_ok=True)
            if not certificate_path.exists() or not key_path.exists():
                certificate, key = make_certificate(name, application_uri(name), now)
                _write(key_path, key, 0o600)
                _write(certificate_path, certificate, 0o644)
            certificate, key = certificate_path.read_bytes(), key_path.read_bytes()
        except OSError as error:
            raise HostError(f"{error.filename}: {error.strerror}") from None
        uri = uri_of(x509.load_der_x509_certificate(certificate)) or application_uri(name)
        return Identity(certificate, key, certificate_path, key_path, uri)

    def check(self, certificate: bytes, now: dt.datetime) -> None:
        """Make sure that a peer's certificate (DER) is trusted and within its time.

        Raises:
            UntrustedError: It is not.
        """
        try:
            found = x509.load_der_x509_certificate(certificate)
        except ValueError:
            raise UntrustedError("not a certificate") from None
        subject = found.subject.rfc4514_string()
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise UntrustedError(f"certificate of {subject} is outside its time")
        if not any(_vouches(trusted, found, now) for trusted in self._all_trusted()):
            self._reject(found, certificate)
            raise UntrustedError(
                f"certificate of {subject} is not trusted; to trust it, move its file from "
                f"{self.rejected} to {self.trusted}"
            )

    def _all_trusted(self) -> Iterator[x509.Certificate]:
        if not self.trusted.is_dir():
            return
        for file in sorted(self.trusted.iterdir()):
            if file.suffix in _SUFFIXES:
                found = read_certificate(file)
                if found is not None:
                    yield found

    def _reject(self, found: x509.Certificate, certificate: bytes) -> None:
        if len(certificate) > CERTIFICATE_BYTES_MAX:
            return
        thumbprint = found.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - a name, no proof
        path = self.rejected / f"{thumbprint}.der"
        try:
            self.rejected.mkdir(parents=True, exist_ok=True)
            if not path.exists() and len(list(self.rejected.iterdir())) < REJECTED_MAX:
                path.write_bytes(certificate)
        except OSError:
            return  # the refusal stands without its trace


def read_certificate(file: Path) -> x509.Certificate | None:
    """Return the certificate of a file in DER or PEM, None where there is none."""
    try:
        content = file.read_bytes()
        if content.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except (OSError, ValueError):
        return None


def _vouches(trusted: x509.Certificate, found: x509.Certificate, now: dt.datetime) -> bool:
    """Return whether a trusted certificate is the one found, or an authority that signed it."""
    if trusted == found:
        return True
    try:
        basic = trusted.extensions.get_extension_for_class(x509.BasicConstraints)
        if not basic.value.ca or not trusted.not_valid_before_utc <= now:
            return False
        if now > trusted.not_valid_after_utc:
            return False
        found.verify_directly_issued_by(trusted)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def application_uri(name: str) -> str:
    """Return the URI by which this machine's gateway of a project is known."""
    return f"urn:{socket.gethostname()}:takt:{name}"


def uri_of(certificate: x509.Certificate) -> str | None:
    """Return the application URI that a certificate names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    return next(iter(names.value.get_values_for_type(x509.UniformResourceIdentifier)), None)


def make_certificate(name: str, uri: str, now: dt.datetime) -> tuple[bytes, bytes]:
    """Return a self-signed application certificate (part 6, 6.2.2) as DER and its key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Takt {name}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Takt"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_agreement=False, key_cert_sign=True, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    purposes = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    host = socket.gethostname()
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(uri),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
    ]
    if host.isascii() and host != "localhost":
        names.append(x509.DNSName(host))
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.DER), private


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file in one step, readable as `mode` says from the first byte on."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
