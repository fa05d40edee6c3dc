"""The newest token that was let through to a process image, in a file beside it.

The lock of the image's commands guards it: a command is put in while the lock is held, so between
the look at the token and the command no newer token can come.
"""

import os
import struct
from pathlib import Path
from typing import Final

from runtime.errors import ImageError
from runtime.image.commands import command_lock

_TOKEN: Final = struct.Struct("<Q")
_OWNER_ONLY: Final = 0o600


class Fence:
    """Outlives runtimes and gateways; the machine's next start begins anew."""

    def __init__(self, image: Path) -> None:
        """Stand beside an image; nothing is written yet."""
        self._image = image
        self.path = image.with_suffix(".fence")

    def token(self) -> int:
        """Return the newest token, 0 where none was let through.

        Raises:
            ImageError: The file cannot be read, or is none of ours.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise ImageError(f"{self.path}: cannot be read ({error.strerror})") from None
        if len(content) != _TOKEN.size:
            raise ImageError(f"{self.path}: {len(content)} bytes; expected {_TOKEN.size}")
        token: int = _TOKEN.unpack(content)[0]
        return token

    def raise_to(self, token: int) -> None:
        """Refuse all older tokens from now on.

        Raises:
            ImageError: A newer one was let through, somebody commands at this moment, the image is
                gone, or the file is unwritable.
        """
        with command_lock(self._image, is_patient=False):
            present = self.token()
            if token < present:
                raise ImageError(f"{self.path}: token {present} came before token {token}")
            try:
                self._write(token)
            except OSError as error:
                raise ImageError(f"{self.path}: cannot be written ({error.strerror})") from None

    def _write(self, token: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, _OWNER_ONLY)
        try:
            os.pwrite(descriptor, _TOKEN.pack(token), 0)
        finally:
            os.close(descriptor)
