"""NCMD and DCMD as a node reads them, and the word of the primary host."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.cloud.commands_sparkplug import (
    CommandInbox,
    SparkplugCommandLink,
    incoming_of,
)
from gateway.cloud.mqtt import is_granted
from gateway.cloud.seam import UplinkError
from gateway.config import COMMAND_QUEUE
from gateway.protocols.sparkplug.commands import Order, Request
from gateway.protocols.sparkplug.datatypes import Value
from gateway.protocols.sparkplug.payload import ReceivedPayload, decode_payload
from gateway.protocols.sparkplug.state import PrimaryHost
from gateway.protocols.sparkplug.wire import PayloadError, chunk
from tests.support.sparkplug_reader import Payload
from tests.unit.cloud.test_sparkplug import NOW, alive, by_name


def command(*metrics: dict[str, Any]) -> bytes:
    """Return a message of a host."""
    payload = Payload(timestamp=NOW)
    for metric in metrics:
        payload.metrics.add(timestamp=NOW, **metric)
    written: bytes = payload.SerializeToString()
    return written


def asked(device: str = "", **metric: Value) -> Request:
    """Return what a message of one metric asks of a node or device."""
    return alive().request(decode_payload(command(metric)).metrics, device)


def test_tck_id_operational_behavior_data_commands_ncmd_rebirth_value() -> None:
    assert asked(name="Node Control/Rebirth", boolean_value=True) == Request(
        rebirth=True, orders=()
    )
    assert asked(name="Node Control/Rebirth", boolean_value=False) == Request(
        rebirth=False, orders=()
    )
    assert asked("tank", name="Node Control/Rebirth", boolean_value=True).rebirth is False


def test_tck_id_topics_ncmd_payload() -> None:
    assert asked(name="A", int_value=5).orders == (Order("A", 5),)
    assert asked(name="B", string_value="x").orders == (Order("B", "x"),)
    assert asked(name="A", double_value=2.5).orders == (Order("A", 2.5),)
    assert asked(name="A", float_value=2.5).orders == (Order("A", 2.5),)


def test_tck_id_topics_dcmd_payload() -> None:
    assert asked("tank", name="T.ON", boolean_value=True).orders == (Order("T.ON", value=True),)


def test_a_metric_may_be_named_by_its_alias() -> None:
    alias = by_name(alive().births(NOW)[1])["T.LEVEL"].alias
    assert asked("tank", alias=alias, int_value=7).orders == (Order("T.LEVEL", 7),)
    assert asked(alias=999, int_value=7).orders == (Order("alias 999", 7),)


@pytest.mark.parametrize("raw", [0xFFFB, 0xFFFF_FFFB])
def test_negative_numbers_come_in_their_own_width_or_in_the_field_s(raw: int) -> None:
    assert asked(name="A", int_value=raw).orders == (Order("A", -5),)
    assert asked(name="A", int_value=raw, datatype=2).orders == (Order("A", -5),)


def test_a_number_out_of_range_is_not_wrapped_into_it() -> None:
    assert asked(name="A", int_value=70_000).orders == (Order("A", 70_000),)
    assert asked(name="A", int_value=70_000, datatype=3).orders == (Order("A", 70_000),)


def test_null_is_no_value() -> None:
    assert asked(name="A", is_null=True).orders == (Order("A", None),)
    assert asked(name="A").orders == (Order("A", None),)


def test_a_metric_of_a_device_is_not_the_node_s_and_the_other_way_round() -> None:
    assert asked(name="T.LEVEL", int_value=1).orders == (Order("NCMD T.LEVEL", 1),)
    assert asked("tank", name="A", int_value=1).orders == (Order("tank/A", 1),)
    assert asked("pump", name="T.LEVEL", int_value=1).orders == (Order("pump/T.LEVEL", 1),)
    alias = by_name(alive().births(NOW)[1])["T.LEVEL"].alias
    assert asked("pump", alias=alias, int_value=1).orders == (Order("pump/T.LEVEL", 1),)


def test_a_variable_that_nothing_publishes_is_named_by_its_path() -> None:
    assert asked(name="MAIN.SECRET", int_value=1).orders == (Order("MAIN.SECRET", 1),)


def test_members_of_a_template_are_orders_each() -> None:
    payload = Payload(timestamp=NOW)
    template = payload.metrics.add(name="MIX").template_value
    template.metrics.add(name="RUN", boolean_value=True)
    template.metrics.add(name="M").template_value.metrics.add(name="COUNT", int_value=9)
    metrics = decode_payload(payload.SerializeToString()).metrics
    assert alive().request(metrics).orders == (
        Order("MIX.RUN", value=True),
        Order("MIX.M.COUNT", 9),
    )


def test_templates_in_templates_without_end_are_refused() -> None:
    content = b""
    for _ in range(100):
        content = chunk(18, chunk(2, content))
    with pytest.raises(PayloadError, match="templates"):
        decode_payload(chunk(2, content))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_message_or_refused(content: bytes) -> None:
    try:
        found = decode_payload(content)
    except PayloadError:
        return
    assert isinstance(found, ReceivedPayload)


def test_an_order_is_a_command_that_expires_with_an_id_of_its_own() -> None:
    incoming = incoming_of(Order("A", float("nan")), "7f", 2000, is_retained=True)
    assert json.loads(incoming.payload) == {
        "id": "7f", "variable": "A", "value": "NaN", "ttl_ms": 2000,
    }  # fmt: skip
    assert incoming.is_retained


def test_commands_that_nobody_listens_for_are_not_kept() -> None:
    command = incoming_of(Order("A", 1), "a", 1, is_retained=False)

    async def talk() -> None:
        inbox = CommandInbox()
        link = SparkplugCommandLink(inbox)
        assert not inbox.put(command)
        inbox.open()
        assert not inbox.put(command)
        await link.connect()
        assert inbox.put(command)
        assert await inbox.next() == command
        assert [inbox.put(command) for _ in range(COMMAND_QUEUE + 1)].count(False) == 1
        inbox.close()
        with pytest.raises(UplinkError, match="ended"):
            await link.listen(lambda _: None)
        await link.close()
        inbox.open()
        assert not inbox.put(command)
        await link.connect()
        assert inbox.waiting == 0

    asyncio.run(talk())


def test_a_subscription_that_a_broker_refuses_is_none() -> None:
    refused = ReasonCode(PacketTypes.SUBACK, "Not authorized")
    granted = ReasonCode(PacketTypes.SUBACK, "Granted QoS 1")
    assert is_granted([1, 0])
    assert is_granted([granted])
    assert not is_granted([1, 0x80])
    assert not is_granted([granted, refused])


# -- the primary host -----------------------------------------------------------------------------
TOPIC = "spBv1.0/STATE/scada"


def state(*, online: object = True, timestamp: object = 10, **more: object) -> bytes:
    """Return a STATE message."""
    return json.dumps({"online": online, "timestamp": timestamp, **more}).encode()


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_online() -> None:
    host = PrimaryHost("scada")
    assert not host.is_online
    assert host.take(TOPIC, state(online=False))
    assert not host.is_online
    assert host.take(TOPIC, state())
    assert host.is_online


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_id() -> None:
    host = PrimaryHost("scada")
    assert not host.take("spBv1.0/STATE/other", state())
    assert not host.is_online


def test_tck_id_message_flow_edge_node_birth_publish_phid_wait_timestamp() -> None:
    host = PrimaryHost("scada")
    assert host.take(TOPIC, state(online=False, timestamp=10))
    assert not host.take(TOPIC, state(timestamp=9))
    assert not host.is_online
    assert host.take(TOPIC, state(timestamp=10))
    assert host.is_online


def test_tck_id_operational_behavior_edge_node_termination_host_offline_timestamp() -> None:
    host = PrimaryHost("scada")
    host.take(TOPIC, state(timestamp=10))
    assert not host.take(TOPIC, state(online=False, timestamp=9))
    assert host.is_online
    assert host.take(TOPIC, state(online=False, timestamp=10))
    assert not host.is_online


@pytest.mark.parametrize(
    "payload",
    [b"ONLINE", b"", b"[]", b"\xff", b"[" * 2000, state(online=1), state(timestamp="10"),
     state(timestamp=True), state(timestamp=1.5), b'{"online": true}'],
)  # fmt: skip
def test_what_is_no_state_changes_nothing(payload: bytes) -> None:
    host = PrimaryHost("scada")
    assert not host.take(TOPIC, payload)
    assert not host.is_online
