"""Secrets of what leaves: passwords, headers and keys, from files and variables, into no log."""

import base64
import os
import ssl
import stat
from pathlib import Path

from runtime.errors import HostError
from runtime.project.http import HeaderSection
from runtime.project.uplinks import Credentials, HttpUplink, TlsSection


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


def read_header(section: HeaderSection, folder: Path, table: str) -> str:
    """Return the value of a header.

    Args:
        section: Which one.
        folder: The project's.
        table: Where it stands in `takt.toml`, for the error.

    Raises:
        HostError: It cannot be had, or is none; the text does not tell it.
    """
    value = section.value
    if value is None:
        value = _first_line(folder, "value_env", section.value_env, section.value_file)
    return _header_value(value, f"{table} {section.name}")


def read_request_headers(section: HttpUplink, folder: Path) -> dict[str, str]:
    """Return the headers that an uplink's requests bear: who we are, and what is configured.

    Raises:
        HostError: A secret cannot be had, or fits into no header; the text does not tell it.
    """
    headers = {
        header.name: read_header(header, folder, "uplink.header") for header in section.header
    }
    if section.user is not None:
        login = f"{section.user}:{read_password(section, folder)}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    elif section.token_file is not None or section.token_env is not None:
        token = _first_line(folder, "token_env", section.token_env, section.token_file)
        token = _header_value(token, f"uplink {section.name}: token")
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _first_line(folder: Path, key: str, variable: str | None, file: str | None) -> str:
    """Return a secret of one line, from a variable that a key of that name tells, or a file."""
    if variable is not None:
        return _from_environment(key, variable)
    assert file is not None
    return _from_file(folder / file).partition("\n")[0].rstrip("\r")


def _header_value(value: str, what: str) -> str:
    if not (value and value.isascii() and value.isprintable() and value == value.strip()):
        raise HostError(f"{what}: expected one line of printable ASCII, without blanks around it")
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
