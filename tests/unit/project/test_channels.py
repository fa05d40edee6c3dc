"""Channels of [[io]]: types, references, scales, and the faults that their rules find."""

from pathlib import Path

import pytest

from gateway.tags import Channel, Encoding, device_maps, register_channels
from runtime.errors import ProjectError
from runtime.project.load import Project
from runtime.project.values import ValueKind, to_raw
from tests.support.modbus_image import device_toml, write_project

IO = '[[io]]\naddress = "{}"\ndevice = "plc"\n{}\n'


def project_of(folder: Path, *channels: tuple[str, str], device: str = "") -> Path:
    text = device_toml("plc", 1502) + device + "\n" + "".join(IO.format(*item) for item in channels)
    write_project(folder, text)
    return folder


def faults(folder: Path, address: str, keys: str, device: str = "") -> list[str]:
    with pytest.raises(ProjectError) as caught:
        project_of(folder, (address, keys), device=device)
    return [str(fault) for fault in caught.value.faults]


REFERENCES = [
    ("register = 40001", "", "holding", 0),
    ("register = 400001", "", "holding", 0),
    ("register = 465536", "", "holding", 65_535),
    ("register = 30108", "", "input", 107),
    ("register = 107\ntable = 'input'", "", "input", 107),
    ("register = 107\ntable = 'input'", "address_base = 1", "input", 106),
    ("register = 40001\ntable = 'holding'", "", "holding", 40_001),
    ("register = 40001", "address_base = 1", "holding", 0),
]


def registers(project: Project) -> tuple[Channel, ...]:
    return register_channels(device_maps(project)[0].inputs)


@pytest.mark.parametrize(("keys", "device", "table", "register"), REFERENCES)
def test_a_register_is_found_by_table_and_base_or_by_its_reference(
    tmp_path: Path, keys: str, device: str, table: str, register: int
) -> None:
    text = device_toml("plc", 1502) + device + "\n" + IO.format("%IW0", keys)
    (channel,) = registers(write_project(tmp_path, text))

    assert (channel.table, channel.register) == (table, register)


@pytest.mark.parametrize(
    ("address", "keys", "device", "expected"),
    [
        (
            "%IW4", "register = 40010\ncount = 3", "",
            [("%IW4", 9, None), ("%IW5", 10, None), ("%IW6", 11, None)],
        ),
        (
            "%ID2", "register = 5\ntable = 'input'\ntype = 'float32'\ncount = 2",
            "address_base = 1", [("%ID2", 4, None), ("%ID3", 6, None)],
        ),
        (
            "%IX1.7", "register = 3\ntable = 'holding'\nbit = 15\ncount = 2", "",
            [("%IX1.7", 3, 15), ("%IX2.0", 4, 0)],
        ),
        (
            "%IX0.7", "register = 10008\ncount = 2", "",
            [("%IX0.7", 7, None), ("%IX1.0", 8, None)],
        ),
    ],
)  # fmt: skip
def test_neighbours_are_counted_in_one_entry(
    tmp_path: Path, address: str, keys: str, device: str,
    expected: list[tuple[str, int, int | None]],
) -> None:  # fmt: skip
    text = device_toml("plc", 1502) + device + "\n" + IO.format(address, keys)
    project = write_project(tmp_path, text)

    found = [(item.address, item.register, item.encoding.bit) for item in registers(project)]
    assert found == expected
    assert [str(entry.address) for entry in project.config.io] == [row[0] for row in expected]


@pytest.mark.parametrize(
    ("address", "keys", "fault"),
    [
        (
            "%IW0", "register = 49998\ncount = 60000",
            "register = 49998: expected 40001 to at most 45537 for 60000 registers",
        ),
        ("%IW32760", "register = 40001\ncount = 9", "address = %IW32760"),
        ("%IL0", 'register = 40001\ntype = "string"\nlength = 8\ncount = 2', "count = 2"),
        ("%IW0", "register = 40001\ncount = 0", "count = 0"),
    ],
)  # fmt: skip
def test_a_count_that_does_not_fit_is_a_fault(
    tmp_path: Path, address: str, keys: str, fault: str
) -> None:
    assert any(fault in item for item in faults(tmp_path, address, keys))


def test_counted_channels_overlap_as_single_ones_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"io\[1\]\.address = %IW2"):
        project_of(tmp_path, ("%IW0", "register = 40001\ncount = 3"), ("%IW2", "register = 40099"))


def test_references_of_bits_name_coils_and_discrete_inputs(tmp_path: Path) -> None:
    text = device_toml("plc", 1502) + IO.format("%IX0.0", "register = 17")
    text += IO.format("%IX0.1", "register = 10020")
    inputs = registers(write_project(tmp_path, text))

    assert [(item.table, item.register) for item in inputs] == [("coil", 16), ("discrete", 19)]


def test_a_channel_has_what_the_device_says_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = device_toml("plc", 1502) + 'word_order = "little"\nbyte_order = "little"\n'
    text += IO.format("%ID0", 'register = 30001\ntype = "float32"')
    text += IO.format("%ID1", 'register = 30003\ntype = "int32"\nword_order = "big"')
    text += IO.format("%ID2", 'register = 30005\ntype = "int16"\nscale = { factor = 0.5 }')
    inputs = registers(write_project(tmp_path, text))

    assert [(item.size, item.encoding) for item in inputs] == [
        (2, Encoding(32, ValueKind.REAL, big_words=False, big_bytes=False)),
        (2, Encoding(32, ValueKind.SIGNED, big_words=True, big_bytes=False)),
        (1, Encoding(32, ValueKind.SIGNED, big_words=False, big_bytes=False, factor=0.5)),
    ]


def test_a_string_fills_an_address_for_every_eight_characters(tmp_path: Path) -> None:
    text = device_toml("plc", 1502)
    text += IO.format("%IL1", 'register = 30001\ntype = "string"\nlength = 17')
    text += IO.format("%QL1", 'register = 40001\ntype = "string"\nlength = 11')
    (device,) = device_maps(write_project(tmp_path, text))

    inputs = register_channels(device.inputs)
    assert [item.address for item in inputs] == ["%IL1", "%IL2", "%IL3"]
    assert {(item.register, item.size) for item in inputs} == {(0, 9)}
    assert [item.encoding.part for item in inputs] == [0, 1, 2]
    written = register_channels(output.channel for output in device.outputs)
    assert [(item.register, item.size, item.encoding.length) for item in written] == [
        (0, 4, 11), (4, 2, 3),
    ]  # fmt: skip


def test_channels_of_one_period_are_a_group(tmp_path: Path) -> None:
    text = device_toml("plc", 1502, poll="50ms") + 'stale_after = "9s"\n'
    for number, poll in enumerate(("", 'poll = "5s"', 'poll = "10ms"', 'poll = "5s"')):
        text += IO.format(f"%IW{number}", f"register = {30001 + number}\n{poll}")
    (device,) = device_maps(write_project(tmp_path, text))

    assert [(group.period_ns, group.inputs) for group in device.groups] == [
        (10_000_000, (2,)), (50_000_000, (0,)), (5_000_000_000, (1, 3)),
    ]  # fmt: skip


def test_substitutes_and_safe_values_are_values_of_the_type(tmp_path: Path) -> None:
    text = device_toml("plc", 1502)
    text += IO.format(
        "%ID0", 'register = 30001\ntype = "float32"\nsubstitute = "default"\ndefault = 21.5'
    )
    text += IO.format("%QW0", 'register = 40001\ntype = "int16"\nsafe = -3')
    reals, signed = write_project(tmp_path, text).config.io

    assert reals.default_raw == to_raw(21.5, ValueKind.REAL, 32)
    assert signed.safe_raw == 0xFFFD


FAULTS = {
    "no table": ("%IW0", "register = 65000", "io[0].register = 65000", "40001"),
    "base 1 has no 0": ("%IW0", "register = 0\ntable = 'input'", "io[0].register = 0", "1 to"),
    "reference of a bit for a word": ("%IW0", "register = 10001", "io[0].table", "%IW0"),
    "reference of an input for an output": ("%QW0", "register = 30001", "io[0].table", "holding"),
    "a bit of a word": ("%IW0", "register = 30001\nbit = 3", "io[0].bit = 3", "no bit"),
    "a bit beyond": ("%IX0.0", "register = 30001\nbit = 16", "io[0].bit = 16", "15"),
    "bool in a word": ("%IW0", "register = 30001\ntype = 'bool'", "io[0].type", "%IX0.3"),
    "a real in a word": ("%IW0", "register = 30001\ntype = 'float32'", "io[0].address", "%ID…"),
    "too narrow": ("%IW0", "register = 30001\ntype = 'int32'", "io[0].address", "32 bits"),
    "a scale without type": (
        "%ID0", "register = 30001\nscale = { factor = 2.0 }", "io[0].type", "a type"),
    "a scale into a word": (
        "%IW0", "register = 30001\ntype = 'int16'\nscale = { factor = 2.0 }", "io[0].scale", "LREAL"
    ),
    "a factor of 0": (
        "%ID0", "register = 30001\ntype = 'int16'\nscale = { factor = 0.0 }",
        "io[0].scale.factor = 0", "other than 0",
    ),
    "a string without length": ("%IL0", "register = 30001\ntype = 'string'", "io[0].length", "cha"),
    "a string in a word": (
        "%IW0", "register = 30001\ntype = 'string'\nlength = 2", "io[0].address", "%IL…"),
    "a length of a number": ("%IW0", "register = 30001\nlength = 2", "io[0].length = 2", "string"),
    "a default with a fraction": ("%IW0", "register = 30001\ndefault = 1.5", "io[0].default", "wh"),
    "a default too large": (
        "%IW0", "register = 30001\ntype = 'int16'\ndefault = 40000", "io[0].default", "32767"),
    "a period longer than the inputs keep": (
        "%IW0", "register = 30001\npoll = '2s'", "io[0].poll = 2000 ms", "stale_after"),
    "an unknown type": ("%IW0", "register = 30001\ntype = 'word'", "io[0].type = 'word'", "int16"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_keys_that_do_not_fit_each_other_are_one_fault(name: str, tmp_path: Path) -> None:
    address, keys, place, expectation = FAULTS[name]
    device = "address_base = 1" if "base 1" in name else ""
    found = faults(tmp_path, address, keys, device)

    assert len(found) == 1, found
    assert found[0].startswith(place)
    assert expectation in found[0]


def test_a_value_larger_than_the_device_gives_at_once_is_a_fault(tmp_path: Path) -> None:
    keys = "register = 30001\ntype = 'uint64'"
    assert "at most 2 registers" in faults(tmp_path, "%IL0", keys, "registers_max = 2")[0]


def test_parts_of_a_string_overlap_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"io\[1\].address = %IL2"):
        project_of(
            tmp_path,
            ("%IL0", "register = 30001\ntype = 'string'\nlength = 20"),
            ("%IL2", "register = 30101"),
        )
