"""What the statistics of a task say: lateness, jitter, execution, reaction."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from runtime.engine import native, plan
from runtime.engine.arena import Arena
from runtime.image import layout
from runtime.image.layout import Quality
from runtime.image.payloads import Sample
from runtime.image.statistics import TaskStatistics
from tests.support.handmade import Rig
from tests.support.plants import MS, Plant

RELEASE = 7_000_000_000
INTERVAL = 10_000_000


@pytest.fixture(scope="module")
def count_scan() -> Any:
    from runtime.engine import counting

    compiled: Any = counting.count_scan
    signature = native.Signature("i64", ("i64", "i64"))
    text = native.exported_ir(compiled.py_func, signature, "count_scan", depends_on="times")
    code = native.NativeCode(native.emit_object(native.parse_ir(text)))
    function = code.function("count_scan", ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    return lambda job, fault, _keep=code: function(job, fault)


class Counted:
    """A job's words and its statistics, without an engine."""

    def __init__(self, count: Any) -> None:
        self._count = count
        self._arena = Arena()
        self._job = self._arena.reserve(plan.JOB_BYTES)
        place = self._arena.reserve(layout.TASK_STATISTICS_BYTES)
        self._arena.map()
        words = {plan.JOB_STATISTICS: self._arena.base + place, plan.JOB_LATENESS_NS: -1}
        self._arena.put(self._job, words)
        self.statistics = TaskStatistics(memoryview(self._arena.memory)[place:])

    def scan(self, release: int, start: int, end: int = 0, **words: int) -> None:
        """Count a scan; `cause` and `committed` are when its reaction begins and ends."""
        self._arena.put(
            self._job,
            {
                plan.JOB_RELEASE_NS: release, plan.JOB_START_NS: start,
                plan.JOB_END_NS: end or start, plan.JOB_CAUSE_NS: words.get("cause", 0),
                plan.JOB_COMMITTED_NS: words.get("committed", 0),
            },
        )  # fmt: skip
        self._count(self._arena.base + self._job, words.get("fault", 0))


@pytest.fixture
def counted(count_scan: Any) -> Counted:
    return Counted(count_scan)


def test_jitter_is_the_distance_of_starts_less_that_of_releases(counted: Counted) -> None:
    counted.scan(1000, 1010)
    assert counted.statistics.jitter.copy().count == 0  # the first start has none before it
    counted.scan(2000, 2025)  # 1015 after the last start
    counted.scan(3000, 3005)  # 980
    counted.scan(4000, 4005)  # 1000
    jitter = counted.statistics.jitter.copy()
    assert (jitter.count, jitter.sum_ns, jitter.max_ns) == (3, 15 + 20 + 0, 20)


def test_a_skipped_release_is_no_jitter(counted: Counted) -> None:
    counted.scan(1000, 1003)
    counted.scan(4000, 4003)
    jitter = counted.statistics.jitter.copy()
    assert (jitter.count, jitter.max_ns) == (1, 0)


def test_lateness_and_execution_meet_at_the_start(counted: Counted) -> None:
    counted.scan(1000, 1030, 1100)
    assert counted.statistics.lateness.copy().max_ns == 30
    assert counted.statistics.execution.copy().max_ns == 70
    assert counted.statistics.scans == 1


def test_reaction_runs_from_its_cause_to_the_end_of_the_commit(counted: Counted) -> None:
    counted.scan(1000, 1010, 1020, cause=400, committed=1025)
    reaction = counted.statistics.reaction.copy()
    assert (reaction.count, reaction.max_ns) == (1, 625)


def test_a_scan_without_a_cause_or_with_a_fault_has_no_reaction(counted: Counted) -> None:
    counted.scan(1000, 1010, 1020, cause=0, committed=1025)
    counted.scan(2000, 2010, 2020, cause=1900, committed=2025, fault=1)
    assert counted.statistics.reaction.copy().count == 0
    assert counted.statistics.scans == 2


# -- in virtual time a scan takes no time ---------------------------------------------------------


def send(rig: Rig, source_ns: int) -> None:
    rig.send(*[Sample(0, source_ns, Quality.GOOD)] * 3, Sample(1, source_ns - 99, Quality.GOOD))


def test_only_a_scan_that_takes_a_newer_sample_reacts(rig: Rig) -> None:
    send(rig, RELEASE - 500)
    rig.engine.step(1, RELEASE)
    assert rig.statistics.reaction.copy().count == 0  # the sample stood there before the start
    rig.engine.step(3, RELEASE + INTERVAL)
    assert rig.statistics.reaction.copy().count == 0
    send(rig, RELEASE + 4 * INTERVAL - 3000)
    rig.engine.step(5, RELEASE + 4 * INTERVAL)
    reaction = rig.statistics.reaction.copy()
    assert (reaction.count, reaction.max_ns) == (1, 3000)


def test_a_publication_with_old_samples_is_no_cause(rig: Rig) -> None:
    send(rig, RELEASE - 500)
    rig.engine.step(1, RELEASE)
    send(rig, RELEASE - 500)
    rig.engine.step(1, RELEASE + INTERVAL)
    assert rig.statistics.reaction.copy().count == 0


def test_virtual_time_knows_no_lateness_and_no_jitter(rig: Rig) -> None:
    rig.engine.step(100, RELEASE)
    for histogram in (rig.statistics.lateness, rig.statistics.jitter, rig.statistics.execution):
        assert histogram.copy().max_ns == 0
    assert rig.statistics.jitter.copy().count == 99


EVENT = """
VAR_GLOBAL Go : BOOL; END_VAR
PROGRAM Source
VAR_EXTERNAL Go : BOOL; END_VAR
Go := NOT Go;
END_PROGRAM
PROGRAM Taker
VAR N : DINT; END_VAR
N := N + 1;
END_PROGRAM
"""
TASKS = """
[[task]]
name = "Source"
interval = "2ms"
programs = ["Source"]
[[task]]
name = "Taker"
single = "Go"
programs = ["Taker"]
"""


def test_every_scan_of_an_event_task_reacts_to_its_edge(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", EVENT, TASKS)
    plant.engine.step(4, MS, plant.task("Taker"))
    plant.engine.step(4, MS, plant.task("Source"))
    assert plant.statistics("Taker").reaction.copy().count == 4
    assert plant.statistics("Source").reaction.copy().count == 0
