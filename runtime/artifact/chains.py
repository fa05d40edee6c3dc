"""Which calls lead from a task to a routine, by what the sources say.

No call is followed while the program runs: where several ways lead to a routine, all are named.

    LINE1 (Line) > FB_Cell > FB_Mixer.Stir
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runtime.artifact.program import CompiledProgram

CHAINS_MAX: Final = 4
"""So many are named."""
Chain = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallChains:
    """The ways to a routine, from a program instance on."""

    chains: tuple[Chain, ...] = ()
    are_more: bool = False
    """Whether there are more than those."""

    def __str__(self) -> str:
        """Return them as users read them; nothing where none is known."""
        shown = "; ".join(" > ".join(chain) for chain in self.chains)
        more = "; …" if self.are_more else ""
        return f"one of {shown}{more}" if len(self.chains) > 1 else shown


NO_CALLS: Final = CallChains()


def call_chains(program: CompiledProgram, task: int, routine: str) -> CallChains:
    """Return the ways from a task, by its number, to a routine, by its name."""
    calls = dict(program.calls)
    leading = _leading(calls, routine)
    found: list[Chain] = []
    for instance, begin in program.tasks[task].programs:
        first = begin if instance.upper() == begin.upper() else f"{instance} ({begin})"
        for chain in _ways(calls, begin, routine, leading):
            if len(found) == CHAINS_MAX:
                return CallChains(tuple(found), are_more=True)
            found.append((first, *chain))
    return CallChains(tuple(found))


def _leading(calls: dict[str, tuple[str, ...]], routine: str) -> set[str]:
    """Return the routines from which calls lead to one, itself among them."""
    callers: dict[str, list[str]] = {}
    for caller, callees in calls.items():
        for callee in callees:
            callers.setdefault(callee, []).append(caller)
    found, left = {routine}, [routine]
    while left:
        fresh = set(callers.get(left.pop(), ())) - found
        found |= fresh
        left += fresh
    return found


def _ways(
    calls: dict[str, tuple[str, ...]], begin: str, end: str, leading: set[str]
) -> Iterator[Chain]:
    """Yield the calls behind `begin` that lead to `end`; there is no recursion among them."""
    if begin == end:
        yield ()
    for callee in calls.get(begin, ()):
        if callee in leading:
            yield from ((callee, *rest) for rest in _ways(calls, callee, end, leading))
