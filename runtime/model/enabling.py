"""EN and ENO (6.6.1.5): a call that is not enabled changes nothing and says so.

x := f(EN := e, IN := a, ENO => ok);
-> IF e THEN x := f(IN := a); ok := TRUE; ELSE ok := FALSE; END_IF;
"""

from dataclasses import replace

from runtime.model.scope import Scope
from runtime.source import Span
from runtime.syntax import tree


def enabled_form(node: tree.Assign | tree.CallStatement, scope: Scope) -> tree.If | None:
    """Return a statement whose call has EN or ENO as the IF that it means, None for another."""
    call = node.value if isinstance(node, tree.Assign) else node.call
    if not isinstance(call, tree.Call):
        return None
    controls = {
        item.name.upper(): item
        for item in call.arguments
        if item.name is not None and item.name.upper() in {"EN", "ENO"}
    }
    if not controls or _declares(call.callee, set(controls), scope):
        return None
    rest = tuple(item for item in call.arguments if item not in controls.values())
    plain = replace(call, arguments=rest)
    inner: tree.Statement = (
        replace(node, value=plain)
        if isinstance(node, tree.Assign)
        else tree.CallStatement(node.span, plain)
    )
    enable = controls["EN"].value if "EN" in controls else None
    condition = enable or tree.Literal(node.span, "bool", "TRUE")
    done = _eno(controls, "TRUE", node.span)
    branch = tree.Branch(node.span, condition, (inner, *done))
    return tree.If(node.span, (branch,), _eno(controls, "FALSE", node.span))


def _eno(controls: dict[str, tree.Argument], value: str, span: Span) -> tuple[tree.Statement, ...]:
    target = controls["ENO"].value if "ENO" in controls else None
    if target is None:
        return ()
    return (tree.Assign(span, target, tree.Literal(span, "bool", value)),)


def _declares(callee: tree.Expression, names: set[str], scope: Scope) -> bool:
    """Whether what is called has variables EN or ENO of its own."""
    if not isinstance(callee, tree.Name):
        return False
    variable = scope.find(callee.name)
    name = str(variable.type) if variable is not None else callee.name
    routine = scope.names.routines.get(name.upper())
    return routine is not None and bool(names & set(routine.variables))
