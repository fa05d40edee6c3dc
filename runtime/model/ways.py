"""Numbers for calls, such that their sum along a way from a task to a routine tells the way.

A routine has as many ways as those that call it have, taken together. The number of each of its
calls is that of all ways through the calls listed before it, so the sums of the ways to one routine
are 0, 1, 2 and so on:

    Line  calls Mixer at line 3 and Scaled at line 4; Mixer calls Scaled at line 9
    Mixer from Line: 0                              one way
    Scaled from Line: 0, from Mixer: 1              two ways: 0 is Line, 1 is Line -> Mixer

What a scan does for that begins with a fault: each routine that it leaves adds the number of the
call. (Sumner and others, "Precise calling context encoding", 2010.)
"""

from dataclasses import replace
from itertools import accumulate

from runtime.limits import WAYS_MAX
from runtime.model.effects import calls_of
from runtime.model.numbered import NumberedCall
from runtime.model.program import Model
from runtime.source import Span

Calls = dict[tuple[Span, str], int]
"""The numbers of a routine's calls, by their place and the routine that is called."""


def with_ways(model: Model) -> Model:
    """Return the model with the numbers of its calls.

    Routines that no task reaches have none, nor those with more than `WAYS_MAX` ways: from there
    on all calls have the number 0.
    """
    callers: dict[str, list[NumberedCall]] = {name: [] for name in model.routines}
    for task in model.tasks:
        for item in task.instances:
            callers[item.routine].append(NumberedCall("", item.name, None))
    for caller, callees in calls_of(model).items():
        for callee, places in callees.items():
            callers[callee] += [NumberedCall(caller, "", place) for place in sorted(places)]
    counts: dict[str, int] = {"": 1}
    ways: dict[str, tuple[NumberedCall, ...]] = {}
    for name in reversed(model.routines):  # so that those that call it come before it
        reached = [call for call in callers[name] if counts[call.caller]]
        *numbers, total = accumulate((counts[call.caller] for call in reached), initial=0)
        counts[name] = min(total, WAYS_MAX + 1)
        if 0 < total <= WAYS_MAX:
            ways[name] = tuple(map(_numbered, reached, numbers))
    return replace(model, ways=ways)


def _numbered(call: NumberedCall, number: int) -> NumberedCall:
    return replace(call, number=number)


def calls_by_caller(model: Model) -> dict[str, Calls]:
    """Return the numbers of the calls in each routine; those that are left out have 0."""
    found: dict[str, Calls] = {}
    for callee, calls in model.ways.items():
        for call in calls:
            if call.place is not None:
                found.setdefault(call.caller, {})[call.place, callee] = call.number
    return found


def entry_numbers(model: Model) -> dict[str, int]:
    """Return the numbers of the program instances, by their names."""
    calls = (call for calls in model.ways.values() for call in calls)
    return {call.instance: call.number for call in calls if call.place is None}
