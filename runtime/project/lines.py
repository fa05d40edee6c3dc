"""Which line of a `takt.toml` a fault stands on: that of its key, else of its table's header.

    [[io]]                      line 12, `io[0]`
    address = "%IW0"            line 13, `io[0].address`

TOML's own reader tells no lines. Only headers and the keys at the beginning of a line are looked
for, which is how such files are written; what is not found has the line of what it is a part of.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from runtime.errors import Fault, ProjectError

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_KEY: Final = re.compile(r"\s*([\w-]+)\s*=")
_LAST_PART: Final = re.compile(r"(\.[^.\[]+|\[\d+\])$")


def project_error(file: str, text: str, faults: Iterable[Fault]) -> ProjectError:
    """Return the error of a file with all of its faults, each with its line, in their order."""
    lines = _lines(text)
    found = [replace(fault, line=_line(lines, fault.path)) for fault in faults]
    return ProjectError(file, tuple(sorted(found, key=lambda fault: fault.line)))


def _line(lines: dict[str, int], path: str) -> int:
    """Return the line of a path, or of the next thing that it is a part of; 0 for none."""
    while path not in lines:
        shorter = _LAST_PART.sub("", path)
        if shorter == path:
            return 0
        path = shorter
    return lines[path]


def _lines(text: str) -> dict[str, int]:
    """Return the line of each header and key, by the path that faults have."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, is_text = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if not is_text:
            if header := _HEADER.match(line):
                table = _table(header[2].split("."), counts, is_array=header[1] == "[[")
                found.setdefault(table, number)
            elif key := _KEY.match(line):
                found.setdefault(f"{table}.{key[1]}".lstrip("."), number)
        if (line.count('"""') + line.count("'''")) % 2:
            is_text = not is_text
    return found


def _table(names: list[str], counts: dict[str, int], *, is_array: bool) -> str:
    """Return the path of a table, the newest of each array that it stands in."""
    path = ""
    for place, name in enumerate(names):
        path = f"{path}.{name}".lstrip(".")
        if is_array and place == len(names) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += f"[{counts[path] - 1}]"
    return path
