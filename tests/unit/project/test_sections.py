"""Whole sections of a takt.toml: what keys of one table, or tables of one kind, must fit."""

from pathlib import Path

import pytest

from runtime.prebuilt import request_of
from runtime.project.load import load_project
from tests.unit.project.test_load import SOUND, faults_of, folder_of

SERVER = """
[[server]]
name = "cell"
protocol = "modbus-tcp"
port = 1502
[[server.range]]
table = "holding"
register = 100
"""
VARIABLE = 'variable = "Main.Level"\n'
LINE = """
[[device]]
name = "{}"
protocol = "modbus-rtu"
serial = "/dev/ttyS1"
baud = {}
"""
USER = '[[opcua.user]]\nname = "eve"\nrole = "viewer"\npassword_env = "EVE"\n'
CHANNEL = '\n[[io]]\naddress = "{}"\ndevice = "rig"\ntable = "holding"\nregister = 9\n{}\n'

VIRTUAL = '[[device]]\nname = "bench"\nprotocol = "virtual"\n'
ACTING = ("inlet_valve", "transfer_valve", "heater_power", "pump", "heater_contactor", "drain")
POINT = '[[io]]\naddress = "{}"\ndevice = "{}"\n{}\n'

FAULTS = {
    "a virtual channel at a real device, a real one at a virtual device": (
        SOUND
        + VIRTUAL
        + POINT.format("%IW8", "rig", 'signal = { form = "sine" }')
        + POINT.format("%IW9", "bench", 'table = "input"\nregister = 0'),
        [
            "io[2].signal = (present): expected none: the device is not virtual",
            "io[3].signal = (absent): expected a signal or a terminal: the device is virtual",
        ],
    ),
    "a signal for an output, a signal beside a terminal, a width of another type": (
        SOUND
        + VIRTUAL
        + POINT.format("%QW8", "bench", 'signal = { form = "sine" }')
        + POINT.format("%IW8", "bench", 'signal = { form = "sine" }\nterminal = "a"')
        + POINT.format("%QW9", "bench", 'terminal = "a"')
        + POINT.format("%IW9", "bench", 'signal = { form = "sine" }\ntype = "float32"'),
        [
            "io[2].signal = (present): expected a terminal for the output %QW8",
            "io[3].terminal = 'a': expected a signal or a terminal, not both",
            "io[5].type = 'float32': expected a type of 16 bits for %IW9",
        ],
    ),
    "a wire to nowhere": (
        SOUND
        + VIRTUAL
        + POINT.format("%IW8", "bench", 'terminal = "a"')
        + POINT.format("%QW8", "bench", 'terminal = "b"'),
        ["io[2].terminal = 'a': expected the terminal of an output of 16 bits (b)"],
    ),
    "terminals that a plant does not have so": (
        SOUND
        + VIRTUAL
        + 'plant = "two_tanks"\n'
        + POINT.format("%QW8", "bench", 'terminal = "level_upper"')
        + POINT.format("%IX20.0", "bench", 'terminal = "level_lower"'),
        [
            f"io[2].terminal = 'level_upper': expected one of {', '.join(ACTING)}",
            "io[3].address = %IX20.0: expected 16 bits for level_lower",
        ],
    ),
    "a period not below the age of stale inputs": (
        SOUND.replace('host = "127.0.0.1"', 'host = "127.0.0.1"\npoll = "2s"'),
        ["device[0].poll = 2000 ms: expected less than stale_after (1000 ms)"],
    ),
    "an age of stale inputs below the usual period": (
        SOUND.replace('host = "127.0.0.1"', 'host = "127.0.0.1"\nstale_after = "50ms"'),
        ["device[0].stale_after = 50 ms: expected more than poll (100 ms)"],
    ),
    "two speeds on one line": (
        SOUND + LINE.format("a", 9600) + LINE.format("b", 19200),
        ["device[2].baud = 19200: expected 9600 as device[1] has it on /dev/ttyS1"],
    ),
    "a safe value of an input": (
        SOUND + CHANNEL.format("%IW4", "safe = 3"),
        ["io[2].safe = 3: expected no `safe` for %IW4: it is for outputs %Q…"],
    ),
    "a substitute and a period of an output": (
        SOUND + CHANNEL.format("%QW4", 'substitute = "default"\npoll = "1s"'),
        [
            "io[2].substitute = 'default': expected no `substitute` for %QW4: it is for inputs %I…",
            "io[2].poll = 1000 ms: expected less than the device's stale_after (1000 ms)",
        ],
    ),
    "a quality that is no byte of the inputs": (
        SOUND + CHANNEL.format("%IW4", 'quality = "%IW9"\nage = "%QD9"'),
        [
            "io[2].quality = %IW9: expected an address %IB…",
            "io[2].age = %QD9: expected an address %ID…",
        ],
    ),
    "a quality of an output": (
        SOUND + CHANNEL.format("%QW4", 'quality = "%IB99"'),
        ["io[2].quality = %IB99: expected no `quality` for %QW4: it is for inputs %I…"],
    ),
    "qualities where inputs stand": (
        SOUND + CHANNEL.format("%IW4", 'count = 3\nquality = "%IB12"\nage = "%ID3"'),
        [
            "io[2].quality = %IB12: expected an address that io[2] leaves free",
            "io[2].age = %ID3: expected an address that io[2] leaves free",
        ],
    ),
    "a default that nothing uses": (
        SOUND + CHANNEL.format("%IW4", "default = 3"),
        ['io[2].default = 3: expected substitute = "default" with it'],
    ),
    "a real value without a type": (
        SOUND + CHANNEL.format("%ID4", 'substitute = "default"\ndefault = 20.5'),
        [
            ("io[2].default = 20.5: expected a whole number from 0 to 4294967295 for %ID4; "
            'a real one needs `type`, such as "float32"')
        ],
    ),
    "a value of no kind is told once": (
        SOUND + CHANNEL.format("%IW4", 'default = "x"'),
        ["io[2].default = 'x': expected a number, true or false"],
    ),
    "a range of nothing": (
        SOUND + SERVER,
        [
            ("server[0].range[0].variable = (absent): "
            "expected either `variable`, or `address` and `count`")
        ],
    ),
    "a range of two things": (
        SOUND + SERVER + VARIABLE + 'address = "%QW0"\n',
        [
            ("server[0].range[0].variable = 'Main.Level': "
            "expected either `variable`, or `address` and `count`")
        ],
    ),
    "a range without an end": (
        SOUND + SERVER + 'address = "%QW0"\n',
        ["server[0].range[0].count = (absent): expected how many entries, with `address`"],
    ),
    "a range beyond the last register": (
        SOUND + SERVER.replace("100", "65530") + 'address = "%QW0"\ncount = 10\n',
        ["server[0].range[0].register = 65530: expected at most 65526 for 10 entries"],
    ),
    "a range of half a value": (
        SOUND + SERVER + 'address = "%QD0"\ncount = 3\n',
        ["server[0].range[0].count = 3: expected a multiple of 2 for %QD0"],
    ),
    "a range of bits in registers": (
        SOUND + SERVER + 'address = "%QX0.0"\ncount = 3\n',
        [
            ("server[0].range[0].address = %QX0.0: "
            "expected an address of 16, 32 or 64 bits for holding")
        ],
    ),
    "a table that no client can write": (
        SOUND + SERVER.replace("holding", "input") + VARIABLE + 'access = "read-write"\n',
        ["server[0].range[0].table = 'input': expected \"holding\": clients can write that one"],
    ),
    "two servers at one port": (
        SOUND + SERVER + VARIABLE + SERVER.replace("cell", "other") + VARIABLE,
        ["server[1].port = 1502: expected a port that server[0] leaves free"],
    ),
    "a server where metrics and another server are": (
        SOUND + "[metrics]\nport = 1502\n[opcua]\nport = 1502\n" + SERVER + VARIABLE,
        [
            "opcua.port = 1502: expected a port that metrics leaves free",
            "server[0].port = 1502: expected a port that metrics leaves free",
        ],
    ),
    "a server on a line without line and unit": (
        SOUND + SERVER.replace("modbus-tcp", "modbus-rtu").replace("port = 1502\n", "") + VARIABLE,
        [
            "server[0].serial = (absent): expected the line of modbus-rtu, such as /dev/ttyUSB0",
            "server[0].unit = (absent): expected 1 to 247: others are on the line",
        ],
    ),
    "a secure server without a certificate": (
        SOUND + SERVER.replace("modbus-tcp", "modbus-tls") + VARIABLE,
        ["server[0].certificate = (absent): expected the certificate of modbus-tls"],
    ),
    "a line of a server on the network": (
        SOUND + SERVER.replace("port", 'serial = "/dev/ttyS1"\nport') + VARIABLE,
        ["server[0].serial = '/dev/ttyS1': expected no serial for modbus-tcp"],
    ),
    "one range in single brackets": (
        SOUND + SERVER.replace("[[server.range]]", "[server.range]") + VARIABLE,
        [
            ("server[0].range = {'table': 'holding', 'register': 100, 'variable': 'Main.L...: "
            "expected an array of tables, [[server.range]]")
        ],
    ),
    "two users of one name": (
        SOUND + "[opcua]\n" + USER + USER,
        ["opcua.user[1].name = 'eve': expected a name that no other user has"],
    ),
    "a name that is a list": (
        SOUND.replace('name = "rig"', 'name = ["rig"]'),
        [
            "device[0].name = ['rig']: expected string",
            "io[0].device = 'rig': expected a [[device]] (['rig'])",
            "io[1].device = 'rig': expected a [[device]] (['rig'])",
        ],
    ),
    "a device that is a list": (
        SOUND.replace('device = "rig"', 'device = ["rig"]', 1),
        ["io[0].device = ['rig']: expected string"],
    ),
    "an endpoint of another kind": (
        SOUND + '[[device]]\nname = "plc"\nprotocol = "opcua"\nendpoint = "plc:4840"\n',
        [
            ("device[1].endpoint = 'plc:4840': "
            "expected an endpoint such as opc.tcp://plc:4840/path")
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_sections_that_do_not_fit_are_told_by_path_value_and_expectation(
    name: str, tmp_path: Path
) -> None:
    text, expected = FAULTS[name]
    assert faults_of(tmp_path, text) == expected


def test_a_device_without_inputs_of_its_period_may_have_any(tmp_path: Path) -> None:
    own = SOUND.replace('table = "input"', 'table = "input"\npoll = "500ms"')
    text = own.replace('host = "127.0.0.1"', 'host = "127.0.0.1"\npoll = "2s"')

    assert load_project(folder_of(tmp_path, text)).config.device[0].poll == 2_000_000_000


def test_servers_of_different_transports_share_a_port(tmp_path: Path) -> None:
    other = SERVER.replace("cell", "other").replace("modbus-tcp", "modbus-udp")
    text = SOUND + SERVER + VARIABLE + other + VARIABLE

    assert len(load_project(folder_of(tmp_path, text)).config.server) == 2


def test_each_channel_of_an_entry_tells_its_own_quality_and_age(tmp_path: Path) -> None:
    text = SOUND + CHANNEL.format("%IW4", 'count = 2\nquality = "%IB99"\nage = "%ID50"')
    found = load_project(folder_of(tmp_path, text)).config.io[2:]

    assert [(str(entry.quality), str(entry.age)) for entry in found] == [
        ("%IB99", "%ID50"),
        ("%IB100", "%ID51"),
    ]


def test_a_string_tells_one_quality(tmp_path: Path) -> None:
    text = SOUND + CHANNEL.format("%IL4", 'type = "string"\nlength = 16\nquality = "%IB99"')
    found = load_project(folder_of(tmp_path, text)).config.io[2:]

    assert [entry.quality and str(entry.quality) for entry in found] == ["%IB99", None]


def test_the_input_area_holds_places_that_no_variable_stands_at(tmp_path: Path) -> None:
    text = SOUND + CHANNEL.format("%IW4", 'quality = "%IB99"\nage = "%ID50"')
    request = request_of(load_project(folder_of(tmp_path, text)))

    assert {"%IB99", "%ID50"} <= {str(address) for address in request.channels}
