"""Every case of the language runs compiled and interpreted, with the same bytes in each cycle."""

from pathlib import Path

import pytest

from tests.support.conformance import Case, find_cases, lines_of, read_case, value_of
from tests.support.programs import Inputs, Run, findings_of, run, same_json, sources_of

FOLDER = Path(__file__).parent
CASES = find_cases(FOLDER)


@pytest.mark.parametrize(
    "path", CASES, ids=[str(path.relative_to(FOLDER).with_suffix("")) for path in CASES]
)
def test_a_case_gives_what_its_header_says(path: Path) -> None:
    case = read_case(path)
    if case.error is not None:
        _check_rejected(case, case.error)
        return
    inputs: Inputs = case.settings
    done = run(*case.sources, cycles=case.cycles, period_ns=case.period_ns, inputs=inputs)
    if case.fault is not None:
        _check_fault(done, case.fault)
    else:
        assert len(done.cycles) == case.cycles, f"ended with {done.cycles[-1].fault}"
    _check_values(done, case)


def _check_rejected(case: Case, expected: dict[str, str]) -> None:
    lines, code = lines_of(expected["line"]), expected.get("code")
    sources = sources_of(*case.sources)
    found = [
        (item.code, sources[item.span.source].position(item.span.start).line, item.message)
        for item in findings_of(*case.sources)
        if item.severity == "error"
    ]
    assert any(
        (lines is None or line in lines) and code in {None, item} for item, line, _ in found
    ), f"expected {code or 'an error'} on line {expected['line']}, found {found}"


def _check_fault(done: Run, expected: dict[str, str]) -> None:
    site = done.fault
    found = {
        "cycle": str(done.cycles[-1].number),
        "kind": site.kind.label,
        "line": str(site.line),
    }
    assert found == found | expected


def _check_values(done: Run, case: Case) -> None:
    for cycle, name, value in case.expected:
        values = done.cycles[cycle - 1].values
        found = value_of(values, name)
        assert found is not None, f"{name} is not printed; there are {', '.join(values)}"
        assert same_json(found, value), f"cycle {cycle}: {name} is {found!r}, expected {value!r}"
    for name in case.absent:
        assert name not in done.last, f"{name} is printed"
