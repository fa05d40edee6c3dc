"""The monitor reads what stands in an image, follows a restart, and its lines are plain JSON."""

import json
from pathlib import Path

from runtime.app.monitor import Monitor
from runtime.app.recording import record_line
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.elementary import ELEMENTARY
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
