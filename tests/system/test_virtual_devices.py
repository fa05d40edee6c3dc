"""Virtual devices of a running project: generators, wires, and the two tanks without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runtime.artifact.paths import Paths
from runtime.image.layout import Link, SectionKind
from runtime.image.payloads import decode_mailbox
from runtime.image.segment import Image, attach_image, image_path
from tests.support.gateway_processes import gateway, runtime_half
from tests.support.modbus_image import project_toml
from tests.support.newest import newest_frame
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

HEAD = (
    project_toml("virtual")
    + """
[[device]]
name = "bench"
protocol = "virtual"
poll = "5ms"
"""
)
BENCH = """
[[io]]
address = "%ID0"
device = "bench"
type = "float32"
signal = { form = "sine", low = -5.0, high = 5.0, period = "200ms" }
[[io]]
address = "%IX4.0"
device = "bench"
signal = { form = "square", period = "50ms" }
[[io]]
address = "%IW3"
device = "bench"
type = "int16"
signal = { form = "constant", high = -40000.0 }
[[io]]
address = "%IW4"
device = "bench"
terminal = "back"
[[io]]
address = "%QW0"
device = "bench"
terminal = "back"
"""
BENCH_SOURCE = """
PROGRAM Main
VAR
  Wave AT %ID0 : REAL; Beat AT %IX4.0 : BOOL; Least AT %IW3 : INT;
  Back AT %IW4 : INT; Forth AT %QW0 : INT;
  Top, Bottom : REAL; Edges : INT; Was : BOOL; Seen : INT;
END_VAR
Top := MAX(Top, Wave);
Bottom := MIN(Bottom, Wave);
IF Beat AND NOT Was THEN Edges := Edges + 1; END_IF;
Was := Beat;
Forth := 1234;
Seen := Back;
END_PROGRAM
"""
TANKS = """
plant = "two_tanks"
[[io]]
address = "%IW0"
device = "bench"
terminal = "level_upper"
[[io]]
address = "%IX2.0"
device = "bench"
terminal = "pump_running"
[[io]]
address = "%QW0"
device = "bench"
terminal = "inlet_valve"
[[io]]
address = "%QX2.0"
device = "bench"
terminal = "pump"
"""
TANKS_SOURCE = """
PROGRAM Main
VAR
  Level AT %IW0 : UINT; Runs AT %IX2.0 : BOOL;
  Inlet AT %QW0 : UINT; Pump AT %QX2.0 : BOOL;
END_VAR
Pump := TRUE;
Inlet := 27648;
END_PROGRAM
"""


@contextmanager
def running(folder: Path, config: str, source: str) -> Iterator[Image]:
    """Run a project with its gateway; give its image."""
    project = folder / "project"
    project.mkdir()
    (project / "main.st").write_text(source)
    (project / "takt.toml").write_text(HEAD + config)
    with runtime_half(folder, project), gateway(folder, "run", str(project)):
        wait_until(lambda: image_path("virtual").exists(), 30, "the image")
        with attach_image(image_path("virtual")) as image:
            yield image


@pytest.fixture(autouse=True)
def _own_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


def value(image: Image, path: str) -> Any:
    newest = image.ring(SectionKind.FRAME).latest()
    if newest is None:
        return 0
    return newest_frame(image).value(Paths(image.directory.symbols).find(path))


def test_generators_and_wires_reach_the_program(tmp_path: Path) -> None:
    with running(tmp_path, BENCH, BENCH_SOURCE) as image:
        wait_until(lambda: value(image, "Main.Edges") > 3, 30, "edges of the square")
        wait_until(lambda: value(image, "Main.Top") > 4.9, 30, "the top of the sine")
        wait_until(lambda: value(image, "Main.Bottom") < -4.9, 30, "its bottom")
        wait_until(lambda: value(image, "Main.Seen") == 1234, 30, "the output at the input")
        assert value(image, "Main.Least") == -32768, "saturated"
        newest = image.ring(SectionKind.INPUTS).latest()
        assert newest is not None
        assert decode_mailbox(newest.payload).link is Link.UP


def test_a_plant_is_a_device_without_a_network(tmp_path: Path) -> None:
    with running(tmp_path, TANKS, TANKS_SOURCE) as image:
        wait_until(lambda: value(image, "Main.Runs") is True, 60, "the pump's run-up")
        wait_until(lambda: value(image, "Main.Level") > 1000, 60, "the rising level")
