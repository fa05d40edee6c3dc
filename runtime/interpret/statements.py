"""Statements as closures. What each gives says how control goes on."""

from collections.abc import Callable
from typing import Any, Final

from runtime.datatypes.elementary import Elementary, Scalar, wrapper
from runtime.datatypes.scalars import Subrange
from runtime.interpret.blocks import view_class
from runtime.interpret.expressions import Action, Compiler
from runtime.interpret.machine import Evaluation, Machine, ProgramFault, whole_loader, whole_storer
from runtime.interpret.standstill import FIRST_LOOK, Standstill
from runtime.model import program
from runtime.model.program import Statement

NEXT: Final = 0
EXIT: Final = 1
CONTINUE: Final = 2
RETURN: Final = 3
GO_TO: Final = 4
"""GO_TO + n goes on with block number n."""

Bodies = dict[str, Action]
"""The bodies of the function blocks that are compiled so far, by their names."""


class StatementCompiler:
    """Makes closures for the statements of one routine."""

    def __init__(self, expressions: Compiler, bodies: Bodies) -> None:
        self.expressions = expressions
        self.bodies = bodies

    def sequence(self, nodes: tuple[Statement, ...]) -> Action:
        """Return the closure of statements one after another."""
        actions = tuple(_MAKERS[type(node)](node, self) for node in nodes)
        if len(actions) == 1:
            return actions[0]

        def run(machine: Machine) -> int:
            for action in actions:
                flow = action(machine)
                if flow:
                    return flow
            return NEXT

        return run


def _assign(node: program.Assign, make: StatementCompiler) -> Action:
    value = make.expressions.expression(node.value)
    write = make.expressions.writer(node.target)
    if node.site >= 0:
        value = _bounded(value, node)

    def run(machine: Machine) -> int:
        write(machine, value(machine))
        return NEXT

    return run


def _bounded(value: Evaluation, node: program.Assign) -> Evaluation:
    """Return the value with the check that it lies in the target's subrange."""
    bounds, site = node.target.type, node.site
    assert isinstance(bounds, Subrange)
    lower, upper = bounds.lower, bounds.upper

    def checked(machine: Machine) -> Scalar:
        number = value(machine)
        if not lower <= number <= upper:
            raise ProgramFault(site, int(number))
        return number

    return checked


def _copy(node: program.CopyBytes, make: StatementCompiler) -> Action:
    source = make.expressions.located(node.source)
    target = make.expressions.located(node.target)
    load, store = whole_loader(node.source.type), whole_storer(node.target.type)

    def run(machine: Machine) -> int:
        whole = load(machine, source(machine))
        store(machine, target(machine), whole)
        return NEXT

    return run


def _evaluate(node: program.Evaluate, make: StatementCompiler) -> Action:
    value = make.expressions.expression(node.call)

    def run(machine: Machine) -> int:
        value(machine)
        return NEXT

    return run


def _spread(node: program.Spread, make: StatementCompiler) -> Action:
    value = make.expressions.expression(node.value)
    parts = tuple(
        (function, place.type, make.expressions.writer(place))
        for function, place in node.parts
        if isinstance(place.type, Elementary)
    )

    def run(machine: Machine) -> int:
        whole = value(machine)
        for function, data_type, write in parts:
            write(machine, function.compute(data_type, [whole]))
        return NEXT

    return run


def _require(node: program.Require, make: StatementCompiler) -> Action:
    condition, site = make.expressions.expression(node.condition), node.site

    def run(machine: Machine) -> int:
        if not condition(machine):
            raise ProgramFault(site)
        return NEXT

    return run


def _invoke(node: program.Invoke, make: StatementCompiler) -> Action:
    inputs, outputs = make.sequence(node.inputs), make.sequence(node.outputs)
    located = make.expressions.located(node.instance)
    body = _standard_body(node) if node.standard is not None else make.bodies[node.routine]
    here = node.span, node.routine

    def run(machine: Machine) -> int:
        inputs(machine)
        outer = machine.instance
        machine.instance = located(machine)
        try:
            body(machine)
        except ProgramFault as fault:
            fault.calls.append(here)
            raise
        machine.instance = outer
        outputs(machine)
        return NEXT

    return run


def _standard_body(node: program.Invoke) -> Action:
    assert node.standard is not None
    structure = node.instance.type
    assert not isinstance(structure, Elementary)
    view, body = view_class(structure), node.standard.body

    def run(machine: Machine) -> int:
        body(view(machine.memory, machine.instance), machine.now_ns)
        return NEXT

    return run


def _if(node: program.If, make: StatementCompiler) -> Action:
    branches = tuple(
        (make.expressions.expression(condition), make.sequence(body))
        for condition, body in node.branches
    )
    otherwise = make.sequence(node.otherwise)

    def run(machine: Machine) -> int:
        for condition, body in branches:
            if condition(machine):
                return body(machine)
        return otherwise(machine)

    return run


def _case(node: program.Case, make: StatementCompiler) -> Action:
    selector = make.expressions.expression(node.selector)
    arms = tuple(
        (lower, upper, body)
        for ranges, statements in node.arms
        for body in (make.sequence(statements),)
        for lower, upper in ranges
    )
    otherwise = make.sequence(node.otherwise)

    def run(machine: Machine) -> int:
        value = selector(machine)
        for lower, upper, body in arms:
            if lower <= value <= upper:
                return body(machine)
        return otherwise(machine)

    return run


def _spend(machine: Machine, site: int, turns: int = 1) -> None:
    machine.budget -= turns
    if machine.budget < 0:
        raise ProgramFault(site)


def _for(node: program.For, make: StatementCompiler) -> Action:
    compile_expression = make.expressions.expression
    first, last = compile_expression(node.first), compile_expression(node.last)
    step_of = compile_expression(node.step)
    read, write = make.expressions.reader(node.variable), make.expressions.writer(node.variable)
    body, site = make.sequence(node.body), node.site
    assert isinstance(node.variable.type, Elementary)
    wrap = wrapper(node.variable.type)
    ahead = 0 if node.is_prepaid or not node.is_counted else 1 + node.inner_turns

    def run(machine: Machine) -> int:
        start, limit, step = first(machine), int(last(machine)), int(step_of(machine))
        if ahead:
            _spend(machine, site, ahead * max(0, (limit - int(start)) // step + 1))
        write(machine, start)
        while True:
            value = int(read(machine))
            if value > limit if step >= 0 else value < limit:
                return NEXT
            flow = body(machine)
            if flow == RETURN:
                return RETURN
            if flow == EXIT:
                return NEXT
            if not node.is_counted:
                _spend(machine, site)
            following = int(read(machine)) + step
            kept = wrap(following)
            write(machine, kept)
            if kept != following:
                return NEXT

    return run


def _while(node: program.While, make: StatementCompiler) -> Action:
    condition = make.expressions.expression(node.condition)
    body, site, test_first = make.sequence(node.body), node.site, node.test_first

    def run(machine: Machine) -> int:
        turns, looks_at, standstill = 0, FIRST_LOOK, None
        while not test_first or condition(machine):
            flow = body(machine)
            if flow and flow != CONTINUE:
                return NEXT if flow == EXIT else flow
            machine.budget -= 1
            if machine.budget < 0:
                raise ProgramFault(site)
            turns += 1
            if turns == looks_at:
                standstill = standstill or Standstill()
                looks_at = standstill.look(machine, turns)
            if not test_first and condition(machine):
                return NEXT
        return NEXT

    return run


def _jump(flow: int) -> Callable[[Any, StatementCompiler], Action]:
    return lambda _node, _make: lambda _machine: flow


def _go_to(node: program.GoTo, _make: StatementCompiler) -> Action:
    flow, site = GO_TO + node.block, node.site
    if site < 0:
        return lambda _machine: flow

    def run(machine: Machine) -> int:
        _spend(machine, site)
        return flow

    return run


def _blocks(node: program.Blocks, make: StatementCompiler) -> Action:
    parts = tuple(make.sequence(part) for part in node.blocks)
    first = GO_TO + node.first

    def run(machine: Machine) -> int:
        at, turns, looks_at, standstill = 0, 0, FIRST_LOOK, None
        while at < len(parts):
            flow = parts[at](machine)
            if flow >= GO_TO:
                turns += flow - first <= at
                at = flow - first
                if turns == looks_at:
                    standstill = standstill or Standstill()
                    looks_at = standstill.look(machine, turns, at)
            elif flow:
                return flow
            else:
                at += 1
        return NEXT

    return run


_MAKERS: Final[dict[type, Callable[[Any, StatementCompiler], Action]]] = {
    program.Assign: _assign,
    program.CopyBytes: _copy,
    program.Evaluate: _evaluate,
    program.Spread: _spread,
    program.Require: _require,
    program.Invoke: _invoke,
    program.If: _if,
    program.Case: _case,
    program.For: _for,
    program.While: _while,
    program.Exit: _jump(EXIT),
    program.Continue: _jump(CONTINUE),
    program.Return: _jump(RETURN),
    program.GoTo: _go_to,
    program.Blocks: _blocks,
}
