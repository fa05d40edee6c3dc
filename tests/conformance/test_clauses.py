"""The table of clauses in the documentation is the one that the cases make."""

import pytest

from tests.conformance.clauses import PAGE, TITLES, clause_table
from tests.conformance.tables import HERE, STATUSES, Table, exists, read_tables
from tests.conformance.test_conformance import CASES
from tests.support.conformance import read_case


def test_the_documented_table_is_made_from_the_cases(request: pytest.FixtureRequest) -> None:
    table = clause_table()
    if request.config.getoption("--update-cases"):
        PAGE.write_text(table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == table, "run pytest --update-cases tests/conformance"


def test_every_title_belongs_to_a_clause_with_cases() -> None:
    assert {read_case(path).attributes["clause"] for path in CASES} == set(TITLES)


TABLES = read_tables()


@pytest.mark.parametrize("table", TABLES, ids=[table.number for table in TABLES])
def test_every_row_of_a_table_is_proved_by_cases(table: Table) -> None:
    for row in table.rows:
        assert row.status in STATUSES
        assert row.cases, f"row {row.number} names no case"
        missing = [case for case in row.cases if not exists(case)]
        assert not missing, f"row {row.number}: there is no {missing}"
        if row.status == "no":
            errors = [read_case(HERE / f"{case}.st").error for case in row.cases]
            assert any(errors), f"row {row.number}: no case shows the diagnostic"


def test_the_tables_are_those_of_the_textual_languages_in_their_order() -> None:
    assert [table.number for table in TABLES] == [str(number) for number in range(1, 73)]
    for table in TABLES:
        numbers = [row.number for row in table.rows]
        assert len(set(numbers)) == len(numbers), f"table {table.number} has a row twice"
