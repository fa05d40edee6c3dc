"""Declarations: program organisation units, VAR sections, types and initial values (6.5, 6.6)."""

from dataclasses import dataclass, field, replace
from typing import Final

from runtime.syntax import tree
from runtime.syntax.parser.classes import Readers, heritage, members, modifiers
from runtime.syntax.parser.configuration import configuration
from runtime.syntax.parser.cursor import UNIT_STARTS, Cursor, ResyncError
from runtime.syntax.parser.expressions import expression, postfix
from runtime.syntax.parser.notations import notation
from runtime.syntax.parser.statements import statements
from runtime.syntax.tokens import Token, TokenKind

_SECTIONS: Final = (
    "VAR", "VAR_INPUT", "VAR_OUTPUT", "VAR_IN_OUT", "VAR_TEMP", "VAR_EXTERNAL", "VAR_GLOBAL",
    "VAR_STAT", "VAR_INST", "VAR_CONFIG", "VAR_ACCESS",
)  # fmt: skip
_QUALIFIERS: Final = (
    "CONSTANT", "RETAIN", "NON_RETAIN", "PERSISTENT", "PUBLIC", "PROTECTED", "PRIVATE",
)  # fmt: skip
_DIRECTIONS: Final = ("READ_ONLY", "READ_WRITE")
_EDGES: Final = ("R_EDGE", "F_EDGE")
_POU_ENDS: Final = {
    "PROGRAM": "END_PROGRAM",
    "FUNCTION": "END_FUNCTION",
    "FUNCTION_BLOCK": "END_FUNCTION_BLOCK",
    "CLASS": "END_CLASS",
    "INTERFACE": "END_INTERFACE",
}
_UNITS: Final = (
    "PROGRAM, FUNCTION, FUNCTION_BLOCK, CLASS, INTERFACE, TYPE, VAR_GLOBAL, NAMESPACE or "
    "CONFIGURATION"
)
_UNIT_ENDS: Final = frozenset(_POU_ENDS.values()) | {"END_TYPE"}


@dataclass(slots=True)
class _Contents:
    """What a source declares, and the namespaces around the place that is read."""

    pous: list[tree.Pou] = field(default_factory=list)
    types: list[tree.TypeDeclaration] = field(default_factory=list)
    blocks: list[tree.VarBlock] = field(default_factory=list)
    configurations: list[tree.Configuration] = field(default_factory=list)
    around: list[str] = field(default_factory=list)
    """Full names of the open namespaces, the outermost first."""
    using: list[str] = field(default_factory=list)
    internal: list[str] = field(default_factory=list)

    @property
    def within(self) -> tuple[str, ...]:
        """The namespaces in which names are looked up, the nearest first."""
        return (*reversed(self.around), *self.using)

    def named(self, name: tree.Name) -> tree.Name:
        """Return the full name of what is declared here."""
        if not self.around:
            return name
        return tree.Name(name.span, f"{self.around[-1]}.{name.name}")


def unit(cursor: Cursor) -> tree.Unit:
    """Read a whole source."""
    read = _Contents()
    while cursor.current.kind is not TokenKind.END:
        start = cursor.current
        try:
            _declaration(cursor, read)
        except ResyncError:
            cursor.depth = 0
            if cursor.current is start:
                cursor.advance()
            cursor.skip_to(UNIT_STARTS | _UNIT_ENDS)
            while cursor.accept(*_UNIT_ENDS):
                pass
    return tree.Unit(
        tuple(read.pous),
        tuple(read.types),
        tuple(read.blocks),
        tuple(read.configurations),
        tuple(read.internal),
    )


def _declaration(cursor: Cursor, read: _Contents) -> None:
    if cursor.at(*_POU_ENDS):
        pou, using = _pou(cursor)
        within = (*read.within[: len(read.around)], *using, *read.using)
        read.pous.append(replace(pou, name=read.named(pou.name), within=within))
    elif cursor.at("TYPE"):
        read.types += [
            replace(item, name=read.named(item.name), within=read.within) for item in _types(cursor)
        ]
    elif cursor.at("VAR_GLOBAL"):
        read.blocks.append(_var_block(cursor))
    elif cursor.at("CONFIGURATION"):
        read.configurations.append(configuration(cursor, _var_block))
    elif cursor.at("USING"):
        read.using += _using(cursor)
    elif cursor.accept("NAMESPACE"):
        _open_namespace(cursor, read)
    elif read.around and cursor.accept("END_NAMESPACE"):
        read.around.pop()
    else:
        raise cursor.fault(f"expected {_UNITS}")


def _open_namespace(cursor: Cursor, read: _Contents) -> None:
    internal = cursor.current.key == "INTERNAL"
    if internal:
        cursor.advance()
    name = cursor.dotted_name("the name of the NAMESPACE", "a name after '.'")
    read.around.append(f"{read.around[-1]}.{name}" if read.around else name)
    if internal:
        read.internal.append(read.around[-1])


def _using(cursor: Cursor) -> list[str]:
    """Read `USING a.b, c;` directives."""
    found: list[str] = []
    while cursor.accept("USING"):
        found.append(cursor.dotted_name("the name of a namespace", "a name after '.'"))
        while cursor.accept(","):
            found.append(cursor.dotted_name("the name of a namespace", "a name after '.'"))
        cursor.expect(";", "after USING")
    return found


def _pou(cursor: Cursor) -> tuple[tree.Pou, list[str]]:
    """Read a unit; return it with the namespaces that it uses."""
    start = cursor.advance()
    words = modifiers(cursor)
    token = cursor.name(f"the name of the {start.key}")
    name = tree.Name(cursor.span_of(token), token.text)
    family = heritage(cursor)
    readers = Readers(_var_block, type_spec)
    result = None
    if start.key == "FUNCTION" and cursor.accept(":"):
        result = type_spec(cursor)
        cursor.accept(";")
    using = _using(cursor)
    blocks: list[tree.VarBlock] = []
    while cursor.at(*_SECTIONS):
        blocks.append(_var_block(cursor))
    methods = members(cursor, readers)
    while cursor.at(*_SECTIONS):  # sections may stand behind methods too
        blocks.append(_var_block(cursor))
        methods += members(cursor, readers)
    other = notation(cursor)
    body = statements(cursor) if other is None else ()
    end = _POU_ENDS[start.key]
    while not cursor.at(end):
        if cursor.at("METHOD", "PROPERTY"):  # behind the body, where CODESYS exports them
            methods += members(cursor, readers)
            body += statements(cursor)
            continue
        if cursor.at(*UNIT_STARTS, *_UNIT_ENDS) or cursor.current.kind is TokenKind.END:
            cursor.fault(f"expected {end} to close {start.key} {token.text}")
            break
        cursor.fault("expected a statement", "this word closes nothing that is open here")
        cursor.advance()
        cursor.accept(";")
        body += statements(cursor)
    cursor.accept(end)
    span = cursor.since(start)
    unit_read = tree.Pou(
        span, start.key, name, result, tuple(blocks), body, other, words, family, methods
    )
    return unit_read, using


def _var_block(cursor: Cursor) -> tree.VarBlock:
    start = cursor.advance()
    qualifiers: list[str] = []
    while cursor.at(*_QUALIFIERS) or _is_internal(cursor):
        qualifiers.append(cursor.advance().key)
    variables: list[tree.Variable] = []
    while not cursor.at("END_VAR"):
        if cursor.current.kind is TokenKind.END or cursor.at(*UNIT_STARTS, *_SECTIONS):
            cursor.fault(f"expected END_VAR to close {start.key}")
            break
        variables += _recovering_variables(cursor, start.key)
    cursor.accept("END_VAR")
    cursor.accept(";")
    span = cursor.since(start)
    return tree.VarBlock(span, start.key, tuple(qualifiers), tuple(variables))


def _is_internal(cursor: Cursor) -> bool:
    """Whether INTERNAL is a qualifier here, and not the name of the first variable."""
    return cursor.current.key == "INTERNAL" and cursor.peek().key not in {":", ",", "AT"}


def _recovering_variables(cursor: Cursor, section: str = "") -> list[tree.Variable]:
    start, depth = cursor.current, cursor.depth
    try:
        return [_access(cursor)] if section == "VAR_ACCESS" else _variables(cursor)
    except ResyncError:
        cursor.depth = depth
        if cursor.current is start:
            cursor.advance()
        cursor.skip_to({";", "END_VAR", "END_STRUCT", "END_UNION", *UNIT_STARTS, *_UNIT_ENDS})
        cursor.accept(";")
        return []


def _variables(cursor: Cursor) -> list[tree.Variable]:
    """Read `a, b : INT := 1;` or `a AT %IX0.0 : BOOL;` or `AT %IX0.0 : BOOL;`."""
    names: list[tuple[Token, str, tree.Direct | None]] = []
    while True:
        token, name = cursor.current, ""
        if not cursor.at("AT"):  # dots make a path, in VAR_CONFIG
            name = cursor.dotted_name("the name of a variable", "the next name of the path")
        names.append((token, name, _address(cursor)))
        if not cursor.accept(","):
            break
    cursor.expect(":", "before the type")
    data_type = type_spec(cursor)
    edge = cursor.advance().key if cursor.current.key in _EDGES else ""
    initial = initial_value(cursor) if cursor.accept(":=") else None
    _end_of_declaration(cursor)
    return [
        tree.Variable(
            cursor.span_of(token),
            name,
            data_type,
            initial,
            address,
            edge,
        )
        for token, name, address in names
    ]


def _access(cursor: Cursor) -> tree.Variable:
    """Read `name : path : type READ_WRITE;`."""
    token = cursor.name("the name by which a variable is accessed")
    cursor.expect(":", "before the path")
    path = postfix(cursor)
    cursor.expect(":", "before the type")
    data_type = type_spec(cursor)
    direction = cursor.advance().key if cursor.current.key in _DIRECTIONS else _DIRECTIONS[0]
    _end_of_declaration(cursor)
    span = cursor.span_of(token)
    return tree.Variable(span, token.text, data_type, None, None, path=path, direction=direction)


def _end_of_declaration(cursor: Cursor) -> None:
    """Read `;`; where the next declaration begins instead, this one is kept all the same."""
    if cursor.accept(";"):
        return
    fault = cursor.missing("expected ';' after the declaration")
    if cursor.current.kind is not TokenKind.NAME and not cursor.is_keyword():
        raise fault


def _address(cursor: Cursor) -> tree.Direct | None:
    if not cursor.accept("AT"):
        return None
    token = cursor.current
    if token.kind is not TokenKind.DIRECT:
        raise cursor.fault("expected an address such as %IX0.0 after AT")
    cursor.advance()
    return tree.Direct(cursor.span_of(token), token.text)


def type_spec(cursor: Cursor) -> tree.TypeSpec:
    """Read a type: a name, an array, a structure, an enumeration or a reference."""
    start = cursor.current
    cursor.enter()
    read = _type_spec(cursor, start)
    cursor.leave()
    return read


def _type_spec(cursor: Cursor, start: Token) -> tree.TypeSpec:
    if cursor.accept("ARRAY"):
        return _array(cursor, start)
    if cursor.accept("STRUCT", "UNION"):
        return _struct(cursor, start)
    if cursor.at("("):
        return _enumeration(cursor, start, None)
    if cursor.accept("REF_TO"):
        return tree.ReferenceType(cursor.since(start), "REF_TO", type_spec(cursor))
    if cursor.at("REFERENCE", "POINTER"):
        word = cursor.advance()
        cursor.expect("TO", f"after {word.key}")
        return tree.ReferenceType(cursor.since(start), f"{word.key} TO", type_spec(cursor))
    return _named(cursor)


def _named(cursor: Cursor) -> tree.TypeSpec:
    """Read `name`, `name (lower..upper)` or `name (A := 1, B := 2)`."""
    start = cursor.current
    text = cursor.dotted_name("a type", "a type after '.'")
    if cursor.at("[") or (cursor.at("(") and start.key in {"STRING", "WSTRING", "USTRING"}):
        closing = "]" if cursor.advance().key == "[" else ")"
        length = expression(cursor)
        cursor.expect(closing, "to close the length")
        return tree.NamedType(cursor.since(start), text, length)
    name = tree.NamedType(cursor.since(start), text)
    if not cursor.at("("):
        return name
    if cursor.peek().kind is TokenKind.NAME and cursor.peek(2).key in {",", ")", ":="}:
        return _enumeration(cursor, start, name)
    cursor.advance()
    lower, upper = _range(cursor)
    cursor.expect(")", "to close the subrange")
    return tree.SubrangeType(cursor.since(start), name, lower, upper)


def _enumeration(cursor: Cursor, start: Token, base: tree.NamedType | None) -> tree.TypeSpec:
    cursor.expect("(", "before the values")
    values: list[tuple[tree.Name, tree.Expression | None]] = []
    while True:
        token = cursor.name("the name of a value")
        value = expression(cursor) if cursor.accept(":=") else None
        values.append((tree.Name(cursor.span_of(token), token.text), value))
        if not cursor.accept(","):
            break
    cursor.expect(")", "to close the values")
    if base is None and cursor.current.kind is TokenKind.NAME:
        base_token = cursor.advance()  # (A, B) UINT, as CODESYS writes it
        base = tree.NamedType(cursor.span_of(base_token), base_token.text)
    return tree.EnumType(cursor.since(start), base, tuple(values))


def _array(cursor: Cursor, start: Token) -> tree.TypeSpec:
    cursor.expect("[", "after ARRAY")
    ranges: list[tuple[tree.Expression, tree.Expression] | None] = []
    while True:
        ranges.append(None if cursor.accept("*") else _range(cursor))
        if not cursor.accept(","):
            break
    cursor.expect("]", "to close the bounds")
    cursor.expect("OF", "after the bounds")
    element = type_spec(cursor)
    return tree.ArrayType(cursor.since(start), tuple(ranges), element)


def _range(cursor: Cursor) -> tuple[tree.Expression, tree.Expression]:
    lower = expression(cursor)
    cursor.expect("..", "between the bounds")
    return lower, expression(cursor)


def _struct(cursor: Cursor, start: Token) -> tree.StructType:
    members: list[tree.Variable] = []
    end = f"END_{start.key}"
    overlaps = cursor.current.key == "OVERLAP" and cursor.peek().key not in {":", ",", "AT"}
    if overlaps:
        cursor.advance()
    while not cursor.at(end):
        if cursor.current.kind is TokenKind.END or cursor.at(*UNIT_STARTS, *_UNIT_ENDS):
            raise cursor.fault(f"expected {end} to close {start.key}")
        members += _recovering_variables(cursor)
    cursor.advance()
    return tree.StructType(cursor.since(start), tuple(members), start.key == "UNION", overlaps)


def initial_value(cursor: Cursor) -> tree.Initial:
    """Read an expression, `[…]` for an array or `(name := …)` for a structure."""
    cursor.enter()
    read = _initial_value(cursor, cursor.current)
    cursor.leave()
    return read


def _initial_value(cursor: Cursor, start: Token) -> tree.Initial:
    if cursor.accept("["):
        items = [_array_item(cursor)]
        while cursor.accept(","):
            items.append(_array_item(cursor))
        cursor.expect("]", "to close the array's values")
        return tree.ArrayInit(cursor.since(start), tuple(items))
    if cursor.at("(") and cursor.peek().kind is TokenKind.NAME and cursor.peek(2).key == ":=":
        cursor.advance()
        members = [_struct_member(cursor)]
        while cursor.accept(","):
            members.append(_struct_member(cursor))
        cursor.expect(")", "to close the structure's values")
        return tree.StructInit(cursor.since(start), tuple(members))
    return expression(cursor)


def _array_item(cursor: Cursor) -> tuple[tree.Expression | None, tree.Initial]:
    """Read `value` or `count(value)`."""
    repeated = cursor.current.kind is TokenKind.INTEGER and cursor.peek().key == "("
    if not repeated:
        return None, initial_value(cursor)
    token = cursor.advance()
    count = tree.Literal(cursor.span_of(token), "integer", token.text)
    if cursor.peek().kind is TokenKind.NAME and cursor.peek(2).key == ":=":
        return count, initial_value(cursor)
    cursor.advance()
    value = initial_value(cursor)
    cursor.expect(")", "to close the repeated value")
    return count, value


def _struct_member(cursor: Cursor) -> tuple[tree.Name, tree.Initial]:
    token = cursor.name("the name of a member")
    cursor.expect(":=", "after the member's name")
    return tree.Name(cursor.span_of(token), token.text), initial_value(cursor)


def _types(cursor: Cursor) -> list[tree.TypeDeclaration]:
    cursor.advance()
    declared: list[tree.TypeDeclaration] = []
    while not cursor.at("END_TYPE"):
        start = cursor.name("the name of a type, or END_TYPE")
        name = tree.Name(cursor.span_of(start), start.text)
        base = _named(cursor) if cursor.accept("EXTENDS") else None
        cursor.expect(":", "after the type's name")
        spec = type_spec(cursor)
        if isinstance(base, tree.NamedType) and isinstance(spec, tree.StructType):
            spec = replace(spec, base=base)
        elif base is not None:
            text = "only a STRUCT can extend another one"
            cursor.findings.error("ST1101", base.span, text)
        initial = initial_value(cursor) if cursor.accept(":=") else None
        if not cursor.accept(";") and not isinstance(spec, tree.StructType):
            cursor.fault("expected ';' after the type")
        declared.append(tree.TypeDeclaration(cursor.since(start), name, spec, initial))
    cursor.advance()
    return declared
