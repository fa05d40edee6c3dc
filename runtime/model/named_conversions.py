"""Conversions by name (6.6.2.5.2): INT_TO_REAL, TO_REAL, REAL_TRUNC_INT, WORD_BCD_TO_UINT.

The source's type in a name converts the argument implicitly first; without it any type will do.
"""

import re
from typing import Final

from runtime.datatypes.elementary import (
    ELEMENTARY,
    LINT,
    LONG_NAMES,
    LWORD,
    ULINT,
    Elementary,
    Kind,
)
from runtime.model.checks import Checks, ordered_inputs
from runtime.model.coerce import coerce, settle
from runtime.model.constants import fold
from runtime.model.named_operators import converted_to
from runtime.model.program import CallStandard, Expression
from runtime.model.scope import Scope
from runtime.source import Span
from runtime.stdlib.conversions import BCD_TO_NUMBER, NUMBER_TO_BCD
from runtime.stdlib.library import FUNCTIONS
from runtime.syntax import tree

_NAMES: Final = (
    ("bcd in", re.compile(r"(?:([A-Z]+)_)?BCD_TO_([A-Z]+)")),
    ("bcd out", re.compile(r"(?:([A-Z]+)_)?TO_BCD_([A-Z]+)")),
    ("truncate", re.compile(r"(?:([A-Z]+)_)?TRUNC_([A-Z]+)")),
    ("convert", re.compile(r"(?:([A-Z]+)_)?TO_([A-Z]+)")),
)


def short_spelling(key: str) -> str:
    """Return a name with the short names of types: DATE_AND_TIME_TO_DATE is DT_TO_DATE."""
    for long, data_type in reversed(LONG_NAMES.items()):
        key = key.replace(long, data_type.name)
    return key


def check_conversion(
    node: tree.Call, key: str, scope: Scope, checks: Checks
) -> tuple[bool, Expression | None]:
    """Return whether the name is a conversion's, and the conversion unless something is wrong."""
    key = short_spelling(key)
    for kind, pattern in _NAMES:
        match = pattern.fullmatch(key)
        target = ELEMENTARY.get(match[2]) if match else None
        source = ELEMENTARY.get(match[1]) if match and match[1] else None
        if match is None or target is None or (match[1] and source is None):
            continue
        return True, _convert(node, kind, source, target, scope, checks)
    return False, None


def _convert(
    node: tree.Call,
    kind: str,
    source: Elementary | None,
    target: Elementary,
    scope: Scope,
    checks: Checks,
) -> Expression | None:
    inputs = ordered_inputs(node, scope, checks, ("IN",))
    if inputs is None:
        return None
    ((written, operand),) = inputs
    findings = scope.names.findings
    if source is None:
        value = settle(operand, written.span, findings)
    else:
        value = coerce(operand, source, written.span, findings)
    if value is None:
        return None
    value = fold(value)
    if not _is_defined(kind, value.type, target):
        _report(kind, value.type, target, written.span, scope)
        return None
    return _of_kind(kind, value, target)


def _of_kind(kind: str, value: Expression, target: Elementary) -> Expression:
    if kind == "truncate":
        return CallStandard(target, FUNCTIONS["TRUNC"], (value,))
    if kind == "bcd in":
        bits = converted_to(LWORD, value)
        return converted_to(target, CallStandard(ULINT, BCD_TO_NUMBER, (bits,)))
    if kind == "bcd out":
        number = converted_to(LINT, value)
        return converted_to(target, CallStandard(LWORD, NUMBER_TO_BCD, (number,)))
    return converted_to(target, value)


def _is_defined(kind: str, source: Elementary, target: Elementary) -> bool:
    if kind == "truncate":
        return source.kind is Kind.REAL and target.is_integer
    if kind == "bcd in":
        return source.kind is Kind.BITS and target.is_integer
    if kind == "bcd out":
        return source.is_integer and target.kind is Kind.BITS
    if source.is_time and target.is_time:
        return source.kind is target.kind or (source.kind, target.kind) in _BETWEEN_TIMES
    return True


_BETWEEN_TIMES: Final = frozenset(
    {
        (Kind.DATE_AND_TIME, Kind.DATE),
        (Kind.DATE_AND_TIME, Kind.TIME_OF_DAY),
        (Kind.DATE, Kind.DATE_AND_TIME),
        (Kind.TIME_OF_DAY, Kind.DURATION),
        (Kind.DURATION, Kind.TIME_OF_DAY),
    }
)


def _report(kind: str, source: Elementary, target: Elementary, span: Span, scope: Scope) -> None:
    word = {"truncate": "truncation", "convert": "conversion"}.get(kind, "BCD conversion")
    text = f"there is no {word} from {source} to {target}"
    hint = "expected REAL or LREAL into an integer type" if kind == "truncate" else ""
    scope.names.findings.error("ST3002", span, text, hint)
