"""Which calls lead from a task to a fault, with their lines, by what the sources say.

No call is followed while the program runs: where several ways lead to a routine, all are named, and
where one routine calls the next at several lines, so are these.

    LINE1 (Line) line 12 -> FB_Cell line 40 or 44 -> FB_Mixer.Stir line 7
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runtime.artifact.program import Call, CompiledProgram, Site

CHAINS_MAX: Final = 4
"""So many are named."""
LINES_MAX: Final = 4
"""So many lines of one routine are named."""


@dataclass(frozen=True, slots=True)
class Link:
    """One routine of a chain."""

    routine: str
    file: str
    lines: tuple[int, ...]
    """Where it may call the next one; of the last one, where the fault is."""

    def __str__(self) -> str:
        """Return it as users read it."""
        named = [str(line) for line in self.lines[:LINES_MAX]]
        if len(self.lines) > LINES_MAX:
            named.append("others")
        *most, last = named
        lines = f"{', '.join(most)} or {last}" if most else last
        return f"{self.routine} line {lines}"


Chain = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class CallChains:
    """The ways to a fault, from a program instance on."""

    chains: tuple[Chain, ...] = ()
    are_more: bool = False
    """Whether there are more than those."""

    def __str__(self) -> str:
        """Return them as users read them; nothing where none is known."""
        shown = "; ".join(" -> ".join(map(str, chain)) for chain in self.chains)
        more = "; …" if self.are_more else ""
        return f"one of {shown}{more}" if len(self.chains) > 1 else shown


NO_CALLS: Final = CallChains()


def call_chains(program: CompiledProgram, task: int, site: Site) -> CallChains:
    """Return the ways from a task, by its number, to a fault."""
    calls = dict(program.calls)
    leading = _leading(calls, site.routine)
    found: list[Chain] = []
    for instance, begin in program.tasks[task].programs:
        first = begin if instance.upper() == begin.upper() else f"{instance} ({begin})"
        for way in _ways(calls, begin, site.routine, leading):
            if len(found) == CHAINS_MAX:
                return CallChains(tuple(found), are_more=True)
            names = (first, *(call.routine for call in way))
            places = (*((call.file, call.lines) for call in way), (site.file, (site.line,)))
            found.append(
                tuple(Link(name, *place) for name, place in zip(names, places, strict=True))
            )
    return CallChains(tuple(found))


def _leading(calls: dict[str, tuple[Call, ...]], routine: str) -> set[str]:
    """Return the routines from which calls lead to one, itself among them."""
    callers: dict[str, list[str]] = {}
    for caller, callees in calls.items():
        for callee in callees:
            callers.setdefault(callee.routine, []).append(caller)
    found, left = {routine}, [routine]
    while left:
        fresh = set(callers.get(left.pop(), ())) - found
        found |= fresh
        left += fresh
    return found


def _ways(
    calls: dict[str, tuple[Call, ...]], begin: str, end: str, leading: set[str]
) -> Iterator[tuple[Call, ...]]:
    """Yield the calls from `begin` on that lead to `end`; there is no recursion among them."""
    if begin == end:
        yield ()
    for call in calls.get(begin, ()):
        if call.routine in leading:
            yield from ((call, *rest) for rest in _ways(calls, call.routine, end, leading))
