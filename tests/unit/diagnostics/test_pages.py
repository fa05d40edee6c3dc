"""Every diagnostic has a page; its failing program gives that code, its mended one gives none."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

import runtime
from runtime.build import check_sources
from runtime.diagnostics.codes import TITLES
from runtime.project.plans import TaskPlan
from tests.support.programs import sources_of

PAGES = {
    item.name.removesuffix(".md"): item.read_text(encoding="utf-8")
    for item in (files("runtime.diagnostics") / "pages").iterdir()
}
_PROGRAM = re.compile(r"^```st (fail|pass)( in a project)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_STANDS_FOR = re.compile(r"\{(\d+) \* \"(.)\"\}")
_CODE = re.compile(r"\"(ST\d{4})\"")


def programs_of(code: str) -> dict[str, str]:
    """Return the programs of a page by `fail` and `pass`."""
    return {match[1]: match[3] for match in _PROGRAM.finditer(PAGES[code])}


def codes_found(code: str, kind: str) -> set[str]:
    """Return the codes that the compiler finds in a page's program."""
    is_project = f"```st {kind} in a project" in PAGES[code]
    text = _STANDS_FOR.sub(lambda match: int(match[1]) * match[2], programs_of(code)[kind])
    plans = (TaskPlan("MAIN", ("MAIN",)),) if is_project else None
    return {item.code for item in check_sources(sources_of(text), plans).findings}


def test_every_code_in_the_sources_has_a_title_and_every_title_is_in_use() -> None:
    folder = Path(runtime.__file__).parent
    used = {
        code
        for path in folder.rglob("*.py")
        if path.name != "codes.py"
        for code in _CODE.findall(path.read_text(encoding="utf-8"))
    }
    assert sorted(used) == sorted(TITLES)


def test_every_title_has_a_page_and_every_page_a_title() -> None:
    assert sorted(PAGES) == sorted(TITLES)


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_begins_with_its_code_and_title(code: str) -> None:
    assert PAGES[code].splitlines()[0] == f"# {code}: {TITLES[code]}"


@pytest.mark.parametrize("code", sorted(PAGES))
def test_the_failing_program_of_a_page_gives_exactly_its_code(code: str) -> None:
    assert codes_found(code, "fail") == {code}


@pytest.mark.parametrize("code", sorted(PAGES))
def test_the_mended_program_of_a_page_gives_nothing(code: str) -> None:
    assert codes_found(code, "pass") == set()


@pytest.mark.parametrize("code", sorted(PAGES))
def test_a_page_fits_a_terminal(code: str) -> None:
    assert max(len(line) for line in PAGES[code].splitlines()) <= 110
