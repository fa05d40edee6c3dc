"""Findings: in source order, each once, bounded; and how one is shown."""

from runtime.diagnostics.diagnostic import Diagnostic, Findings, as_dict, caret_view, one_line
from runtime.limits import DIAGNOSTICS_MAX
from runtime.source import Source, Span
from tests.support.programs import codes_of, program

SOURCES = (Source("a.st", "one\n\ttwo three\n"), Source("b.st", "four"))


def test_findings_are_sorted_by_place() -> None:
    findings = Findings()
    findings.error("ST2001", Span(1, 0, 1), "third")
    findings.warning("ST5005", Span(0, 9, 10), "second")
    findings.note("ST1005", Span(0, 0, 1), "first")
    assert [item.message for item in findings.sorted()] == ["first", "second", "third"]
    assert findings.errors == 1


def test_the_same_finding_at_the_same_place_is_given_once() -> None:
    findings = Findings()
    findings.error("ST2001", Span(0, 0, 1), "once")
    findings.error("ST2001", Span(0, 0, 1), "twice")
    findings.error("ST2002", Span(0, 0, 1), "another")
    assert [item.message for item in findings.items] == ["once", "another"]


def test_no_more_findings_are_kept_than_the_limit_and_the_program_stays_wrong() -> None:
    lines = "\n".join(f"X{number} := 1;" for number in range(DIAGNOSTICS_MAX * 3))
    assert len(codes_of(program("Y : INT;", lines))) == DIAGNOSTICS_MAX


def test_a_finding_is_shown_with_its_line_and_help() -> None:
    finding = Diagnostic("ST2001", Span(0, 9, 14), "three is not declared", "declare it")
    assert one_line(finding, SOURCES) == "a.st:2:6: error ST2001: three is not declared"
    assert caret_view(finding, SOURCES).splitlines()[1:] == [
        "    2 | \ttwo three",
        "      | \t    ^^^^^",
        "      = help: declare it",
    ]


def test_carets_end_with_their_line() -> None:
    finding = Diagnostic("ST1002", Span(0, 5, 1000), "long")
    assert caret_view(finding, SOURCES).splitlines()[2] == "      | \t^^^^^^^^^"


def test_a_finding_at_the_end_of_the_text_is_shown() -> None:
    finding = Diagnostic("ST1101", Span(1, 4, 4), "expected more")
    assert caret_view(finding, SOURCES).splitlines()[1:] == ["    1 | four", "      |     ^"]


def test_a_finding_as_an_object_counts_lines_and_columns_from_1() -> None:
    finding = Diagnostic("ST2001", Span(0, 9, 14), "text")
    assert as_dict(finding, SOURCES) == {
        "file": "a.st", "line": 2, "column": 6, "severity": "error", "code": "ST2001",
        "message": "text",
    }  # fmt: skip
