"""Reading every frame of a ring: none is missed, or it is counted; the wall clock may jump."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.cloud.sampling import FrameReader, Sampling, SamplingClocks
from gateway.flow.reports import Report
from gateway.store.counters import SamplingCounters
from gateway.store.queue import Store
from runtime.image.directory import TaskEntry, frame_slots
from runtime.image.layout import SectionKind
from runtime.limits import FRAME_RING_BYTES_MAX, FRAME_SLOTS_MAX, SLOTS
from tests.support.cloud_plant import PlayedPlant, cloud_project, play_plant
from tests.support.samples import ROOMY, StandingClocks

PUBLISH = '[[publish]]\nvariables = ["MAIN.COUNT"]\non = "scan"\n'


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedPlant]:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    played = play_plant(cloud_project(tmp_path / "project", PUBLISH), slots=8)
    yield played
    played.image.close()


def test_every_frame_is_read_once_while_the_reader_keeps_up(plant: PlayedPlant) -> None:
    reader = FrameReader(plant.image.ring(SectionKind.FRAME))
    cycles = []
    for times in (1, 3, 7, 8, 2):
        plant.scan(times)
        cycles += [frame.cycle for frame in reader.read()]
    assert cycles == list(range(1, 22))
    assert reader.take_missed() == 0


def test_frames_that_were_overwritten_are_counted_exactly(plant: PlayedPlant) -> None:
    reader = FrameReader(plant.image.ring(SectionKind.FRAME))
    plant.scan(5)
    reader.read()
    plant.scan(21)
    assert [frame.cycle for frame in reader.read()] == list(range(19, 27))
    assert reader.take_missed() == 13
    assert reader.take_missed() == 0


def test_a_reader_begins_with_the_newest_frame(plant: PlayedPlant) -> None:
    plant.scan(6)
    reader = FrameReader(plant.image.ring(SectionKind.FRAME))
    assert [frame.cycle for frame in reader.read()] == [6]
    assert reader.take_missed() == 0


class Basket(Store):
    """A store that keeps reports in memory."""

    def __init__(self, path: Path) -> None:
        clocks = StandingClocks().clocks()
        super().__init__(path, ROOMY, clocks, [], project="plant", linger_s=0)
        self.reports: list[Report] = []

    def put(self, run: str, reports: "list[Report]") -> None:  # type: ignore[override]
        del run
        self.reports += reports


@dataclass
class WallClock:
    now_ns: int = 10**18
    clocks: StandingClocks = field(default_factory=StandingClocks)

    def sampling_clocks(self) -> SamplingClocks:
        return SamplingClocks(lambda: self.clocks.monotonic_ns, lambda: self.now_ns)


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_source_times_follow_a_wall_clock_that_is_set_and_cycles_do_not_care(
    plant: PlayedPlant, tmp_path: Path, jump_s: int
) -> None:
    async def run() -> tuple[list[Report], SamplingCounters]:
        wall, basket, counters = WallClock(), Basket(tmp_path / "no.db"), SamplingCounters()
        sections = cloud_project(tmp_path / "project", PUBLISH).config.publish
        sampling = Sampling(plant.image, sections, basket, counters, wall.sampling_clocks())
        plant.scan()
        sampling.step()
        wall.now_ns += jump_s * 10**9
        plant.scan()
        sampling.step()
        return basket.reports, counters

    reports, counters = asyncio.run(run())
    before, after = (report.stamp for report in reports)
    moved_ns = (after.time_ns - before.time_ns) - (after.end_ns - before.end_ns)
    assert moved_ns == jump_s * 10**9
    assert (before.cycle, after.cycle) == (1, 2)
    assert (counters.frames, counters.missed, counters.clock_jumps) == (2, 0, 1)


def test_the_ring_grows_where_samples_are_published(tmp_path: Path) -> None:
    plain = cloud_project(tmp_path / "plain", "")
    publishing = cloud_project(tmp_path / "publishing", PUBLISH)
    fast, slow = TaskEntry("Fast", 1_000_000), TaskEntry("Slow", 100_000_000)
    assert frame_slots(plain, [fast], 1000) == SLOTS
    assert frame_slots(publishing, [TaskEntry("Slowest", 10**9)], 1000) == SLOTS
    assert frame_slots(publishing, [fast], 1000) == 1000
    assert frame_slots(publishing, [fast, slow], 1000) == 1010
    assert frame_slots(publishing, [TaskEntry("Event", 0), fast], 1000) == 2000
    assert frame_slots(publishing, [fast] * 20, 1000) == FRAME_SLOTS_MAX
    assert frame_slots(publishing, [fast], FRAME_RING_BYTES_MAX // 20) == 20
    assert frame_slots(publishing, [fast], FRAME_RING_BYTES_MAX) == SLOTS


def test_the_ring_grows_where_commands_are_answered_from_their_frames(tmp_path: Path) -> None:
    uplink = '[[uplink]]\nname = "u"\nkind = "mqtt"\n'
    rule = '[[uplink.command]]\nvariable = "MAIN.COUNT"\n'
    fast = TaskEntry("Fast", 1_000_000)
    assert frame_slots(cloud_project(tmp_path / "deaf", uplink), [fast], 1000) == SLOTS
    assert frame_slots(cloud_project(tmp_path / "open", uplink + rule), [fast], 1000) == 1000
