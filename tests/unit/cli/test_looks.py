"""Looking again and again: what a page is given, and how it comes out."""

import json
from itertools import count

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtime.cli.looks import Fitting, Page, show


def counting_page() -> Page[int]:
    """Return a page that sees 1, 2, 3, ..."""
    numbers = count(1)
    return Page(
        lambda: next(numbers),
        lambda seen, before: Text(f"{before} then {seen}"),
        lambda seen: [{"seen": seen}, {"twice": 2 * seen}],
    )


def test_each_look_is_drawn_beside_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    show(counting_page(), 0.0, 3, as_json=False)
    assert capsys.readouterr().out == "None then 1\n1 then 2\n2 then 3\n"


def test_machines_get_a_line_for_each_document(capsys: pytest.CaptureFixture[str]) -> None:
    show(counting_page(), 0.0, 2, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"seen": 1}, {"twice": 2}, {"seen": 2}, {"twice": 4}]


def test_the_last_look_is_returned() -> None:
    assert show(counting_page(), 0.0, 4, as_json=True) == 4


def test_what_the_screen_does_not_hold_is_counted() -> None:
    page = Text("\n".join(map(str, range(10))))
    console = Console(width=60, height=4, record=True, force_terminal=True)
    console.print(Fitting(page), end="")
    assert console.export_text() == "0\n1\n2\n… 7 more lines: --looks 1 prints them all"


def test_what_the_screen_holds_is_shown_whole() -> None:
    console = Console(width=60, height=4, record=True, force_terminal=True)
    console.print(Fitting(Text("0\n1\n2\n3")), end="")
    assert console.export_text() == "0\n1\n2\n3"


def test_a_pipe_has_no_edge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table("name", "value", box=None)
    table.add_row("n" * 90, "v" * 60)
    show(Page(lambda: 0, lambda *_: table, lambda _: []), 0.0, 1, as_json=False)
    assert "n" * 90 + "  " + "v" * 60 in capsys.readouterr().out
