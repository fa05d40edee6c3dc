"""The source lines on the way to a fault, and the values of the variables that they name.

    Cells[N].Speed := Total / Parts;      of LINE1: LINE1.CELLS[3].SPEED, LINE1.N, TOTAL

What lives for one call, inputs and variables of functions and methods, has no value afterwards.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from runtime.artifact.chains import Chain, Link
from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import Site, Symbol
from runtime.datatypes.derived import Array, DataType
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.values import Buffer, Json

LineOf = Callable[[str, int], str]
"""Gives the text of a line of a source file, empty where there is none."""

_NOT_CODE: Final = re.compile(r"//.*|\(\*.*?(\*\)|$)|/\*.*?(\*/|$)|'[^']*'|\"[^\"]*\"")
_NAME: Final = re.compile(r"(?<![\w.#$])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\s*\w+\s*\])*")
_INDEX: Final = re.compile(r"\[\s*([A-Za-z_]\w*)\s*\]")
_LAST_PART: Final = re.compile(r"(\.\w+|\[[^\[\]]*\])$")
_TEXT_MAX: Final = 200
"""Longest value, as JSON, that is told."""


def lines_of(texts: dict[str, str]) -> LineOf:
    """Return what gives the lines of some texts, by the names of their files."""
    split = {name: text.splitlines() for name, text in texts.items()}

    def line_of(file: str, line: int) -> str:
        lines = split.get(file, [])
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""

    return line_of


def told_links(chain: Chain, site: Site | None, line_of: LineOf) -> Iterator[tuple[Link, str]]:
    """Yield the links of a way with their lines; of one that is not known the fault's alone."""
    links = chain.links
    if not links and site is not None:
        links = (Link(site.routine, "", site.file, site.line),)
    for link in links:
        yield link, line_of(link.file, link.line)


def named_values(
    told: Sequence[tuple[Link, str]], symbols: Sequence[Symbol], state: Buffer
) -> dict[str, Json]:
    """Return the values of the variables that lines name, by their paths, the fault's own first."""
    names = _Named(Paths(symbols), state)
    found: dict[str, Json] = {}
    for link, line in reversed(told):
        for symbol in names.symbols(_NOT_CODE.sub(" ", line), link.instance):
            if symbol.path not in found and _is_short(symbol.type):
                value = symbol.read(state)
                if len(json.dumps(value)) <= _TEXT_MAX:
                    found[symbol.path] = value
    return found


def _is_short(data_type: DataType) -> bool:
    if isinstance(data_type, Array):
        return data_type.size <= _TEXT_MAX and isinstance(data_type.element, Elementary)
    return isinstance(data_type, Elementary)


class _Named:
    """Finds what the names in a line of code stand for."""

    def __init__(self, paths: Paths, state: Buffer) -> None:
        self._paths, self._state = paths, state

    def symbols(self, line: str, instance: str) -> Iterator[Symbol]:
        """Yield the variables that a line of a routine on an instance names."""
        for match in _NAME.finditer(line):
            name = match.group()
            for word in (name, *_INDEX.findall(name)):
                found = self._find(word, instance)
                if found is not None:
                    yield found

    def _find(self, name: str, instance: str) -> Symbol | None:
        """Return what a name begins with that is a variable of the instance, or a global one."""
        while True:
            known = _INDEX.sub(lambda index: self._number(index.group(1), instance), name)
            for path in (f"{instance}.{known}",) * bool(instance) + (known,):
                try:
                    return self._paths.find(path)
                except PathError:
                    continue
            shorter = _LAST_PART.sub("", name)
            if shorter == name:
                return None
            name = shorter

    def _number(self, word: str, instance: str) -> str:
        """Return an index that is a variable as a number."""
        symbol = self._find(word, instance)
        value = symbol.read(self._state) if symbol is not None else word
        return f"[{value}]"
