"""What does one scan of the demo's program cost, with inputs, outputs, frame and statistics?

A call runs 1,000 scans in native code, in virtual time: divide by 1,000 for one of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_project import write_project
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.app.directory import directory_of
from runtime.build import build_project
from runtime.engine.scan import Ending, ScanEngine
from runtime.image.layout import SectionKind
from runtime.image.payloads import decode_frame
from runtime.image.segment import Image, create_image
from runtime.project.load import load_project

SCANS = 1_000


@pytest.fixture
def image_and_engine(tmp_path: Path) -> Iterator[tuple[Image, ScanEngine]]:
    """Build the demo's program and prepare its engine; nothing sleeps."""
    write_project(tmp_path / "project", "1ms")
    project = load_project(tmp_path / "project")
    program = build_project(project).program
    assert program is not None
    directory = directory_of(project, program)
    with create_image(tmp_path / "micro.image", directory, program.layout_hash, 1) as image:
        yield image, ScanEngine(program, project, image)


def test_scan(benchmark: BenchmarkFixture, image_and_engine: tuple[Image, ScanEngine]) -> None:
    """A thousand scans without a gateway: every input takes its substitute."""
    _, engine = image_and_engine
    assert benchmark(engine.step, SCANS, 1_000_000_000) is Ending.STOPPED


def test_read_frame(
    benchmark: BenchmarkFixture, image_and_engine: tuple[Image, ScanEngine]
) -> None:
    """A monitor's look at the whole state."""
    image, engine = image_and_engine
    engine.step(1, 1_000_000_000)
    ring = image.ring(SectionKind.FRAME)

    def read() -> int:
        newest = ring.latest()
        assert newest is not None
        return decode_frame(newest.payload).cycle

    assert benchmark(read) == 1
