"""`takt put`: how a value on the command line is understood."""

import pytest

from runtime.artifact.program import Symbol
from runtime.cli.put import parse_value
from runtime.datatypes.elementary import ELEMENTARY
from runtime.errors import UsageError


def variable(kind: str) -> Symbol:
    return Symbol("MAIN.X", 64, ELEMENTARY[kind])


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("BOOL", "true", True), ("BOOL", "TRUE", True), ("BOOL", "False", False),
        ("INT", "-7", -7), ("LREAL", "2.5", 2.5), ("LREAL", "3", 3),
    ],
)  # fmt: skip
def test_a_value_is_read_as_json_or_as_st_writes_it(kind: str, text: str, expected: object) -> None:
    assert parse_value(variable(kind), text) == expected


@pytest.mark.parametrize(
    ("kind", "text"), [("BOOL", "yes"), ("INT", "TRUE"), ("INT", "40000"), ("LREAL", "much")]
)
def test_a_value_that_does_not_fit_is_refused_by_name(kind: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"MAIN.X = {text}: expected"):
        parse_value(variable(kind), text)
