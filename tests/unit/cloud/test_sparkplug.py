"""A Sparkplug edge node; tests bear the identities of the assertions of the specification 3.0.

`sparkplug_assertions.tsv` beside this file tells which test is for which assertion.
"""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.sparkplug.catalogue import Catalogue, Definition, Member, Place
from gateway.protocols.sparkplug.datatypes import Datatype, QualityCode, Value, fitting, signed
from gateway.protocols.sparkplug.node import EdgeNode, NodeMessage, Present, Report
from tests.support.sparkplug_reader import read

NOW = 1_700_000_000_000
MOTOR = Definition(
    "_types_/Motor", (Member("SPEED", Datatype.FLOAT), Member("COUNT", Datatype.INT16))
)
MIXER = Definition(
    "_types_/Mixer",
    (Member("RUN", Datatype.BOOLEAN), Member("M", Datatype.TEMPLATE, MOTOR.name)),
)
CATALOGUE = Catalogue(
    {
        "A": Place("", "A", Datatype.INT16),
        "B": Place("", "B", Datatype.STRING),
        "MIX.RUN": Place("", "MIX", Datatype.BOOLEAN, ("RUN",)),
        "MIX.M.SPEED": Place("", "MIX", Datatype.FLOAT, ("M", "SPEED")),
        "MIX.M.COUNT": Place("", "MIX", Datatype.INT16, ("M", "COUNT")),
        "T.LEVEL": Place("tank", "T.LEVEL", Datatype.INT32),
        "T.ON": Place("tank", "T.ON", Datatype.BOOLEAN),
        "P.SPEED": Place("pump", "P", Datatype.FLOAT, ("SPEED",)),
        "P.COUNT": Place("pump", "P", Datatype.INT16, ("COUNT",)),
    },
    (MOTOR, MIXER),
    {"MIX": MIXER.name, "P": MOTOR.name},
    ("tank", "pump"),
)


def born(*names: str) -> EdgeNode:
    """Return a node that is connected and has reported some metrics of its own."""
    node = EdgeNode("plant", "press")
    node.connecting(0, NOW)
    node.births(NOW)
    if names:
        node.data([Report(name, 1, NOW) for name in names], NOW, historical=False)
    return node


def plant(*, linked: Sequence[str] = ("tank", "pump"), present: Present | None = None) -> EdgeNode:
    """Return a connected node of `CATALOGUE`, not born yet."""
    node = EdgeNode("plant", "press", lambda: present or Present())
    node.connecting(3, NOW)
    node.adopt(CATALOGUE)
    for device in linked:
        assert node.link(device, NOW, up=True) == []
    return node


def alive() -> EdgeNode:
    """Return a node of `CATALOGUE` with all devices born."""
    node = plant()
    node.births(NOW)
    return node


def data(node: EdgeNode, *reports: Report, historical: bool = False) -> list[NodeMessage]:
    """Return what reports the values of a scan."""
    return node.data(reports, NOW + 5, historical=historical)


def kinds(messages: Sequence[NodeMessage]) -> list[str]:
    """Return kind and device of each message."""
    parts = [item.topic.split("/") for item in messages]
    return ["/".join([part[2], *part[4:]]) for part in parts]


def by_name(message: NodeMessage) -> dict[str, Any]:
    """Return the metrics of a message."""
    return {item.name: item for item in read(message.payload).metrics}


# -- topics ---------------------------------------------------------------------------------------
def test_tck_id_topics_nbirth_topic() -> None:
    assert born().births(NOW)[0].topic == "spBv1.0/plant/NBIRTH/press"


def test_tck_id_topics_ndata_topic() -> None:
    assert data(born("A"), Report("A", 2, NOW))[0].topic == "spBv1.0/plant/NDATA/press"


def test_tck_id_topics_ndeath_topic() -> None:
    assert born().death(NOW).topic == "spBv1.0/plant/NDEATH/press"


def test_tck_id_topics_dbirth_topic() -> None:
    topics = [item.topic for item in plant().births(NOW)]
    assert topics == [
        "spBv1.0/plant/NBIRTH/press", "spBv1.0/plant/DBIRTH/press/tank",
        "spBv1.0/plant/DBIRTH/press/pump",
    ]  # fmt: skip


def test_tck_id_topics_ddata_topic() -> None:
    (message,) = data(alive(), Report("T.LEVEL", 4, NOW + 1))
    assert message.topic == "spBv1.0/plant/DDATA/press/tank"


def test_tck_id_topics_ddeath_topic() -> None:
    (message,) = alive().link("tank", NOW, up=False)
    assert message.topic == "spBv1.0/plant/DDEATH/press/tank"


def test_tck_id_topics_ncmd_topic() -> None:
    node = plant()
    assert node.topic("NCMD") == "spBv1.0/plant/NCMD/press"
    assert node.topic("DCMD", "tank") == "spBv1.0/plant/DCMD/press/tank"


# -- numbers and times ----------------------------------------------------------------------------
def test_tck_id_topics_nbirth_seq_num() -> None:
    payload = read(born("A", "B").births(NOW)[0].payload)
    assert payload.HasField("seq")
    assert payload.seq == 0


def test_tck_id_payloads_sequence_num_incrementing() -> None:
    node = alive()
    messages = [*node.births(NOW)]
    for number in range(300):
        messages += data(node, Report("A", number, NOW), Report("T.LEVEL", number, NOW))
        messages += node.link("pump", NOW, up=bool(number % 2))
    found = [read(item.payload).seq for item in messages]
    assert found == [number % 256 for number in range(len(messages))]
    assert {"DBIRTH/tank", "DDEATH/pump", "DBIRTH/pump", "DDATA/tank"} <= set(kinds(messages))


def test_tck_id_payloads_sequence_num_always_included() -> None:
    node = alive()
    messages = [
        *node.births(NOW),
        *data(node, Report("A", 1, NOW), Report("T.LEVEL", 1, NOW)),
        *node.link("tank", NOW, up=False),
    ]
    assert all(read(item.payload).HasField("seq") for item in messages)


def test_tck_id_topics_nbirth_timestamp() -> None:
    node = alive()
    messages = [
        *node.births(NOW + 5),
        *data(node, Report("A", 1, NOW), Report("T.LEVEL", 1, NOW)),
        *node.link("tank", NOW + 5, up=False),
    ]
    assert {read(item.payload).timestamp for item in messages} == {NOW + 5}


def test_tck_id_payloads_name_birth_data_requirement() -> None:
    node = alive()
    messages = [*node.births(NOW), *data(node, Report("A", 7, NOW - 9))]
    assert read(messages[-1].payload).metrics[0].timestamp == NOW - 9
    metrics = [metric for item in messages for metric in read(item.payload).metrics]
    members = [member for metric in metrics for member in metric.template_value.metrics]
    assert all(metric.HasField("timestamp") for metric in (*metrics, *members))


def test_tck_id_topics_nbirth_bdseq_included_and_matching() -> None:
    node = EdgeNode("plant", "press")
    will = read(node.connecting(41, NOW).payload)
    for _ in range(2):
        metric = by_name(node.births(NOW)[0])["bdSeq"]
        assert (metric.long_value, metric.datatype) == (41, 4)
    assert (will.metrics[0].name, will.metrics[0].long_value) == ("bdSeq", 41)


def test_tck_id_topics_ndeath_payload() -> None:
    payload = read(alive().death(NOW).payload)
    assert [item.name for item in payload.metrics] == ["bdSeq"]


def test_tck_id_topics_ndeath_seq() -> None:
    assert not read(alive().death(NOW).payload).HasField("seq")


# -- births ---------------------------------------------------------------------------------------
def test_tck_id_topics_nbirth_metrics() -> None:
    node = born()
    values: dict[str, Value] = {"B": True, "I": -5, "U": 1 << 63, "D": 1.5, "S": "text", "N": "NaN"}
    birth, _ = data(node, *(Report(name, value, NOW - 3) for name, value in values.items()))
    metrics = by_name(birth)
    assert {name: metrics[name].datatype for name in values} == {
        "B": 11, "I": 4, "U": 8, "D": 10, "S": 12, "N": 10,
    }  # fmt: skip
    assert metrics["B"].boolean_value is True
    assert metrics["I"].long_value == (1 << 64) - 5
    assert metrics["U"].long_value == 1 << 63
    assert metrics["D"].double_value == 1.5
    assert metrics["S"].string_value == "text"
    assert math.isnan(metrics["N"].double_value)


def test_tck_id_topics_nbirth_metric_reqs() -> None:
    names = set(by_name(alive().births(NOW)[0]))
    assert names == {
        "bdSeq", "Node Control/Rebirth", "_types_/Motor", "_types_/Mixer", "A", "B", "MIX",
    }  # fmt: skip


def test_a_variable_that_is_new_makes_a_birth_precede_its_data() -> None:
    messages = data(born("A"), Report("A", 2, NOW), Report("NEW", 3, NOW))
    assert kinds(messages) == ["NBIRTH", "NDATA"]
    assert set(by_name(messages[0])) == {"bdSeq", "Node Control/Rebirth", "A", "NEW"}
    assert read(messages[1].payload).seq == 1


def test_tck_id_topics_dbirth_metrics() -> None:
    reports = (Report("T.LEVEL", -7, NOW - 2), Report("T.ON", value=True, timestamp_ms=NOW - 2))
    _, tank, _ = plant(present=Present(reports)).births(NOW)
    metrics = by_name(tank)
    assert set(metrics) == {"T.LEVEL", "T.ON"}
    assert (metrics["T.LEVEL"].datatype, metrics["T.LEVEL"].int_value) == (3, (1 << 32) - 7)
    assert (metrics["T.ON"].datatype, metrics["T.ON"].boolean_value) == (11, True)
    assert metrics["T.ON"].timestamp == NOW - 2


def test_tck_id_operational_behavior_data_publish_nbirth_values() -> None:
    present = Present((Report("A", 12, NOW - 1),))
    metrics = by_name(plant(present=present).births(NOW)[0])
    assert (metrics["A"].int_value, metrics["A"].is_null) == (12, False)
    assert metrics["B"].is_null
    assert not metrics["B"].HasField("string_value")


def test_tck_id_operational_behavior_data_publish_nbirth_order() -> None:
    node = plant(present=Present((Report("B", "x", NOW - 50), Report("A", 1, NOW - 100))))
    times = [item.timestamp for item in read(node.births(NOW)[0].payload).metrics]
    assert times == sorted(times)


def test_tck_id_topics_nbirth_rebirth_metric() -> None:
    metric = by_name(alive().births(NOW)[0])["Node Control/Rebirth"]
    assert (metric.datatype, metric.boolean_value) == (11, False)


def test_tck_id_operational_behavior_data_commands_rebirth_name_aliases() -> None:
    metrics = by_name(alive().births(NOW)[0])
    assert [name for name, item in metrics.items() if not item.HasField("alias")] == [
        "Node Control/Rebirth"
    ]


def test_tck_id_operational_behavior_data_commands_rebirth_action_2() -> None:
    node = alive()
    data(node, Report("A", 1, NOW), Report("T.LEVEL", 1, NOW))
    assert kinds(node.births(NOW)) == ["NBIRTH", "DBIRTH/tank", "DBIRTH/pump"]


def test_tck_id_payloads_dbirth_order() -> None:
    messages = data(alive(), Report("NEW", 1, NOW), Report("T.LEVEL", 1, NOW))
    assert kinds(messages) == ["NBIRTH", "DBIRTH/tank", "DBIRTH/pump", "NDATA", "DDATA/tank"]


def test_what_a_stopped_program_left_is_stale_in_a_birth() -> None:
    present = Present((Report("A", 1, NOW), Report("T.LEVEL", 1, NOW)), is_running=False)
    node, tank, _ = plant(present=present).births(NOW)
    for metric in (by_name(node)["A"], by_name(tank)["T.LEVEL"]):
        assert metric.properties.values[0].int_value == QualityCode.STALE


# -- aliases --------------------------------------------------------------------------------------
def test_tck_id_payloads_alias_uniqueness() -> None:
    messages = alive().births(NOW)
    metrics = [metric for item in messages for metric in read(item.payload).metrics]
    aliases = [item.alias for item in metrics if item.HasField("alias")]
    assert len(set(aliases)) == len(aliases) == 9


def test_tck_id_payloads_alias_birth_requirement() -> None:
    for message in alive().births(NOW):
        for metric in read(message.payload).metrics:
            assert metric.HasField("name")
            assert metric.HasField("alias") or metric.name == "Node Control/Rebirth"


def test_tck_id_payloads_alias_data_cmd_requirement() -> None:
    node = alive()
    births = node.births(NOW)
    sent = data(node, Report("B", "x", NOW), Report("T.ON", value=True, timestamp_ms=NOW))
    for message, birth, name in zip(sent, births[:2], ("B", "T.ON"), strict=True):
        (metric,) = read(message.payload).metrics
        assert not metric.HasField("name")
        assert metric.alias == by_name(birth)[name].alias


def test_tck_id_payloads_metric_datatype_not_req() -> None:
    for message in data(alive(), Report("A", 1, NOW), Report("T.LEVEL", 1, NOW)):
        assert not read(message.payload).metrics[0].HasField("datatype")


# -- devices --------------------------------------------------------------------------------------
def test_tck_id_operational_behavior_device_ddeath() -> None:
    node = alive()
    (death,) = node.link("tank", NOW, up=False)
    assert (kinds([death]), list(read(death.payload).metrics)) == (["DDEATH/tank"], [])
    assert node.link("tank", NOW, up=False) == []
    assert kinds(node.births(NOW)) == ["NBIRTH", "DBIRTH/pump"]
    (birth,) = node.link("tank", NOW, up=True)
    assert set(by_name(birth)) == {"T.LEVEL", "T.ON"}


def test_no_data_of_a_device_comes_between_its_death_and_its_birth() -> None:
    node = alive()
    node.link("tank", NOW, up=False)
    later = Report("T.LEVEL", 5, NOW + 1)
    assert kinds(data(node, later, Report("A", 1, NOW))) == ["NDATA"]
    (birth,) = node.link("tank", NOW + 2, up=True)
    assert by_name(birth)["T.LEVEL"].int_value == 5


def test_data_from_before_a_device_s_death_is_told_after_it() -> None:
    node = alive()
    node.link("tank", NOW, up=False)
    messages = data(node, Report("T.LEVEL", 5, NOW - 1))
    assert kinds([*messages, *node.settle(NOW)]) == ["DBIRTH/tank", "DDATA/tank", "DDEATH/tank"]
    assert read(messages[1].payload).metrics[0].is_historical


def test_a_dead_device_lives_for_the_time_that_it_takes_to_tell_its_past() -> None:
    node = alive()
    node.link("tank", NOW, up=False)
    reports = [Report("T.LEVEL", 5, NOW - 9), Report("T.ON", None, NOW - 9, QualityCode.BAD)]
    first = data(node, *reports, historical=True)
    second = data(node, reports[0], historical=True)
    assert kinds([*first, *second]) == ["DBIRTH/tank", "DDATA/tank", "DDATA/tank"]
    assert all(item.is_historical for item in read(first[1].payload).metrics)
    assert kinds(node.settle(NOW)) == ["DDEATH/tank"]
    assert node.settle(NOW) == []
    assert node.link("tank", NOW, up=False) == []


def test_a_device_that_returns_while_it_tells_its_past_stays_alive() -> None:
    node = alive()
    node.link("tank", NOW, up=False)
    data(node, Report("T.LEVEL", 5, NOW - 9), historical=True)
    assert kinds(node.link("tank", NOW, up=True)) == ["DBIRTH/tank"]
    assert node.settle(NOW) == []


def test_another_program_takes_its_own_devices_and_metrics_with_it() -> None:
    node = alive()
    node.adopt(Catalogue({"C": Place("pump", "C", Datatype.BOOLEAN)}, devices=("pump",)))
    node_birth, pump = node.births(NOW)
    assert set(by_name(node_birth)) == {"bdSeq", "Node Control/Rebirth"}
    assert set(by_name(pump)) == {"C"}


# -- quality and history --------------------------------------------------------------------------
@pytest.mark.parametrize("quality", [QualityCode.BAD, QualityCode.STALE])
def test_tck_id_payloads_propertyset_quality_value_type_and_value(quality: QualityCode) -> None:
    node = born("A")
    (message,) = data(node, Report("A", 7, NOW, quality))
    for metric in (read(message.payload).metrics[0], by_name(node.births(NOW)[0])["A"]):
        properties = metric.properties
        assert list(properties.keys) == ["Quality"]
        assert (properties.values[0].type, properties.values[0].int_value) == (3, quality)


def test_good_values_bear_no_quality() -> None:
    (message,) = data(born("A"), Report("A", 7, NOW))
    assert not read(message.payload).metrics[0].HasField("properties")


def test_a_value_that_its_type_cannot_hold_is_null_not_wrong() -> None:
    (message,) = data(alive(), Report("A", 40_000, NOW))
    (metric,) = read(message.payload).metrics
    assert metric.is_null
    assert not metric.HasField("int_value")


def test_a_backlog_is_historical_and_no_birth_shows_it_as_current() -> None:
    node = born("A")
    (message,) = data(node, Report("A", 99, NOW - 10**6), historical=True)
    assert read(message.payload).metrics[0].is_historical
    assert by_name(node.births(NOW)[0])["A"].long_value == 1


def test_a_live_value_older_than_the_one_told_is_historical() -> None:
    node = plant(present=Present((Report("A", 5, NOW),)))
    node.births(NOW)
    older, same = data(node, Report("A", 4, NOW - 1)), data(node, Report("A", 5, NOW))
    assert read(older[0].payload).metrics[0].is_historical
    assert not read(same[0].payload).metrics[0].is_historical
    assert by_name(node.births(NOW)[0])["A"].int_value == 5


def test_a_clock_that_was_set_back_makes_no_history_of_the_present() -> None:
    hour = 3_600_000
    node = plant(present=Present((Report("A", 5, NOW),)))
    node.births(NOW)
    (message,) = data(node, Report("A", 6, NOW - hour))
    assert not read(message.payload).metrics[0].is_historical
    assert by_name(node.births(NOW - hour)[0])["A"].int_value == 5
    node.link("tank", NOW, up=False)
    assert data(node, Report("T.LEVEL", 5, NOW - hour)) == []


# -- values ---------------------------------------------------------------------------------------
@given(st.text(max_size=20), st.floats(), st.integers(-(2**63), 2**64 - 1))
def test_google_s_reader_agrees_with_our_writer(name: str, real: float, whole: int) -> None:
    birth, message = data(
        born(), Report(f"{name}/r", real, NOW + 1), Report(f"{name}/w", whole, NOW + 1)
    )
    assert {f"{name}/r", f"{name}/w"} <= set(by_name(birth))
    first, second = read(message.payload).metrics
    assert first.double_value == real or math.isnan(real)
    assert second.long_value == whole % 2**64


@given(st.sampled_from([item for item in Datatype if item < Datatype.FLOAT]), st.data())
def test_whole_numbers_come_back_by_their_datatypes(kind: Datatype, draw: st.DataObject) -> None:
    value = draw.draw(st.integers(-(2**63), 2**64 - 1))
    held = fitting(value, kind)
    if held is None:
        return
    assert isinstance(held, int)
    field = 64 if kind in {Datatype.INT64, Datatype.UINT64} else 32
    assert signed(held % (1 << field), kind) == value


def test_values_of_another_kind_do_not_fit() -> None:
    assert fitting(value=True, datatype=Datatype.INT16) is None
    assert fitting(1, Datatype.BOOLEAN) is None
    assert fitting("7", Datatype.INT16) is None
    assert fitting("seven", Datatype.DOUBLE) is None
    assert fitting(1e300, Datatype.FLOAT) is None
    assert fitting(10**400, Datatype.DOUBLE) is None
    assert fitting(2.5, Datatype.INT64) is None
    assert fitting(5, Datatype.STRING) == "5"
    assert fitting("Infinity", Datatype.FLOAT) == math.inf
