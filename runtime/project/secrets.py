"""Secrets that `takt.toml` refers to: the first line of a file of its owner's, or a variable."""

import os
from pathlib import Path
from typing import Final

from runtime.project.opcua import Secret

_OTHERS: Final = 0o077
"""Rights of anybody but the owner of a file."""


class SecretError(Exception):
    """A secret cannot be had; `key` is the one that refers to it, `expected` what was expected."""

    def __init__(self, key: str, value: str, expected: str) -> None:
        self.key = key
        self.value = value
        self.expected = expected
        super().__init__(f"{value}: expected {expected}")


def read_secret(secret: Secret, folder: Path) -> str | None:
    """Return the password that a table refers to, None where it refers to none.

    Args:
        secret: The table.
        folder: The project's.

    Raises:
        SecretError: The file or the variable is not there, is empty, or is open to others.
    """
    if secret.password_env is not None:
        found = os.environ.get(secret.password_env, "")
        if not found:
            raise SecretError("password_env", secret.password_env, "a variable that is set")
        return found
    if secret.password_file is None:
        return None
    path = folder / secret.password_file
    try:
        is_open = path.stat().st_mode & _OTHERS
        content = path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise SecretError("password_file", f"{path} ({reason})", "a readable text file") from None
    if is_open or not content:
        expected = "a password, in a file for its owner only (mode 0600)"
        raise SecretError("password_file", str(path), expected)
    return content
