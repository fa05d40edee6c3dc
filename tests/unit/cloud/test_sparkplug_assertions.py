"""The table of the specification's assertions is whole, and its tests are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "sparkplug_assertions.tsv"
ASSERTIONS = 299
"""What the specification 3.0 marks as testable."""


def rows() -> list[tuple[str, str, str]]:
    """Return identity, state and tests or reason of each assertion."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    found = [tuple(line.split("\t")) for line in lines]
    assert all(len(row) == 3 for row in found)
    return [(row[0], row[1], row[2]) for row in found]


def test_every_assertion_stands_in_the_table_once() -> None:
    identities = [identity for identity, _, _ in rows()]
    assert len(set(identities)) == len(identities) == ASSERTIONS
    assert all(identity.startswith("tck-id-") for identity in identities)


def test_an_assertion_has_tests_that_are_there_or_a_reason() -> None:
    files = [*HERE.glob("test_*.py"), HERE.parents[1] / "system" / "test_sparkplug_uplink.py"]
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    for identity, state, text in rows():
        assert state in {"covered", "not ours"}, identity
        assert text, identity
        if state == "covered":
            assert set(text.split(", ")) <= there, (identity, set(text.split(", ")) - there)
