"""The table of clauses in the documentation is the one that the cases make."""

import pytest

from tests.conformance.clauses import PAGE, TITLES, clause_table
from tests.conformance.test_conformance import CASES
from tests.support.conformance import read_case


def test_the_documented_table_is_made_from_the_cases(request: pytest.FixtureRequest) -> None:
    table = clause_table()
    if request.config.getoption("--update-cases"):
        PAGE.write_text(table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == table, "run pytest --update-cases tests/conformance"


def test_every_title_belongs_to_a_clause_with_cases() -> None:
    assert {read_case(path).attributes["clause"] for path in CASES} == set(TITLES)
