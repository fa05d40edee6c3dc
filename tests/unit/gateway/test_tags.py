"""Channels from `takt.toml`: order, width, word order, place in %Q."""

from pathlib import Path

from gateway.tags import Channel, Encoding, Output, device_maps, output_bytes
from runtime.image.directory import device_entries
from tests.support.modbus_image import device_toml, io_toml, write_project

TOML = (
    device_toml("near", 1502)
    + device_toml("far", 1503)
    + io_toml("%IW1", "near", "input", 7)
    + io_toml("%QX0.3", "near", "coil", 2, "safe = true")
    + io_toml("%IX0.1", "near", "discrete", 1)
    + io_toml("%ID2", "far", "holding", 10, 'word_order = "little"')
    + io_toml("%QL1", "near", "holding", 4, "safe = 5")
)


def test_inputs_stand_in_the_order_of_the_mailbox(tmp_path: Path) -> None:
    project = write_project(tmp_path, TOML)

    for found, entry in zip(device_maps(project), device_entries(project), strict=True):
        assert found.name == entry.name
        assert tuple(channel.address for channel in found.inputs) == entry.inputs


def test_devices_are_numbered_as_in_the_image(tmp_path: Path) -> None:
    assert [device.number for device in device_maps(write_project(tmp_path, TOML))] == [0, 1]


def test_a_channel_has_the_width_of_its_address_and_its_word_order(tmp_path: Path) -> None:
    near, far = device_maps(write_project(tmp_path, TOML))

    assert near.inputs == (
        Channel("%IW1", "input", 7, 1, Encoding(16)),
        Channel("%IX0.1", "discrete", 1, 1, Encoding(1)),
    )
    assert far.inputs == (Channel("%ID2", "holding", 10, 2, Encoding(32, big_words=False)),)


def test_an_output_knows_its_place_in_the_area_and_its_safe_value(tmp_path: Path) -> None:
    near, far = device_maps(write_project(tmp_path, TOML))

    bit = Output(Channel("%QX0.3", "coil", 2, 1, Encoding(1)), byte=0, bit=3, width=1, safe=1)
    long = Output(Channel("%QL1", "holding", 4, 4, Encoding(64)), 8, 0, 64, 5)
    assert near.outputs == (bit, long)
    assert far.outputs == ()


def test_the_area_must_hold_the_last_output(tmp_path: Path) -> None:
    assert output_bytes(device_maps(write_project(tmp_path, TOML))) == 16
    assert output_bytes(()) == 0
