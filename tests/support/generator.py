"""Well-typed random programs for hypothesis: variables of all elementary types, nested statements.

Divisions by zero, indices out of range and endless loops are left in: they must fault alike.
"""

import functools
from typing import Final

from hypothesis import strategies as st

from runtime.datatypes.elementary import ELEMENTARY, Elementary, Kind
from tests.support.programs import program

TYPES: Final = tuple(
    ELEMENTARY[name]
    for name in (
        "BOOL", "SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT", "BYTE", "WORD",
        "DWORD", "LWORD", "REAL", "LREAL", "TIME", "LTIME",
    )
)  # fmt: skip
INDEX_TYPES: Final = ("SINT", "INT", "DINT", "LINT", "USINT", "UINT")
_REALS: Final = (
    "0.0", "-0.0", "1.0", "-1.5", "0.1", "3.0E38", "1.0E-38", "16777217.0", "-2147483648.5", "0.5",
    "2.5", "1.0E300", "4.9E-324",
)  # fmt: skip


@functools.cache
def _literal(data_type: Elementary) -> st.SearchStrategy[str]:
    if data_type.kind is Kind.BOOL:
        return st.sampled_from(["TRUE", "FALSE"])
    if data_type.kind is Kind.REAL:
        texts = [text for text in _REALS if data_type.bits == 64 or "E" not in text or "38" in text]
        return st.sampled_from([f"{data_type}#{text}" for text in texts])
    edges = {0, 1, 2, 7, data_type.maximum, data_type.maximum // 2, data_type.minimum, -1}
    values = st.sampled_from(sorted(item for item in edges if item >= data_type.minimum))
    if data_type.kind is Kind.DURATION:
        return values.map(lambda value: f"{data_type}#{value}ns")
    return values.map(lambda value: f"{data_type}#{value}")


@functools.cache
def _variable(data_type: Elementary) -> st.SearchStrategy[str]:
    names = [f"{data_type}_{number}" for number in (1, 2)]
    if data_type.name == "DINT":
        index = st.sampled_from(INDEX_TYPES).map("TABLE1[{}_1]".format)
        return st.one_of(st.sampled_from(names), index)
    return st.sampled_from(names)


def _leaf(data_type: Elementary) -> st.SearchStrategy[str]:
    return st.one_of(_variable(data_type), _literal(data_type))


@functools.cache
def expressions(data_type: Elementary, depth: int) -> st.SearchStrategy[str]:
    """Return expressions of one type."""
    if depth == 0:
        return _leaf(data_type)
    same = expressions(data_type, depth - 1)
    pair = st.tuples(same, same)
    choices = [_leaf(data_type), _selected(data_type, depth), _converted(data_type, depth)]
    choices += _BY_KIND[data_type.kind](data_type, pair, depth)
    return st.one_of(choices)


Pairs = st.SearchStrategy[tuple[str, str]]
Choices = list[st.SearchStrategy[str]]


def _joined(pair: Pairs, operators: str) -> st.SearchStrategy[str]:
    symbols = st.sampled_from(operators.split())
    return st.builds(lambda two, symbol: f"({two[0]} {symbol} {two[1]})", pair, symbols)


def _called(pair: Pairs, functions: str) -> st.SearchStrategy[str]:
    names = st.sampled_from(functions.split())
    return st.builds(lambda two, name: f"{name}({two[0]}, {two[1]})", pair, names)


def _selected(data_type: Elementary, depth: int) -> st.SearchStrategy[str]:
    same = expressions(data_type, depth - 1)
    condition = expressions(ELEMENTARY["BOOL"], depth - 1)
    return st.builds("SEL({}, {}, {})".format, condition, same, same)


def _converted(data_type: Elementary, depth: int) -> st.SearchStrategy[str]:
    sources = [item for item in TYPES if item is not data_type]
    calls = [
        expressions(source, depth - 1).map((f"{source}_TO_{data_type}" + "({})").format)
        for source in sources
    ]
    return st.one_of(calls)


def _bool(_: Elementary, pair: Pairs, depth: int) -> Choices:
    operands = [expressions(item, depth - 1) for item in TYPES]
    return [
        _joined(pair, "AND OR XOR AND_THEN OR_ELSE"),
        st.one_of([_joined(st.tuples(item, item), "< <= > >= = <>") for item in operands]),
        expressions(ELEMENTARY["BOOL"], depth - 1).map("(NOT {})".format),
    ]


def _whole(data_type: Elementary, pair: Pairs, depth: int) -> Choices:
    same = expressions(data_type, depth - 1)
    single = [same.map("(-{})".format), same.map("ABS({})".format)]
    return [_joined(pair, "+ - * / MOD"), _called(pair, "MIN MAX"), *single]


def _unsigned(data_type: Elementary, pair: Pairs, depth: int) -> Choices:
    return _whole(data_type, pair, depth)


def _bits(data_type: Elementary, pair: Pairs, depth: int) -> Choices:
    same = expressions(data_type, depth - 1)
    count = expressions(ELEMENTARY["USINT"], 0)
    names = st.sampled_from(["SHL", "SHR", "ROL", "ROR"])
    return [
        _joined(pair, "AND OR XOR"),
        same.map("(NOT {})".format),
        st.builds("{}({}, {})".format, names, same, count),
    ]


def _real(data_type: Elementary, pair: Pairs, depth: int) -> Choices:
    same = expressions(data_type, depth - 1)
    names = st.sampled_from(["ABS", "SQRT", "SIN", "EXP", "LN", "ATAN"])
    return [
        _joined(pair, "+ - * /"),
        _called(pair, "MIN MAX EXPT"),
        same.map("(-{})".format),
        st.builds("{}({})".format, names, same),
    ]


def _duration(data_type: Elementary, pair: Pairs, depth: int) -> Choices:
    same = expressions(data_type, depth - 1)
    names = ("INT", "LREAL", "USINT")
    factor = st.one_of([expressions(ELEMENTARY[name], depth - 1) for name in names])
    return [_joined(pair, "+ -"), _joined(st.tuples(same, factor), "* /"), same.map("(-{})".format)]


_BY_KIND: Final = {
    Kind.BOOL: _bool,
    Kind.SIGNED: _whole,
    Kind.UNSIGNED: _unsigned,
    Kind.BITS: _bits,
    Kind.REAL: _real,
    Kind.DURATION: _duration,
}


@functools.cache
def _assignment(depth: int) -> st.SearchStrategy[str]:
    assignments = [
        st.builds("{} := {};".format, _variable(item), expressions(item, depth)) for item in TYPES
    ]
    return st.one_of(assignments)


@st.composite
def _if(draw: st.DrawFn, depth: int) -> str:
    conditions = expressions(ELEMENTARY["BOOL"], 2)
    inner = bodies(depth - 1)
    branches = [f"IF {draw(conditions)} THEN\n{draw(inner)}"]
    branches += [f"ELSIF {draw(conditions)} THEN\n{draw(inner)}"] * draw(st.integers(0, 1))
    branches += [f"ELSE\n{draw(inner)}"] * draw(st.integers(0, 1))
    return "\n".join([*branches, "END_IF;"])


@st.composite
def _case(draw: st.DrawFn, depth: int) -> str:
    data_type = ELEMENTARY[draw(st.sampled_from(["SINT", "INT", "DINT", "UINT", "BYTE"]))]
    inner = bodies(depth - 1)
    low, middle = data_type.minimum, draw(st.integers(2, 100))
    arms = [f"{low}: {draw(inner)}", f"0, 1: {draw(inner)}", f"{middle}..127: {draw(inner)}"]
    if low == 0:
        arms = arms[1:]
    selector = draw(expressions(data_type, 1))
    otherwise = f"ELSE {draw(inner)}" if draw(st.booleans()) else ""
    return "\n".join([f"CASE {selector} OF", *arms, otherwise, "END_CASE;"])


@st.composite
def _for(draw: st.DrawFn, depth: int) -> str:
    data_type = draw(st.sampled_from(["SINT", "INT", "DINT", "USINT", "LINT"]))
    ends = st.integers(-6, 6) if data_type != "USINT" else st.integers(0, 6)
    step = draw(
        st.sampled_from(["", " BY 2", " BY 5"] + ([" BY -1"] if data_type != "USINT" else []))
    )
    leave = f"IF {draw(expressions(ELEMENTARY['BOOL'], 1))} THEN {draw(_JUMPS)}; END_IF;\n"
    body = draw(bodies(depth - 1))
    head = f"FOR {data_type}_2 := {draw(ends)} TO {draw(ends)}{step} DO"
    return f"{head}\n{leave if draw(st.booleans()) else ''}{body}\nEND_FOR;"


_JUMPS: Final = st.sampled_from(["EXIT", "CONTINUE", "RETURN"])


@st.composite
def bodies(draw: st.DrawFn, depth: int) -> str:
    """Return one to four statements."""
    kinds = [_assignment(2)] * 3
    if depth > 0:
        kinds += [_if(depth), _case(depth), _for(depth)]
    return "\n".join(draw(st.lists(st.one_of(kinds), min_size=1, max_size=4)))


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Return whole programs; every variable starts with some value."""
    declared = [
        f"{data_type}_{number} : {data_type} := {draw(_literal(data_type))};"
        for data_type in TYPES
        for number in (1, 2)
    ]
    return program("\n".join([*declared, "TABLE1 : ARRAY [-2..3] OF DINT;"]), draw(bodies(2)))
