"""Which metric of which device a variable is, and which structures are templates."""

from pathlib import Path

import pytest

from gateway.flow.sparkplug_catalogue import Owners, catalogue_of, published
from gateway.protocols.sparkplug.catalogue import Catalogue, Definition, Member, Place
from gateway.protocols.sparkplug.datatypes import Datatype
from gateway.store.session_number import SessionNumber
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.texts import text_type
from runtime.errors import ProjectError
from runtime.image.directory import Directory, TaskEntry, device_entries
from runtime.project.uplinks import SparkplugUplink
from tests.support.cloud_plant import cloud_project

INT, REAL, BOOL = ELEMENTARY["INT"], ELEMENTARY["REAL"], ELEMENTARY["BOOL"]
INPUTS_AT, OUTPUTS_AT = 64, 128
MOTOR = Structure("Motor", (Field("SPEED", 0, REAL), Field("COUNTS", 4, Array(((0, 1),), INT))),
                  8, 4)  # fmt: skip
CELL = Structure(
    "Cell", (Field("MOTORS", 0, Array(((1, 2),), MOTOR)), Field("ON", 16, BOOL)), 20, 4
)
DEVICES = """
[[device]]
name = "tank"
protocol = "modbus-tcp"
host = "127.0.0.1"
[[device]]
name = "pump"
protocol = "modbus-tcp"
host = "127.0.0.1"
[[io]]
address = "%IW0"
device = "tank"
table = "holding"
register = 0
[[io]]
address = "%QX0.3"
device = "pump"
table = "coil"
register = 0
"""
PUBLISH = '[[publish]]\nvariables = ["*"]\n'


def catalogue(
    folder: Path, *symbols: tuple[str, DataType, int], publish: str = PUBLISH, uplink: str = ""
) -> Catalogue:
    """Return the catalogue of a project with these variables: path, type, place."""
    head = '[[uplink]]\nname = "spb"\nkind = "sparkplug"\n'
    project = cloud_project(folder, DEVICES + publish + head + uplink)
    directory = Directory(
        "plant", (TaskEntry("Main", 1),), device_entries(project), Area(OUTPUTS_AT, 8), 512,
        tuple(Symbol(path, at, kind, 3 if path.startswith("BIT") else -1)
              for path, kind, at in symbols),
        (), Area(INPUTS_AT, 8), Area(192, 8),
    )  # fmt: skip
    section = project.config.uplink[0]
    assert isinstance(section, SparkplugUplink)
    owners = Owners(directory, project.config.io, section)
    names = published(directory, project.config.publish)
    return catalogue_of(directory, names, owners, templates=section.templates)


def test_a_variable_at_a_device_s_address_is_that_device_s(tmp_path: Path) -> None:
    found = catalogue(
        tmp_path, ("LEVEL", INT, INPUTS_AT), ("BIT", BOOL, OUTPUTS_AT), ("OWN", INT, 300),
        ("NEAR", INT, INPUTS_AT + 2),
    )  # fmt: skip
    devices = {path: place.device for path, place in found.places.items()}
    assert devices == {"LEVEL": "tank", "BIT": "pump", "OWN": "", "NEAR": ""}
    assert found.devices == ("tank", "pump")


def test_a_device_of_the_uplink_takes_the_variables_that_it_names(tmp_path: Path) -> None:
    more = '[[uplink.device]]\nname = "Press 1"\nvariables = ["own*", "LEVEL"]\nlink = "pump"\n'
    variables = ("LEVEL", INT, INPUTS_AT), ("OWN.A", INT, 300), ("BIT", BOOL, OUTPUTS_AT)
    found = catalogue(tmp_path, *variables, uplink=more)
    assert [place.device for place in found.places.values()] == ["Press 1", "Press 1", "pump"]
    flat = catalogue(tmp_path, *variables, uplink="field_devices = false\n")
    assert flat.devices == ()


def test_types_become_the_datatypes_that_hold_their_values(tmp_path: Path) -> None:
    names = ("BOOL", "SINT", "INT", "DINT", "LINT", "USINT", "BYTE", "WORD", "UDINT", "DWORD",
             "ULINT", "REAL", "LREAL", "TIME", "DATE", "CHAR")  # fmt: skip
    symbols = [(f"V.{name}", ELEMENTARY[name], 8 * n) for n, name in enumerate(names, start=40)]
    found = catalogue(tmp_path, *symbols, ("V.STRING", text_type("STRING", 9), 480))
    kinds = {path[2:]: place.datatype.name for path, place in found.places.items()}
    assert kinds == {
        "BOOL": "BOOLEAN", "SINT": "INT8", "INT": "INT16", "DINT": "INT32", "LINT": "INT64",
        "USINT": "UINT8", "BYTE": "UINT8", "WORD": "UINT16", "UDINT": "UINT64", "DWORD": "UINT64",
        "ULINT": "UINT64", "REAL": "FLOAT", "LREAL": "DOUBLE", "TIME": "INT64", "DATE": "STRING",
        "CHAR": "STRING", "STRING": "STRING",
    }  # fmt: skip


def test_what_is_scaled_or_aggregated_is_a_double_under_its_published_name(tmp_path: Path) -> None:
    rules = (
        '[[publish]]\nvariables = ["A"]\nscale = 0.1\n'
        '[[publish]]\nvariables = ["*"]\non = "interval"\ninterval = "1s"\n'
        'aggregate = ["mean", "count"]\n'
    )
    found = catalogue(tmp_path, ("A", INT, 300), ("B", INT, 302), ("C", BOOL, 304), publish=rules)
    kinds = {path: place.datatype.name for path, place in found.places.items()}
    assert kinds == {"A": "DOUBLE", "B/mean": "DOUBLE", "B/count": "DOUBLE", "C": "BOOLEAN"}


def test_a_structure_published_whole_is_an_instance_of_its_type(tmp_path: Path) -> None:
    found = catalogue(
        tmp_path, ("CELL", CELL, 300), ("MS", Array(((1, 2),), MOTOR), 400),
        uplink="templates = true\n",
    )  # fmt: skip
    motor = Definition(
        "_types_/Motor",
        (Member("SPEED", Datatype.FLOAT), Member("COUNTS[0]", Datatype.INT16),
         Member("COUNTS[1]", Datatype.INT16)),
    )  # fmt: skip
    cell = Definition(
        "_types_/Cell",
        (Member("MOTORS[1]", Datatype.TEMPLATE, motor.name),
         Member("MOTORS[2]", Datatype.TEMPLATE, motor.name), Member("ON", Datatype.BOOLEAN)),
    )  # fmt: skip
    assert set(found.definitions) == {motor, cell}
    assert found.instances == {
        "CELL": cell.name, "MS[1]": motor.name, "MS[2]": motor.name,
    }  # fmt: skip
    assert found.places["CELL.MOTORS[2].COUNTS[1]"] == Place(
        "", "CELL", Datatype.INT16, ("MOTORS[2]", "COUNTS[1]")
    )
    assert found.places["MS[1].SPEED"].members == ("SPEED",)
    assert len(found.places) == 2 * 3 + 1 + 2 * 3


@pytest.mark.parametrize(
    "publish",
    [
        '[[publish]]\nvariables = ["CELL.MOTORS[1].*", "CELL.MOTORS[2].SPEED", "CELL.ON"]\n',
        '[[publish]]\nvariables = ["CELL.MOTORS[2].SPEED"]\nscale = 2.0\n' + PUBLISH,
    ],
)
def test_a_structure_not_published_whole_and_plain_is_not_but_its_parts_may_be(
    tmp_path: Path, publish: str
) -> None:
    more = "templates = true\n"
    found = catalogue(tmp_path, ("CELL", CELL, 300), publish=publish, uplink=more)
    assert found.instances == {"CELL.MOTORS[1]": "_types_/Motor"}
    assert found.places["CELL.MOTORS[2].SPEED"].members == ()
    assert found.places["CELL.ON"].members == ()


def test_an_instance_belongs_to_one_device(tmp_path: Path) -> None:
    split = 'templates = true\n[[uplink.device]]\nname = "D"\nvariables = ["CELL.ON"]\n'
    found = catalogue(tmp_path, ("CELL", CELL, 300), uplink=split)
    assert set(found.instances) == {"CELL.MOTORS[1]", "CELL.MOTORS[2]"}
    whole = 'templates = true\n[[uplink.device]]\nname = "D"\nvariables = ["CELL.*"]\n'
    found = catalogue(tmp_path, ("CELL", CELL, 300), uplink=whole)
    assert {place.device for place in found.places.values()} == {"D"}
    assert set(found.instances) == {"CELL"}


def test_a_name_that_two_types_bear_is_a_template_for_the_first(tmp_path: Path) -> None:
    other = Structure("Motor", (Field("ON", 0, BOOL),), 1, 1)
    more = "templates = true\n"
    found = catalogue(tmp_path, ("A", MOTOR, 300), ("B", other, 310), uplink=more)
    assert set(found.instances) == {"A"}
    assert found.places["B.ON"].members == ()


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('group = "a/b"\n', "uplink[0].group"),
        ('node = "a+"\n', "uplink[0].node"),
        ('[[uplink.device]]\nname = "a#"\nvariables = ["A"]\n', "device[0].name"),
        ('[[uplink.device]]\nname = "a"\nvariables = ["A"]\nlink = "gone"\n', "a [[device]] (pump"),
        ('[[uplink.device]]\nname = "a"\nvariables = ["A"]\n' * 2, "one [[uplink.device]] named a"),
        ('[[uplink.command]]\nvariable = "A"\nconfirm = true\n', "no confirm"),
        ('other_brokers = ["nowhere"]\n', "uplink[0].other_brokers"),
        ('command_ttl = "2h"\n', "uplink[0].command_ttl"),
    ],
)
def test_settings_that_cannot_be_are_told(tmp_path: Path, lines: str, fault: str) -> None:
    with pytest.raises(ProjectError) as caught:
        catalogue(tmp_path, ("A", INT, 300), uplink=lines)
    assert fault in str(caught.value)


def test_tck_id_message_flow_edge_node_birth_publish_will_message_payload_bdseq(
    tmp_path: Path,
) -> None:
    path = tmp_path / "outbox.spb.bdseq"
    assert [SessionNumber(path, 4).next() for _ in range(6)] == [0, 1, 2, 3, 0, 1]
    kept = SessionNumber(path, 4)
    assert (kept.next(), kept.next()) == (2, 3)


@pytest.mark.parametrize("content", ["", "x", "-7", "400"])
def test_a_damaged_number_of_connections_begins_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "number"
    path.write_text(content)
    assert SessionNumber(path, 256).next() == 0
    assert path.read_text() == "0\n"


def test_a_number_that_cannot_be_kept_counts_on_in_memory(tmp_path: Path) -> None:
    number = SessionNumber(tmp_path / "missing" / "number", 256)
    assert (number.next(), number.next()) == (0, 1)
