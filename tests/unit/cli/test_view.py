"""What the demo shows, from made-up observations."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from runtime.app.demo import DemoResult, Moment
from runtime.app.monitor import Observation
from runtime.app.tally import LevelTally
from runtime.artifact.abi import FaultKind
from runtime.cli.view import PlainView, bar, link_state, panel, percentiles, plain_line, summary
from runtime.image.layout import Link, LinkError, Quality
from tests.support.observations import CHILDREN, histogram, link_report, observation


def moment(seen: Observation | None) -> Moment:
    return Moment(12.5, 25.0, seen, CHILDREN, 9464)


def drawn(seen: Observation | None) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(panel(moment(seen)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_is_filled_in_proportion_and_marks_the_set_point() -> None:
    assert bar(50, 100, None, cells=10) == "█████░░░░░"
    assert bar(50, 100, 70, cells=10) == "█████░░┃░░"


@pytest.mark.parametrize(("value", "mark"), [(-5, -1), (0, 0), (100, 100), (400, 100)])
def test_a_bar_keeps_its_length_whatever_the_value(value: float, mark: float) -> None:
    assert len(bar(value, 100, max(mark, 0), cells=10)) == 10


def test_the_panel_shows_levels_set_points_lateness_link_and_processes() -> None:
    text = drawn(observation())
    for part in (
        "150.2 mm", "set-point 150 mm", "119.5 mm", "1 overruns", "p99.9", "all inputs good",
        "reaction", "gateway running", "http://127.0.0.1:9464/metrics", "12 s of 25 s",
    ):  # fmt: skip
        assert part in text


def test_the_panel_before_the_first_scan_says_what_it_waits_for() -> None:
    assert "being compiled" in drawn(None)


def test_the_panel_shows_the_disturbance_and_the_alarm() -> None:
    text = drawn(observation(values={"MAIN.DRAINOPEN": True, "MAIN.LEVELALARM": True}))
    assert "DRAIN OPEN" in text
    assert "LEVEL ALARM" in text


def test_inputs_that_are_not_good_are_counted() -> None:
    assert "1 inputs not good" in drawn(observation(quality=Quality.STALE))
    assert "1 inputs not good" in plain_line(moment(observation(quality=Quality.STALE)))


def test_a_link_that_is_down_says_why_and_a_dead_gateway_hides_it() -> None:
    down = link_report(Link.CONNECTING, LinkError.REFUSED)
    assert link_state(down, gateway_alive=True) == "connecting (refused)"
    assert link_state(link_report(), gateway_alive=True) == "up"
    assert link_state(link_report(), gateway_alive=False) == "no gateway"


def test_a_device_that_refuses_something_is_not_simply_up() -> None:
    refusing = link_report(Link.UP, LinkError.EXCEPTION)
    assert link_state(refusing, gateway_alive=True) == "up (exception)"


def test_the_plain_view_writes_every_fifth_moment(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView()
    for _ in range(11):
        view.show(moment(observation()))
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_plain_view_says_once_that_the_program_is_being_compiled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = PlainView()
    for _ in range(11):
        view.show(replace(moment(observation()), observation=None))
    view.show(moment(observation()))
    for _ in range(10):
        view.show(moment(observation()))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "starting: the program is being compiled"
    assert ["starting" in line for line in lines[1:]] == [False, False]


def test_the_summary_tells_how_well_the_level_was_held() -> None:
    tally = LevelTally(calm_mm_max=1.04, disturbed_mm_max=13.6, recovery_s_max=5.2, disturbances=1)
    text = summary(DemoResult(moment(observation()), tally, 0))
    assert "held within 1.0 mm" in text
    assert "by 13.6 mm at most; back within 5 mm after 5.2 s" in text
    assert "1234 of 10 ms, 1 overruns" in text
    assert "reaction" in text


def test_the_summary_names_a_fault_of_the_program() -> None:
    seen = replace(observation(), fault=FaultKind.ZERO_DIVISION)
    text = summary(DemoResult(moment(seen), LevelTally(), 3))
    assert "division-by-zero in cycle 1234" in text


def test_percentiles_of_nothing_are_not_shown_as_zero() -> None:
    assert percentiles(histogram()) == "none yet"


def test_the_summary_of_a_demo_without_a_scan_says_so() -> None:
    result = DemoResult(moment(None), LevelTally(), 0)
    assert summary(result) == "The demo was ended before its first scan."
