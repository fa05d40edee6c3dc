"""CONFIGURATION, RESOURCE, TASK and program instances (6.8.1, 6.8.2)."""

from collections.abc import Callable

from runtime.syntax import tree
from runtime.syntax.parser.cursor import UNIT_STARTS, Cursor, ResyncError
from runtime.syntax.parser.expressions import call_arguments, expression
from runtime.syntax.tokens import TokenKind

BlockReader = Callable[[Cursor], tree.VarBlock]
"""Reads a VAR section; `declarations` hands its own in."""

_ENDS = frozenset({"END_CONFIGURATION", "END_RESOURCE"})


def configuration(cursor: Cursor, read_block: BlockReader) -> tree.Configuration:
    """Read CONFIGURATION … END_CONFIGURATION."""
    start = cursor.advance()
    token = cursor.name("the name of the CONFIGURATION")
    name = tree.Name(cursor.span_of(token), token.text)
    blocks: list[tree.VarBlock] = []
    resources: list[tree.Resource] = []
    loose = tree.Resource(name.span, tree.Name(name.span, ""), (), ())
    while not cursor.at("END_CONFIGURATION"):
        if cursor.at("VAR_GLOBAL", "VAR_CONFIG", "VAR_ACCESS"):
            blocks.append(read_block(cursor))
        elif cursor.at("RESOURCE"):
            resources.append(_resource(cursor, blocks, read_block))
        elif cursor.at("TASK", "PROGRAM"):
            loose = _members(cursor, loose)
        else:
            _unexpected(cursor, "END_CONFIGURATION")
            break
    cursor.accept("END_CONFIGURATION")
    if loose.tasks or loose.programs:
        resources.insert(0, loose)
    return tree.Configuration(cursor.since(start), name, tuple(blocks), tuple(resources))


def _unexpected(cursor: Cursor, end: str) -> None:
    cursor.fault(f"expected VAR_GLOBAL, TASK, PROGRAM or {end}")
    cursor.skip_to(_ENDS | (UNIT_STARTS - {"PROGRAM", "VAR_GLOBAL"}))


def _resource(
    cursor: Cursor, blocks: list[tree.VarBlock], read_block: BlockReader
) -> tree.Resource:
    start = cursor.advance()
    token = cursor.name("the name of the RESOURCE")
    if cursor.current.kind is TokenKind.NAME and cursor.current.key == "ON":
        cursor.advance()
        cursor.name("the type of the RESOURCE after ON")
    name = tree.Name(cursor.span_of(token), token.text)
    resource = tree.Resource(cursor.since(start), name, (), ())
    while not cursor.at("END_RESOURCE"):
        if cursor.at("VAR_GLOBAL", "VAR_ACCESS"):
            blocks.append(read_block(cursor))
        elif cursor.at("TASK", "PROGRAM"):
            resource = _members(cursor, resource)
        else:
            _unexpected(cursor, "END_RESOURCE")
            break
    cursor.accept("END_RESOURCE")
    return resource


def _members(cursor: Cursor, resource: tree.Resource) -> tree.Resource:
    """Read one TASK or PROGRAM and return the resource with it."""
    tasks, programs = resource.tasks, resource.programs
    start, depth = cursor.current, cursor.depth
    try:
        if cursor.at("TASK"):
            tasks = (*tasks, _task(cursor))
        else:
            programs = (*programs, _program(cursor))
    except ResyncError:
        cursor.depth = depth
        if cursor.current is start:
            cursor.advance()
        cursor.skip_to({";", "TASK", "PROGRAM", *_ENDS})
        cursor.accept(";")
    return tree.Resource(resource.span, resource.name, tasks, programs)


def _task(cursor: Cursor) -> tree.TaskDeclaration:
    start = cursor.advance()
    token = cursor.name("the name of the TASK")
    cursor.expect("(", "before the properties of the TASK")
    properties: list[tuple[tree.Name, tree.Expression]] = []
    while not cursor.at(")"):
        key = cursor.name("INTERVAL, SINGLE or PRIORITY")
        cursor.expect(":=", "after the property's name")
        properties.append((tree.Name(cursor.span_of(key), key.text), expression(cursor)))
        if not cursor.accept(","):
            break
    cursor.expect(")", "to close the properties")
    span = cursor.since(start)
    _end(cursor)
    name = tree.Name(cursor.span_of(token), token.text)
    return tree.TaskDeclaration(span, name, tuple(properties))


def _program(cursor: Cursor) -> tree.ProgramInstance:
    start = cursor.advance()
    word = cursor.accept("RETAIN", "NON_RETAIN")
    token = cursor.name("the name of the program instance")
    task = None
    if cursor.accept("WITH"):
        with_token = cursor.name("the name of a TASK after WITH")
        task = tree.Name(cursor.span_of(with_token), with_token.text)
    cursor.expect(":", "before the type of the program instance")
    type_token = cursor.name("the name of a PROGRAM")
    arguments = _connections(cursor) if cursor.at("(") else ()
    span = cursor.since(start)
    _end(cursor)
    return tree.ProgramInstance(
        span,
        tree.Name(cursor.span_of(token), token.text),
        task,
        tree.Name(cursor.span_of(type_token), type_token.text),
        arguments,
        word.key if word is not None else "",
    )


def _connections(cursor: Cursor) -> tuple[tree.Argument, ...]:
    """Read what a program's inputs and outputs are tied to."""
    ahead = 1
    while cursor.peek(ahead).key not in {")", "WITH"} and cursor.peek(ahead).kind in _ARGUMENT:
        ahead += 1
    if cursor.peek(ahead).key == "WITH":
        text = "a function block cannot be given a task of its own"
        span = cursor.span_of(cursor.peek(ahead))
        cursor.findings.error("ST9001", span, text, "call it in a program of that task")
        raise ResyncError
    return call_arguments(cursor)


_ARGUMENT = frozenset(TokenKind) - {TokenKind.END}


def _end(cursor: Cursor) -> None:
    if not cursor.accept(";"):
        raise cursor.fault("expected ';'")
