"""Secrets of the uplinks: passwords and keys, from files and the environment, never from a log."""

import os
import ssl
import stat
from pathlib import Path

from runtime.errors import HostError
from runtime.project.uplinks import Credentials, TlsSection


def read_password(section: Credentials, folder: Path) -> str | None:
    """Return the password of an uplink, None where none is configured.

    Raises:
        HostError: The file or variable is missing, or others may read the file.
    """
    if section.password_env is not None:
        value = os.environ.get(section.password_env)
        if value is None:
            raise HostError(
                f"password_env = {section.password_env!r}: expected an environment variable of "
                "that name"
            )
        return value
    if section.password_file is None:
        return None
    path = folder / section.password_file
    check_private(path)
    return path.read_text(encoding="utf-8").rstrip("\r\n")


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
