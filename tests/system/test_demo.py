"""One demo, recorded: the level through a disturbance, then the gateway killed, then the plant.

The records are what the program saw and did, from the process image, every 100 ms.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.support.demo import Demo, Record, start_demo

pytestmark = pytest.mark.system

BAND_MM = 5.0
INTERVAL_NS = 10_000_000
SENSORS = tuple(f"%IW{number}" for number in range(7))


def deviation(record: Record) -> float:
    values = record["values"]
    return abs(float(values["MAIN.LOWERLEVEL"] - values["MAIN.LOWERSETPOINT"]))


def is_disturbed(record: Record) -> bool:
    return record["values"]["MAIN.DRAINOPEN"] is True


def is_controlling(record: Record) -> bool:
    good = all(quality == "GOOD" for quality in record["qualities"].values())
    values = record["values"]
    return good and values["MAIN.PUMPON"] is True and values["MAIN.PUMPRUNS"] is True


@dataclass
class Story:
    """What happened when, in ns of the recording's clock."""

    records: list[Record]
    opened_ns: int
    closed_ns: int
    settled_ns: int
    gateway_killed_ns: int
    gateway_back_ns: int
    plant_killed_ns: int
    level_back_ns: int
    exit_status: int
    output: str

    def between(self, start_ns: int, end_ns: int) -> list[Record]:
        found = [record for record in self.records if start_ns <= record["time_ns"] <= end_ns]
        assert found
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    demo = start_demo(tmp_path_factory.mktemp("demo"))
    try:
        yield tell(demo)
    finally:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.communicate(timeout=30)


def tell(demo: Demo) -> Story:
    opened = demo.wait_for(is_disturbed, 60, "the disturbance")
    closed = demo.wait_for(lambda record: not is_disturbed(record), 30, "its end")
    settled_ns = closed["time_ns"] + 9_000_000_000
    demo.wait_for(lambda record: record["time_ns"] >= settled_ns, 30, "the level to settle")
    gateway_killed_ns = demo.kill("gateway")
    demo.wait_for(lambda record: not is_controlling(record), 30, "the loss of the gateway")
    gateway_back = demo.wait_for(is_controlling, 30, "control through a new gateway")
    plant_killed_ns = demo.kill("plant")
    demo.wait_for(lambda record: not is_controlling(record), 30, "the loss of the plant")
    demo.wait_for(is_controlling, 30, "control of a new plant")
    level_back = demo.wait_for(lambda record: deviation(record) < BAND_MM, 30, "the level")
    output = demo.end()
    return Story(
        demo.records, opened["time_ns"], closed["time_ns"], settled_ns, gateway_killed_ns,
        gateway_back["time_ns"], plant_killed_ns, level_back["time_ns"],
        demo.process.returncode, output,
    )  # fmt: skip


def test_the_level_is_in_its_band_before_the_disturbance(story: Story) -> None:
    calm = story.between(story.opened_ns - 3_000_000_000, story.opened_ns - 1)
    assert max(map(deviation, calm)) < BAND_MM


def test_the_disturbance_moves_the_level_visibly(story: Story) -> None:
    disturbed = story.between(story.opened_ns, story.closed_ns)
    assert max(map(deviation, disturbed)) > 1.5 * BAND_MM


def test_the_level_is_back_in_its_band_after_the_disturbance(story: Story) -> None:
    after = story.between(story.settled_ns - 1_500_000_000, story.gateway_killed_ns)
    assert max(map(deviation, after)) < BAND_MM


def outages(story: Story) -> dict[str, list[Record]]:
    return {
        "gateway": story.between(story.gateway_killed_ns, story.gateway_back_ns),
        "plant": story.between(story.plant_killed_ns, story.level_back_ns),
    }


@pytest.mark.parametrize("victim", ["gateway", "plant"])
def test_the_scan_goes_on_without_a_gap(story: Story, victim: str) -> None:
    records = outages(story)[victim]
    cycles = [record["cycle"] for record in records]
    assert all(later > earlier for earlier, later in pairwise(cycles))
    first, last = records[0], records[-1]
    scans = last["cycle"] - first["cycle"]
    skipped = last["tasks"]["Control"]["skipped"] - first["tasks"]["Control"]["skipped"]
    # The skip counter is read a moment after the frame, so it may be one scan ahead.
    releases = (last["release_ns"] - first["release_ns"]) // INTERVAL_NS
    assert abs(scans + skipped - releases) <= 1
    assert skipped <= scans // 20
    assert first["processes"]["runtime"] == last["processes"]["runtime"]


@pytest.mark.parametrize("victim", ["gateway", "plant"])
def test_inputs_are_marked_and_the_substitute_policy_acts(story: Story, victim: str) -> None:
    marked = [
        record
        for record in outages(story)[victim]
        if all(quality in {"STALE", "BAD"} for quality in record["qualities"].values())
    ]
    assert marked
    assert all(record["mode"] == "RUNNING" for record in marked)
    held = {record["values"]["MAIN.LOWERLEVEL"] for record in marked[1:]}
    assert len(held) <= 1, "sensors hold their last value"
    assert all(not record["values"]["MAIN.PUMPON"] for record in marked[1:])


def test_after_the_gateways_death_the_supervisor_brings_control_back(story: Story) -> None:
    before, *_, after = outages(story)["gateway"]
    assert after["processes"]["gateway"]["restarts"] >= 1
    assert after["processes"]["gateway"]["pid"] != before["processes"]["gateway"]["pid"]
    assert after["processes"]["plant"] == before["processes"]["plant"]
    assert after["values"]["MAIN.PUMPON"] is True


def test_after_the_plants_death_the_level_of_the_new_plant_comes_up(story: Story) -> None:
    records = outages(story)["plant"]
    assert records[-1]["processes"]["plant"]["restarts"] >= 1
    assert min(record["values"]["MAIN.LOWERLEVEL"] for record in records) < 20
    assert deviation(records[-1]) < BAND_MM
    assert records[-1]["links"]["plant"]["reconnects"] >= 1


def test_ctrl_c_ends_the_demo_with_a_summary_and_status_0(story: Story) -> None:
    assert story.exit_status == 0, story.output
    assert "held within" in story.output
    assert "disturbed" in story.output
    assert "lateness" in story.output


def test_the_demo_leaves_no_process_behind(story: Story) -> None:
    pids = {child["pid"] for record in story.records for child in record["processes"].values()} - {
        0
    }
    assert not [pid for pid in pids if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
