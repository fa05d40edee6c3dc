"""Remove run-time checks that cannot fail: an index, a divisor, a subrange that is proved in range.

A routine's statements are followed in order with what is known of its variables (`intervals`). A
proved check loses its fault site (-1), which means that nothing is tested there. Every loop is
followed until what is known at its head holds for each turn; a variable that something else may
write, by a call or a reference, is forgotten (`model.writes`). The interpreter keeps all checks.

    FOR i := 0 TO 63 DO a[i] := 0;    a: ARRAY [0..63]: no check
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from runtime.codegen.intervals import (
    Interval,
    all_of,
    interval_of,
    is_whole,
    joined,
    narrowed_to,
    refined,
    tested_values,
    widened,
    within,
)
from runtime.datatypes.scalars import Subrange
from runtime.model import program
from runtime.model.loops import is_private
from runtime.model.program import (
    Expression,
    Model,
    Operate,
    Place,
    Routine,
    Statement,
    Step,
)
from runtime.model.writes import ANYTHING, Writes, fields_of, is_node, parts_of, writes_of

Facts = dict[Place, Interval] | None
"""What is known at a point of a routine; None where control never comes."""
Followed = tuple[Statement, Facts]
"""A statement with its proofs, and what is known behind it."""

_ROUNDS_MAX: Final = 6
"""Times that a loop's body is followed in search of what holds at its head."""
_DEPTH_MAX: Final = 3
"""Loops inside of loops to which that search goes down: its work grows with a power of it."""
_FACTS_MAX: Final = 200
"""Facts that are followed; in a body of more all are forgotten, for the time it takes."""


def proved(model: Model) -> Model:
    """Return the model without the checks that cannot fail."""
    writes = writes_of(model)
    routines = {key: proved_routine(item, writes) for key, item in model.routines.items()}
    return replace(model, routines=routines)


def proved_routine(routine: Routine, writes: Writes) -> Routine:
    """Return a routine without the checks that cannot fail."""
    if not _has_checks(routine.body):
        return routine
    body, _ = Prover(writes).sequence(routine.body, {})
    return replace(routine, body=body)


def _has_checks(nodes: tuple[Statement, ...]) -> bool:
    """Whether there is anything to prove."""
    for node in parts_of(nodes):
        match node:
            case Step(site=site) | Operate(site=site) | program.Assign(site=site) if site >= 0:
                return True
    return False


@dataclass(slots=True)
class Prover:
    """Follows the statements of one routine."""

    writes: Writes
    left: list[Facts] = field(default_factory=list)
    """What is known where EXIT leaves each loop around, innermost last."""
    again: list[Facts] = field(default_factory=list)
    """Likewise where CONTINUE goes on."""
    depth: int = 0

    def sequence(
        self, nodes: tuple[Statement, ...], facts: Facts
    ) -> tuple[tuple[Statement, ...], Facts]:
        """Follow statements; return them with their proofs, and what is known behind them."""
        result: list[Statement] = []
        for node in nodes:
            if facts is not None and len(facts) > _FACTS_MAX:
                facts = {}
            proven, facts = self.statement(node, facts)
            result.append(proven)
        return tuple(result), facts

    def statement(self, node: Statement, facts: Facts) -> tuple[Statement, Facts]:
        """Follow a statement; one that is never reached keeps its checks."""
        if facts is None:
            return node, None
        follow = _FOLLOWERS.get(type(node))
        if follow is not None:
            proven, behind = follow(self, node, facts)
            return proven, behind
        return node, self.forget(facts, node)

    def forget(self, facts: Facts, nodes: object) -> Facts:
        """Return what is known after something that may write variables."""
        return None if facts is None else without(facts, self.writes.of(nodes))

    def settled(self, facts: dict[Place, Interval], *nodes: object) -> dict[Place, Interval]:
        """Return what holds all through the evaluation of expressions: calls in them may write."""
        if not any(isinstance(item, program.CallFunction) for item in parts_of(nodes)):
            return facts
        return without(facts, self.writes.of(nodes))


def without(facts: dict[Place, Interval], written: frozenset[str]) -> dict[Place, Interval]:
    """Return the facts of variables that are not written."""
    if not written:
        return facts
    if ANYTHING in written:
        return {}
    return {place: found for place, found in facts.items() if place.owner not in written}


# -- expressions: checks inside of them -----------------------------------------------------------


def proven(node: Any, facts: dict[Place, Interval]) -> Any:
    """Return an expression, a place or a tuple of them without the checks that cannot fail."""
    if isinstance(node, tuple):
        items = tuple(proven(item, facts) for item in node)
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if not is_node(node):
        return node
    right = facts
    if isinstance(node, program.ShortCircuit):
        right = refined(node.left, facts, holds=node.operator == "AND_THEN") or facts
    changes = {}
    for name in fields_of(type(node)):
        old = getattr(node, name)
        new = proven(old, right if name == "right" else facts)
        if new is not old:
            changes[name] = new
    result = replace(node, **changes) if changes else node
    return replace(result, site=-1) if _cannot_fail(result, facts) else result


def _cannot_fail(node: object, facts: dict[Place, Interval]) -> bool:
    """Whether a node has a check that is proved."""
    match node:
        case Step(index=index, lower=lower, upper=upper, site=site) if site >= 0:
            found = interval_of(index, facts)
            return found is not None and lower <= found[0] and found[1] <= upper
        case Operate(operator="/" | "MOD", right=right, site=site) if site >= 0:
            found = interval_of(right, facts)
            return found is not None and (found[0] > 0 or found[1] < 0)
    return False


# -- statements -----------------------------------------------------------------------------------


def _assign(prover: Prover, node: program.Assign, facts: dict[Place, Interval]) -> Followed:
    facts = prover.settled(facts, node.value, node.target)
    value, target = proven(node.value, facts), proven(node.target, facts)
    found, bounds = interval_of(value, facts), target.type
    site = node.site
    if site >= 0 and found is not None and isinstance(bounds, Subrange):
        if bounds.lower <= found[0] and found[1] <= bounds.upper:
            site = -1
        found = max(found[0], bounds.lower), min(found[1], bounds.upper)
    result = replace(node, value=value, target=target, site=site)
    behind = prover.forget(facts, node)
    if behind is not None and found is not None and is_private(target) and is_whole(bounds):
        if found[0] > found[1]:
            return result, None
        behind = behind if found == all_of(bounds) else {**behind, target: found}
    return result, behind


def _plain(prover: Prover, node: Any, facts: dict[Place, Interval]) -> Followed:
    """Follow a statement whose parts are expressions and places alone."""
    settled = prover.settled(facts, node)
    return proven(node, settled), prover.forget(settled, node)


def _invoke(prover: Prover, node: program.Invoke, facts: dict[Place, Interval]) -> Followed:
    inputs, ready = prover.sequence(node.inputs, facts)
    if ready is None:
        return node, None
    instance = proven(node.instance, prover.settled(ready, node.instance))
    called = prover.forget(ready, replace(node, inputs=(), outputs=()))
    outputs, behind = prover.sequence(node.outputs, called)
    changed = replace(
        node, inputs=cast("Any", inputs), outputs=cast("Any", outputs), instance=instance
    )
    return changed, behind


def _if(prover: Prover, node: program.If, facts: dict[Place, Interval]) -> Followed:
    behind: Facts = None
    branches: list[tuple[Expression, tuple[Statement, ...]]] = []
    left: Facts = facts
    for condition, body in node.branches:
        if left is None:
            branches.append((condition, body))
            continue
        settled = prover.settled(left, condition)
        is_pure = settled is left
        inside = refined(condition, left, holds=True) if is_pure else settled
        followed, out = prover.sequence(body, inside)
        branches.append((proven(condition, settled), followed))
        behind = joined(behind, out)
        left = refined(condition, left, holds=False) if is_pure else settled
    otherwise, out = prover.sequence(node.otherwise, left)
    return replace(node, branches=tuple(branches), otherwise=otherwise), joined(behind, out)


def _case(prover: Prover, node: program.Case, facts: dict[Place, Interval]) -> Followed:
    facts = prover.settled(facts, node.selector)
    behind: Facts = None
    arms = []
    for ranges, body in node.arms:
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        followed, out = prover.sequence(body, narrowed_to(node.selector, (low, high), facts))
        arms.append((ranges, followed))
        behind = joined(behind, out)
    otherwise, out = prover.sequence(node.otherwise, facts)
    selector = proven(node.selector, facts)
    changed = replace(node, selector=selector, arms=tuple(arms), otherwise=otherwise)
    return changed, joined(behind, out)


def _blocks(prover: Prover, node: program.Blocks, _facts: dict[Place, Interval]) -> Followed:
    """Follow blocks that jumps arrive at from anywhere: nothing is known at their heads."""
    blocks = tuple(prover.sequence(body, {})[0] for body in node.blocks)
    return replace(node, blocks=blocks), {}


def _leave(prover: Prover, node: program.Exit, facts: dict[Place, Interval]) -> Followed:
    prover.left[-1] = joined(prover.left[-1], facts)
    return node, None


def _again(prover: Prover, node: program.Continue, facts: dict[Place, Interval]) -> Followed:
    prover.again[-1] = joined(prover.again[-1], facts)
    return node, None


def _end(_: Prover, node: Statement, _facts: dict[Place, Interval]) -> Followed:
    return node, None


# -- loops ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a loop, followed from what is known at its head."""

    node: Statement
    end: Facts
    """What is known where the next turn begins."""
    behind: Facts
    """What is known behind the loop, apart from the ways out by EXIT."""


def _loop(
    prover: Prover,
    node: program.For | program.While,
    turn: Callable[[dict[Place, Interval]], Turn],
    facts: dict[Place, Interval],
) -> Followed:
    """Follow a loop with what holds at the head of each turn."""
    prover.depth += 1
    head = _head(prover, node, turn, facts)
    prover.left.append(None)
    last = turn(head)
    left = prover.left.pop()
    prover.depth -= 1
    return last.node, joined(last.behind, left)


def _head(
    prover: Prover,
    node: program.For | program.While,
    turn: Callable[[dict[Place, Interval]], Turn],
    facts: dict[Place, Interval],
) -> dict[Place, Interval]:
    """Return what holds at the head of each turn, the first one included."""
    if prover.depth <= _DEPTH_MAX:
        head, stops = facts, tested_values(node)
        for number in range(_ROUNDS_MAX):
            following = _next_head(prover, turn, head, facts)
            if within(following, head):  # holds for each turn; perhaps more does
                sure = _next_head(prover, turn, following, facts)
                return following if within(sure, following) else head
            head = widened(head, following, stops) if number else following
    return without(facts, prover.writes.of(node))


def _next_head(
    prover: Prover,
    turn: Callable[[dict[Place, Interval]], Turn],
    head: dict[Place, Interval],
    facts: dict[Place, Interval],
) -> dict[Place, Interval]:
    """Return what is known at the head of the first turn and of one that follows a turn."""
    prover.left.append(None)
    end = turn(head).end
    prover.left.pop()
    return joined(facts, end) or facts


def _body(
    prover: Prover, body: tuple[Statement, ...], facts: Facts
) -> tuple[tuple[Statement, ...], Facts]:
    """Follow the body of a loop up to where CONTINUE and its end meet."""
    prover.again.append(None)
    followed, out = prover.sequence(body, facts)
    return followed, joined(out, prover.again.pop())


def _while(prover: Prover, node: program.While, facts: dict[Place, Interval]) -> Followed:
    def turn(head: dict[Place, Interval]) -> Turn:
        settled = prover.settled(head, node.condition)
        is_pure = settled is head
        inside = refined(node.condition, head, holds=True) if is_pure else settled
        behind = refined(node.condition, head, holds=False) if is_pure else settled
        body, end = _body(prover, node.body, inside)
        condition = proven(node.condition, settled)
        return Turn(replace(node, body=body, condition=condition), end, behind)

    def repeated(head: dict[Place, Interval]) -> Turn:
        body, out = _body(prover, node.body, head)
        if out is None:
            return Turn(replace(node, body=body), None, None)
        settled = prover.settled(out, node.condition)
        is_pure = settled is out
        end = refined(node.condition, out, holds=False) if is_pure else settled
        behind = refined(node.condition, out, holds=True) if is_pure else settled
        condition = proven(node.condition, settled)
        return Turn(replace(node, body=body, condition=condition), end, behind)

    return _loop(prover, node, turn if node.test_first else repeated, facts)


def _for(prover: Prover, node: program.For, facts: dict[Place, Interval]) -> Followed:
    limits = node.first, node.last, node.step
    facts = prover.settled(facts, *limits, node.variable)
    ends = proven(limits, facts)
    span = _span(node, facts)
    written = prover.writes.of(node.body)
    stays = ANYTHING not in written and node.variable.owner not in written
    follows = stays and span is not None and is_private(node.variable)
    own = frozenset({node.variable.owner}) if node.variable.owner else frozenset({ANYTHING})

    def turn(head: dict[Place, Interval]) -> Turn:
        head = without(head, own)
        inside: Facts = head
        if follows and span is not None:
            inside = {**head, node.variable: span} if span[0] <= span[1] else None
        body, end = _body(prover, node.body, inside)
        first, last, step = ends
        variable = proven(node.variable, facts)
        changed = replace(node, variable=variable, first=first, last=last, step=step, body=body)
        return Turn(changed, None if end is None else without(end, own), head)

    return _loop(prover, node, turn, without(facts, own))


def _span(node: program.For, facts: dict[Place, Interval]) -> Interval | None:
    """Return what the variable lies in during each turn, if nothing but the loop moves it."""
    first, last = interval_of(node.first, facts), interval_of(node.last, facts)
    step = interval_of(node.step, facts)
    if first is None or last is None or step is None:
        return None
    if step[0] >= 0:
        return first[0], last[1]
    if step[1] < 0:
        return last[0], first[1]
    return min(first[0], last[0]), max(first[1], last[1])


_FOLLOWERS: Final[dict[type, Callable[[Prover, Any, dict[Place, Interval]], Followed]]] = {
    program.Assign: _assign,
    program.CopyBytes: _plain,
    program.Evaluate: _plain,
    program.Spread: _plain,
    program.Require: _plain,
    program.Invoke: _invoke,
    program.If: _if,
    program.Case: _case,
    program.For: _for,
    program.While: _while,
    program.Exit: _leave,
    program.Continue: _again,
    program.Return: _end,
    program.GoTo: _end,
    program.Blocks: _blocks,
}
