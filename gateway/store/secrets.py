"""Secrets of what leaves: passwords, headers and keys, from files and variables, into no log."""

import os
import ssl
import stat
from pathlib import Path

from runtime.errors import HostError
from runtime.project.telemetry import HeaderSection
from runtime.project.uplinks import Credentials, TlsSection


def read_password(section: Credentials, folder: Path) -> str | None:
    """Return the password of an uplink, None where none is configured.

    Raises:
        HostError: The file or variable is missing, or others may read the file.
    """
    if section.password_env is not None:
        return _from_environment("password_env", section.password_env)
    if section.password_file is None:
        return None
    return _from_file(folder / section.password_file)


def read_header(section: HeaderSection, folder: Path) -> str:
    """Return the value of a header.

    Raises:
        HostError: It cannot be had, or is none; the text does not tell it.
    """
    if section.value is not None:
        value = section.value
    elif section.value_env is not None:
        value = _from_environment("value_env", section.value_env)
    else:
        assert section.value_file is not None
        value = _from_file(folder / section.value_file).partition("\n")[0].rstrip("\r")
    if not (value and value.isascii() and value.isprintable() and value == value.strip()):
        raise HostError(
            f"opentelemetry.header {section.name}: expected one line of printable ASCII, without "
            "blanks around it"
        )
    return value


def _from_environment(key: str, name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise HostError(f"{key} = {name!r}: expected an environment variable of that name")
    return value


def _from_file(path: Path) -> str:
    check_private(path)
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise HostError(f"{path}: the secret cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise HostError(f"{path}: the secret is no text; expected UTF-8") from None


def check_private(path: Path) -> None:
    """Make sure that a secret can be read, and by nobody but its owner.

    Raises:
        HostError: It is missing, or its mode lets others in.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise HostError(f"{path}: the secret cannot be read ({error.strerror})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise HostError(
            f"{path}: mode {stat.S_IMODE(mode):04o} lets others read a secret; expected 0600"
        )


def tls_context(section: TlsSection | None, folder: Path) -> ssl.SSLContext | None:
    """Return how to encrypt, None where it is not asked for. The peer is always verified.

    Raises:
        HostError: A file is missing, not what it should be, or a key that others may read.
    """
    if section is None:
        return None
    authority = folder / section.ca if section.ca is not None else None
    try:
        context = ssl.create_default_context(cafile=authority)
        if section.certificate is not None:
            key = folder / section.key if section.key is not None else None
            if key is not None:
                check_private(key)
            context.load_cert_chain(folder / section.certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise HostError(f"tls: the certificates cannot be used ({error})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
