"""What a scan publishes: outputs, frame, statistics; and how it ends."""

from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.engine.scan import Ending
from runtime.errors import ImageError
from runtime.image.layout import Quality, SectionKind
from runtime.image.payloads import Sample
from tests.support.handmade import IO, SAFE_AREA, Rig

RELEASE = 7_000_000_000
INTERVAL = 10_000_000
FAULT_TRIGGER = 0xEE << 56
"""The last byte of %IL1, which is %IB15."""


def send_last_input(rig: Rig, raw: int) -> None:
    idle = Sample(0, RELEASE, Quality.GOOD)
    rig.send(idle, idle, idle, Sample(raw, RELEASE, Quality.GOOD))


def test_outputs_carry_the_scan_and_the_samples_it_used(rig: Rig) -> None:
    send_last_input(rig, 5)
    rig.engine.step(3, RELEASE)
    outputs = rig.outputs
    assert (outputs.cycle, outputs.release_ns) == (3, RELEASE + 2 * INTERVAL)
    assert outputs.consumed == ((1, RELEASE),)
    assert not outputs.safe
    assert outputs.area == rig.inputs


def test_a_frame_is_the_whole_state_after_the_scan(rig: Rig) -> None:
    rig.engine.step(4, RELEASE)
    frame = rig.frame
    symbol = rig.program.symbol("main.count")
    assert symbol is not None
    assert frame.value(symbol) == 4
    assert frame.state == rig.engine.state
    assert frame.fault is FaultKind.NONE


def test_program_time_starts_at_zero_and_moves_by_releases(rig: Rig) -> None:
    rig.engine.step(1, RELEASE)
    assert int.from_bytes(rig.engine.state[:8], "little") == 0
    rig.engine.step(2, RELEASE + INTERVAL)
    assert int.from_bytes(rig.engine.state[:8], "little") == 2 * INTERVAL


def test_every_scan_has_its_publication_without_gaps(rig: Rig) -> None:
    rig.engine.step(1000, RELEASE)
    assert rig.image.ring(SectionKind.OUTPUTS).head == 1000
    assert rig.image.ring(SectionKind.FRAME).head == 1000
    assert rig.statistics.scans == 1000
    assert rig.statistics.lateness.copy().count == 1000
    assert rig.statistics.execution.copy().count == 1000


def test_same_inputs_give_the_same_state(tmp_path: Path) -> None:
    states = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        rig = Rig(tmp_path / name)
        for number in range(50):
            send_last_input(rig, number * 77)
            rig.engine.step(1, RELEASE + number * INTERVAL)
        states.append(rig.engine.state)
    assert states[0] == states[1]


def test_a_fault_publishes_safe_outputs_and_names_its_line(rig: Rig) -> None:
    send_last_input(rig, 5)
    rig.engine.step(2, RELEASE)
    send_last_input(rig, FAULT_TRIGGER)
    assert rig.engine.step(5, RELEASE + 2 * INTERVAL) is Ending.FAULTED
    assert rig.outputs.safe
    assert rig.outputs.area == SAFE_AREA
    assert rig.outputs.cycle == 3
    assert rig.frame.fault is FaultKind.ZERO_DIVISION
    assert str(rig.engine.fault) == "division-by-zero at plant.st:7 in cycle 3"


def test_safe_outputs_claim_no_sample(rig: Rig) -> None:
    send_last_input(rig, FAULT_TRIGGER)
    rig.engine.step(1, RELEASE)
    assert rig.outputs.consumed == ((0, 0),)


def test_outputs_of_a_faulted_scan_are_never_published(rig: Rig) -> None:
    send_last_input(rig, FAULT_TRIGGER)
    rig.engine.step(1, RELEASE)
    assert rig.image.ring(SectionKind.OUTPUTS).head == 1  # the safe ones


def test_without_a_fault_there_is_none_to_report(rig: Rig) -> None:
    assert rig.engine.step(1, RELEASE) is Ending.STOPPED
    assert rig.engine.fault is None


@pytest.mark.parametrize("address", ["%IX16.0", "%QX16.0"])
def test_an_address_beyond_the_area_is_refused_before_anything_runs(
    tmp_path: Path, address: str
) -> None:
    toml = f'{IO}[[io]]\naddress = "{address}"\ndevice = "plc"\ntable = "coil"\nregister = 99\n'
    with pytest.raises(ImageError, match=rf"{address}: the program's %[IQ] area has 16 bytes"):
        Rig(tmp_path, toml=toml)


def test_the_last_bit_of_an_area_is_inside(tmp_path: Path) -> None:
    toml = f'{IO}[[io]]\naddress = "%QX15.7"\ndevice = "plc"\ntable = "coil"\nregister = 99\n'
    Rig(tmp_path, toml=toml).engine.step(1, RELEASE)


def test_an_engine_outlives_the_closing_of_its_image(rig: Rig) -> None:
    rig.image.close()
    assert rig.engine.step(10, RELEASE) is Ending.STOPPED
