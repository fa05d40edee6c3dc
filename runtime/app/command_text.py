"""A command as text: `S.SPEED := 10`, where the journal has the bytes that stood in the image."""

from collections.abc import Sequence
from typing import Final

from runtime.artifact.paths import elementary_at
from runtime.artifact.program import Symbol
from runtime.datatypes.values import Json
from runtime.image import layout
from runtime.image.commands import WHOLE_BYTE
from runtime.image.layout import CommandKind

_WORDS: Final = {
    CommandKind.WRITE: "write",
    CommandKind.FORCE: "force",
    CommandKind.UNFORCE: "release",
}


def told_command(command: bytes, symbols: Sequence[Symbol]) -> dict[str, Json]:
    """Return what a command does: `command`, with `path` and `value` where it has them.

    A place without a name, such as one past the end of the state, is told by its offset.
    """
    _, kind, mask, offset, size, _, _, _ = layout.COMMAND.unpack_from(command)
    if kind == CommandKind.UNFORCE_ALL:
        return {"command": "release all"}
    word = _WORDS.get(kind, f"unknown ({kind})")
    bit = -1 if mask == WHOLE_BYTE else mask.bit_length() - 1
    content = command[layout.COMMAND_VALUE : layout.COMMAND_VALUE + size]
    symbol = elementary_at(symbols, offset, size, bit)
    if symbol is None:
        return {"command": word, "offset": offset, "value": content.hex()}
    told: dict[str, Json] = {"command": word, "path": symbol.path}
    if kind == CommandKind.UNFORCE:
        return told
    return told | {"value": Symbol(symbol.path, 0, symbol.type, symbol.bit).read(content)}
