"""Tasks of a CONFIGURATION and of `takt.toml`: what can be kept is accepted, all else is named."""

import pytest

from runtime.build import check_sources, compile_sources
from runtime.engine.settings import labels
from runtime.limits import TASKS_MAX
from runtime.project.plans import TaskPlan
from runtime.source import Source

WORK = "PROGRAM Work VAR N : INT; END_VAR N := N + 1; END_PROGRAM\n"


def configuration(body: str) -> tuple[Source, ...]:
    text = f"{WORK}CONFIGURATION C\nVAR_GLOBAL Go : BOOL; END_VAR\n{body}\nEND_CONFIGURATION"
    return (Source("c.st", text),)


def said(body: str) -> list[str]:
    """Return the errors of a configuration as `CODE: text`."""
    return [f"{item.code}: {item.message}" for item in check_sources(configuration(body)).findings]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("INTERVAL := T#-10ms", "ST2024: an interval of -10 ms cannot be kept"),
        ("INTERVAL := T#99us", "ST2024: an interval of 0.099 ms cannot be kept"),
        ("INTERVAL := T#1d", "ST2024: an interval of 24 h cannot be kept"),
        ("SINGLE := Go, INTERVAL := T#1ms", "ST2024: task T has INTERVAL and SINGLE"),
        ("INTERVAL := T#1ms, INTERVAL := T#2ms", "ST4003: INTERVAL is given twice"),
    ],
)
def test_a_release_that_cannot_be_kept_is_an_error(task: str, expected: str) -> None:
    assert said(f"TASK T({task}, PRIORITY := 1); PROGRAM P WITH T : Work;") == [expected]


@pytest.mark.parametrize(
    "task", ["INTERVAL := T#100us", "INTERVAL := T#1h", "SINGLE := Go, INTERVAL := T#0s", ""]
)
def test_the_bounds_of_an_interval_are_accepted(task: str) -> None:
    properties = ", ".join(part for part in (task, "PRIORITY := 1") if part)
    assert said(f"TASK T({properties}); PROGRAM P WITH T : Work;") == []


def test_two_tasks_of_one_resource_have_two_names() -> None:
    twice = "TASK T(PRIORITY := 1); TASK t(PRIORITY := 2);"
    assert said(f"RESOURCE R ON X {twice} END_RESOURCE") == ["ST2003: t is already a task of R"]
    assert said(twice) == ["ST2003: t is already a task"]


def test_two_resources_have_two_names() -> None:
    body = "RESOURCE R ON X PROGRAM P : Work; END_RESOURCE RESOURCE r ON Y END_RESOURCE"
    assert said(body) == ["ST2003: r is already a resource"]


def test_more_tasks_than_are_run_are_an_error() -> None:
    tasks = "".join(f"TASK T{n}(PRIORITY := 1);" for n in range(TASKS_MAX))
    assert said(tasks) == []
    assert said(f"{tasks} PROGRAM P : Work;") == [
        f"ST2024: the configuration has {TASKS_MAX + 1} tasks, expected at most {TASKS_MAX}"
    ]


def test_a_program_of_a_planned_task_is_listed_once() -> None:
    plans = (TaskPlan("A", ("Work",)), TaskPlan("B", ("WORK",)))
    (finding,) = check_sources((Source("w.st", WORK),), plans).findings
    assert finding.code == "ST2003"
    assert finding.message == "task B runs program WORK, which is listed before"


def test_tasks_of_one_name_in_two_resources_are_called_after_their_resources() -> None:
    body = "".join(
        f"RESOURCE {name} ON X TASK T(PRIORITY := 1); TASK {own}(PRIORITY := 1); END_RESOURCE\n"
        for name, own in (("Left", "A"), ("Right", "B"))
    )
    program = compile_sources(configuration(body), "test").program
    assert program is not None
    assert labels(program.tasks) == ("Left.T", "A", "Right.T", "B")
