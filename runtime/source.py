"""Source texts and places in them. A span is two offsets; lines and columns are counted late."""

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from runtime.errors import UsageError

PROJECT_FILE_NAME: Final = "takt.toml"
PROJECT_FILE: Final = -1
"""In the place of a source's number: it is about `takt.toml`; the offsets only tell such apart."""


class Span(NamedTuple):
    """A stretch of one source: `source` is its number in the project, the ends are offsets."""

    source: int
    start: int
    end: int


class Position(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text, with the offsets at which its lines begin."""

    name: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the line starts once; every diagnostic asks for them."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        object.__setattr__(self, "line_starts", tuple(starts))

    def position(self, offset: int) -> Position:
        """Return line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return a line's text without its end; `number` counts from 1."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


def read_source(path: Path) -> Source:
    """Read one UTF-8 file (with or without byte order mark).

    Raises:
        UsageError: The file is missing, unreadable or not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: unreadable ({error.strerror}); expected an ST file") from None
    except UnicodeDecodeError as error:
        before: bytes = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        found = f"{path}:{line}:{column}: byte 0x{error.object[error.start]:02X} is no UTF-8"
        hint = f"iconv -f WINDOWS-1252 -t UTF-8 {path.name}"
        raise UsageError(f"{found}; expected UTF-8 text, such as {hint} gives") from None
    return Source(str(path), text)
