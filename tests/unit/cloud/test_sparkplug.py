"""A Sparkplug edge node; tests bear the identities of the assertions of the specification 3.0."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols.sparkplug.node import EdgeNode, Report
from gateway.protocols.sparkplug.payload import (
    PayloadError,
    QualityCode,
    Value,
    decode_command,
)
from tests.support.sparkplug_reader import Payload, read

NOW = 1_700_000_000_000


def born(*names: str) -> EdgeNode:
    """Return a node that is connected and has reported some metrics."""
    node = EdgeNode("plant", "press")
    node.connecting(NOW)
    node.birth(NOW)
    if names:
        node.data([Report(name, 1, NOW) for name in names], NOW, historical=False)
    return node


def test_tck_id_topics_nbirth_topic() -> None:
    assert born().birth(NOW).topic == "spBv1.0/plant/NBIRTH/press"


def test_tck_id_topics_ndata_topic() -> None:
    assert born().data([], NOW, historical=False)[0].topic == "spBv1.0/plant/NDATA/press"


def test_tck_id_topics_ndeath_topic() -> None:
    assert born().death(NOW).topic == "spBv1.0/plant/NDEATH/press"


def test_tck_id_payloads_sequence_num_zero_nbirth() -> None:
    node = born("A", "B")
    payload = read(node.birth(NOW).payload)
    assert payload.HasField("seq")
    assert payload.seq == 0


def test_tck_id_payloads_sequence_num_incrementing() -> None:
    node = born("A")
    node.birth(NOW)
    report = [Report("A", 1, NOW)]
    found = [read(node.data(report, NOW, historical=False)[0].payload).seq for _ in range(300)]
    assert found == [number % 256 for number in range(1, 301)]


def test_tck_id_topics_nbirth_timestamp() -> None:
    assert read(born().birth(NOW).payload).timestamp == NOW


def test_tck_id_topics_nbirth_metrics() -> None:
    node = born()
    values: dict[str, Value] = {"B": True, "I": -5, "U": 1 << 63, "D": 1.5, "S": "text", "N": "NaN"}
    birth, _ = node.data(
        [Report(name, value, NOW - 3) for name, value in values.items()], NOW, historical=False
    )
    metrics = {item.name: item for item in read(birth.payload).metrics}
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
    node = born("A")
    messages = node.data([Report("A", 2, NOW), Report("B", 3, NOW)], NOW, historical=False)
    assert [item.topic.split("/")[2] for item in messages] == ["NBIRTH", "NDATA"]
    names = [item.name for item in read(messages[0].payload).metrics]
    assert names == ["bdSeq", "Node Control/Rebirth", "A", "B"]
    assert read(messages[1].payload).seq == 1


def test_tck_id_topics_nbirth_bdseq_included_and_matching() -> None:
    node = EdgeNode("plant", "press")
    will = read(node.connecting(NOW).payload)
    birth = read(node.birth(NOW).payload)
    (of_birth,) = [item for item in birth.metrics if item.name == "bdSeq"]
    assert of_birth.long_value == will.metrics[0].long_value


def test_tck_id_topics_nbirth_bdseq_increment() -> None:
    node = EdgeNode("plant", "press")
    found = [read(node.connecting(NOW).payload).metrics[0].long_value for _ in range(258)]
    assert found == [*range(256), 0, 1]


def test_tck_id_topics_nbirth_rebirth_metric() -> None:
    (metric,) = [
        item
        for item in read(born().birth(NOW).payload).metrics
        if item.name == "Node Control/Rebirth"
    ]
    assert (metric.datatype, metric.boolean_value) == (11, False)


def test_tck_id_topics_ndeath_payload() -> None:
    payload = read(born("A").death(NOW).payload)
    assert [item.name for item in payload.metrics] == ["bdSeq"]


def test_tck_id_topics_ndeath_seq() -> None:
    assert not read(born().death(NOW).payload).HasField("seq")


def test_tck_id_payloads_alias_uniqueness() -> None:
    metrics = read(born(*"ABCDE").birth(NOW).payload).metrics
    aliases = [item.alias for item in metrics if item.name != "bdSeq"]
    assert len(set(aliases)) == len(aliases) == 6


def test_tck_id_payloads_alias_data_cmd_requirement() -> None:
    node = born("A", "B")
    aliases = {item.name: item.alias for item in read(node.birth(NOW).payload).metrics}
    (data,) = node.data([Report("B", 7, NOW)], NOW, historical=False)
    (metric,) = read(data.payload).metrics
    assert not metric.HasField("name")
    assert metric.alias == aliases["B"]


def test_tck_id_payloads_name_birth_data_requirement() -> None:
    node = born("A")
    (data,) = node.data([Report("A", 7, NOW - 9)], NOW, historical=False)
    assert read(data.payload).metrics[0].timestamp == NOW - 9
    assert all(item.HasField("timestamp") for item in read(node.birth(NOW).payload).metrics)


@pytest.mark.parametrize("quality", [QualityCode.BAD, QualityCode.STALE])
def test_tck_id_payloads_propertyset_quality_value_type_and_value(quality: QualityCode) -> None:
    node = born("A")
    (data,) = node.data([Report("A", 7, NOW, quality)], NOW, historical=False)
    properties = read(data.payload).metrics[0].properties
    assert list(properties.keys) == ["Quality"]
    assert (properties.values[0].type, properties.values[0].int_value) == (3, quality)


def test_good_values_bear_no_quality() -> None:
    (data,) = born("A").data([Report("A", 7, NOW)], NOW, historical=False)
    assert not read(data.payload).metrics[0].HasField("properties")


def test_a_backlog_is_historical_and_no_birth_shows_it_as_current() -> None:
    node = born("A")
    (data,) = node.data([Report("A", 99, NOW - 10**6)], NOW, historical=True)
    assert read(data.payload).metrics[0].is_historical
    (current,) = [item for item in read(node.birth(NOW).payload).metrics if item.name == "A"]
    assert current.long_value == 1


def command(name: str, *, value: bool) -> bytes:
    payload = Payload(timestamp=NOW)
    payload.metrics.add(name=name, boolean_value=value, timestamp=NOW)
    written: bytes = payload.SerializeToString()
    return written


def test_a_host_may_ask_for_a_birth() -> None:
    node = born("A")
    assert node.asks_rebirth(decode_command(command("Node Control/Rebirth", value=True)))
    assert not node.asks_rebirth(decode_command(command("Node Control/Rebirth", value=False)))


def test_a_host_may_write_nothing_else() -> None:
    node = born("A")
    writing = decode_command(command("A", value=True))
    assert not node.asks_rebirth(writing)
    assert node.refused(writing) == ["A"]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_command_or_refused(content: bytes) -> None:
    try:
        found = decode_command(content)
    except PayloadError:
        return
    assert isinstance(found, list)


@given(st.text(max_size=20), st.floats(), st.integers(-(2**63), 2**64 - 1))
def test_google_s_reader_agrees_with_our_writer(name: str, real: float, whole: int) -> None:
    node = born()
    birth, data = node.data(
        [Report(f"{name}/r", real, NOW), Report(f"{name}/w", whole, NOW)], NOW, historical=False
    )
    metrics = read(birth.payload).metrics[2:]
    assert [item.name for item in metrics] == [f"{name}/r", f"{name}/w"]
    first, second = read(data.payload).metrics
    assert first.double_value == real or math.isnan(real)
    assert second.long_value == whole % 2**64
