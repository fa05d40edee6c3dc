"""The monitor reads what stands in an image, follows a restart, and its lines are plain JSON."""

import json
from dataclasses import replace
from pathlib import Path

from runtime.app.monitor import Monitor
from runtime.app.recording import record_line
from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Area, Site, Symbol
from runtime.datatypes.elementary import ELEMENTARY
from runtime.engine.plan import NO_SITE
from runtime.image import layout
from runtime.image.directory import DeviceEntry, Directory, TaskEntry
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.payloads import Mailbox, Sample, encode_mailbox
from runtime.image.segment import Image, create_image
from tests.support.observations import CHILDREN, observation

STATE_BYTES = 80
DIRECTORY = Directory(
    project="p",
    tasks=(TaskEntry("T", 10_000_000),),
    devices=(DeviceEntry("plant", 300_000_000, ("%IW0", "%IX2.0")),),
    input_area=Area(0, 0),
    memory_area=Area(0, 0),
    outputs=Area(64, 2),
    state_bytes=STATE_BYTES,
    symbols=(
        Symbol("MAIN.COUNT", 64, ELEMENTARY["INT"]),
        Symbol("MAIN.FLAG", 66, ELEMENTARY["BOOL"], 3),
    ),
    sites=(),
)


def publish(image: Image, cycle: int, count: int) -> None:
    state = bytearray(STATE_BYTES)
    state[64:67] = count.to_bytes(2, "little") + b"\x08"
    header = layout.FRAME_HEADER.pack(cycle, 100, 110, 120, 0, 0, 2, STATE_BYTES, 1, 0, 0)
    qualities = bytes([Quality.GOOD, Quality.STALE]).ljust(8, b"\0")
    image.ring(SectionKind.FRAME).publish(header + qualities + state)


def monitor(path: Path, now_ns: int = 5_000_000_000) -> Monitor:
    return Monitor(path, ["Main.Count", "Main.Flag", "Main.Absent"], lambda: now_ns)


def test_there_is_nothing_to_see_before_the_first_scan(tmp_path: Path) -> None:
    path = tmp_path / "image"
    watching = monitor(path)
    assert watching.observe() is None
    with create_image(path, DIRECTORY, 1, 1):
        assert watching.observe() is None


def test_values_qualities_and_link_come_from_the_image(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with create_image(path, DIRECTORY, 1, 1) as image:
        image.mode = Mode.RUNNING
        image.gateway_heartbeat_ns = 4_500_000_000
        publish(image, 7, 300)
        samples = (Sample(1, 90, Quality.GOOD), Sample(0, 80, Quality.GOOD))
        mailbox = Mailbox(Link.UP, LinkError.NONE, 250, 10, 2, 1, samples)
        image.ring(SectionKind.INPUTS, 0).publish(encode_mailbox(mailbox))
        seen = monitor(path).observe()
    assert seen is not None
    assert (seen.cycle, seen.mode, seen.gateway_alive) == (7, Mode.RUNNING, True)
    assert seen.values == {"MAIN.COUNT": 300, "MAIN.FLAG": True}
    assert seen.qualities == {"%IW0": Quality.GOOD, "%IX2.0": Quality.STALE}
    assert (seen.links[0].link, seen.links[0].polls, seen.links[0].reconnects) == (Link.UP, 10, 1)
    assert seen.tasks[0].scans == 0


def test_a_gateway_without_a_heartbeat_for_a_second_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with create_image(path, DIRECTORY, 1, 1) as image:
        image.gateway_heartbeat_ns = 3_900_000_000
        publish(image, 1, 1)
        seen = monitor(path).observe()
    assert seen is not None
    assert not seen.gateway_alive


def test_the_state_of_each_task_is_its_fault_or_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "image"
    sites = (Site(FaultKind.ZERO_DIVISION, "main.st", 3),)
    two = replace(DIRECTORY, tasks=(TaskEntry("A", 1000), TaskEntry("B", 2000)), sites=sites)
    with create_image(path, two, 1, 1) as image:
        publish(image, 1, 1)
        image.mode = Mode.RUNNING
        section = image.section(SectionKind.TASK_STATISTICS, 1)
        section[layout.TASK_FAULT_KIND] = FaultKind.ZERO_DIVISION
        going_on = monitor(path).observe()
        image.mode = Mode.FAULTED
        section[layout.TASK_FAULT_KIND] = FaultKind.WATCHDOG
        section[layout.TASK_FAULT_SITE : layout.TASK_FAULT_SITE + 4] = NO_SITE.to_bytes(4, "little")
        over = monitor(path).observe()
    assert going_on is not None
    assert over is not None
    assert [task.state.value for task in going_on.tasks] == ["running", "faulted"]
    assert going_on.fault is FaultKind.ZERO_DIVISION
    assert going_on.tasks[1].place == sites[0]
    assert [task.state.value for task in over.tasks] == ["stopped", "faulted"]
    assert (over.tasks[1].fault, over.tasks[1].place) == (FaultKind.WATCHDOG, None)


def test_lost_edges_are_counted_for_each_task(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with create_image(path, DIRECTORY, 1, 1) as image:
        publish(image, 1, 1)
        image.section(SectionKind.TASK_STATISTICS, 0)[layout.TASK_LOST_EDGES] = 3
        seen = monitor(path).observe()
    assert seen is not None
    assert seen.tasks[0].lost_edges == 3


def test_a_runtime_without_a_sign_of_life_for_two_seconds_is_not_alive(tmp_path: Path) -> None:
    path = tmp_path / "image"
    with create_image(path, DIRECTORY, 1, 1) as image:
        publish(image, 1, 1)
        for heartbeat_ns, expected in ((3_100_000_000, True), (2_900_000_000, False)):
            image.runtime_heartbeat_ns = heartbeat_ns
            seen = monitor(path).observe()
            assert seen is not None
            assert seen.runtime_alive is expected


def test_the_monitor_changes_over_to_a_restarted_runtimes_image(tmp_path: Path) -> None:
    path = tmp_path / "image"
    watching = monitor(path)
    for generation, count in ((1, 10), (2, 20)):
        with create_image(path, DIRECTORY, 1, generation) as image:
            publish(image, generation, count)
            seen = watching.observe()
        assert seen is not None
        assert seen.values["MAIN.COUNT"] == count
    watching.close()


def test_a_recorded_line_is_one_json_object() -> None:
    line = record_line(observation(), CHILDREN)
    entry = json.loads(line)
    assert "\n" not in line
    assert entry["cycle"] == 1234
    assert entry["values"]["MAIN.LOWERLEVEL"] == 119.5
    assert entry["qualities"] == {"%IW0": "GOOD", "%IW1": "GOOD"}
    assert entry["processes"]["gateway"] == {"pid": 12, "restarts": 0}
    assert entry["tasks"]["Control"]["lateness_ns"]["max"] == 70_000
    assert entry["links"]["plant"]["link"] == "UP"
