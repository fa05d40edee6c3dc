"""The OPC UA driver against servers that nobody here wrote: node-opcua and asyncua."""

import asyncio
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua

from runtime.image.layout import Quality
from tests.support.faulty_proxy import Faults, faulty_tcp
from tests.support.opcua_gateway import Rig, node_toml, opcua_toml, run
from tests.support.opcua_peers import NodeServer, node_server

pytestmark = pytest.mark.system

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
VARIABLES: list[dict[str, Any]] = [
    {"id": "Flag", "type": "Boolean", "value": True},
    {"id": "Byte", "type": "Byte", "value": 200},
    {"id": "Int", "type": "Int16", "value": -2},
    {"id": "Real", "type": "Float", "value": 1.5},
    {"id": "Double", "type": "Double", "value": -2.25},
    {"id": "Big", "type": "UInt64", "value": 5},
    {"id": "Set", "type": "Int16", "value": 0},
    {"id": "Lamp", "type": "Boolean", "value": False},
    {"id": "Level", "type": "Float", "value": 0},
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node-server-certificates")


@pytest.fixture(scope="module")
def peer(certificates: Path) -> Iterator[NodeServer]:
    with node_server(certificates, VARIABLES) as server:
        yield server


def inputs(more: str = "") -> str:
    return "".join(
        (
            node_toml("%IX0.0", "ns=1;s=Flag", more),
            node_toml("%IB1", "ns=1;s=Byte", more),
            node_toml("%IW1", "ns=1;s=Int", more),
            node_toml("%ID1", "ns=1;s=Real", more),
            node_toml("%IL1", "ns=1;s=Double", more),
            node_toml("%IL2", "ns=1;s=Big", more),
        )
    )


RAWS = [
    1, 200, 0xFFFE,
    int.from_bytes(struct.pack("<f", 1.5), "little"),
    int.from_bytes(struct.pack("<d", -2.25), "little"),
    5,
]  # fmt: skip


@pytest.mark.parametrize("subscribe", ["true", "false"])
def test_values_of_every_width_arrive_told_or_polled(
    peer: NodeServer, tmp_path: Path, subscribe: str
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, opcua_toml(peer.endpoint, f"subscribe = {subscribe}") + inputs())
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
            assert rig.raws() == RAWS
            peer.order(set={"Int": 77})
            await rig.until(lambda: rig.raws()[2] == 77, "the new value")
            peer.order(set={"Int": -2})
            await rig.until(lambda: rig.raws() == RAWS, "the old value")

    run(scenario())


def test_a_value_that_stays_keeps_its_age_below_the_limit(peer: NodeServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, opcua_toml(peer.endpoint, 'stale_after = "600ms"') + inputs())
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
            oldest_ns = 0
            end = time.monotonic() + 2
            while time.monotonic() < end:
                ages = [time.monotonic_ns() - item.source_ns for item in rig.samples()]
                oldest_ns = max(oldest_ns, *ages)
                await asyncio.sleep(0.01)
            assert oldest_ns < 600_000_000

    run(scenario())


def test_a_change_bears_the_time_of_its_source_in_our_clock(
    peer: NodeServer, tmp_path: Path
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, opcua_toml(peer.endpoint, 'poll = "50ms"') + inputs())
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
            for value in range(1000, 1010):
                before_ns = time.monotonic_ns()
                peer.order(set={"Int": value})
                await rig.until(lambda: rig.raws()[2] == value, "the new value")  # noqa: B023
                source_ns, arrived_ns = rig.samples()[2].source_ns, time.monotonic_ns()
                assert before_ns - 60_000_000 <= source_ns <= arrived_ns
        peer.order(set={"Int": -2})

    run(scenario())


def test_status_codes_become_qualities(
    peer: NodeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, opcua_toml(peer.endpoint) + inputs())
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
            peer.order(status={"Real": "BadSensorFailure", "Int": "UncertainLastUsableValue"})
            expected = [GOOD, GOOD, UNCERTAIN, BAD, GOOD, GOOD]
            await rig.until(lambda: rig.qualities() == expected, "bad and uncertain")
            assert rig.raws()[3] == RAWS[3]
            peer.order(status={"Real": "Good", "Int": "Good"})
            await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good again")

    run(scenario())
    assert caplog.text.count("device plc: ns=1;s=Real: BadSensorFailure") == 1


def test_a_node_that_is_missing_or_of_another_type_spoils_no_other(
    peer: NodeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        toml = opcua_toml(peer.endpoint)
        toml += node_toml("%IW0", "ns=1;s=Int") + node_toml("%IW1", "ns=1;s=Real")
        toml += node_toml("%IW2", "ns=1;s=Nothing") + node_toml("%IW3", "nsu=urn:none;s=Int")
        toml += node_toml("%IW4", "ns=1;s=Int", 'type = "uint16"')
        rig = Rig(tmp_path, toml)
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD, BAD, BAD, BAD, BAD], "one good input")
            assert rig.raws()[0] == 0xFFFE

    run(scenario())
    for part in (
        "ns=1;s=Real is float: expected a type of 16 bits for %IW1",
        "ns=1;s=Nothing: BadNodeIdUnknown",
        "the server has no namespace urn:none",
        "ns=1;s=Int is int16: expected uint16 for %IW4",
    ):
        assert part in caplog.text


def test_a_change_within_the_deadband_is_not_told(peer: NodeServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        toml = opcua_toml(peer.endpoint, 'poll = "20ms"')
        toml += node_toml("%ID0", "ns=1;s=Level", "deadband = 1.0") + node_toml(
            "%IW4", "ns=1;s=Int"
        )
        rig = Rig(tmp_path, toml)
        seen = set()
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD, GOOD], "good inputs")
            for number, level in enumerate((0.4, 0.8, 3.0, 3.5, 5.0)):
                peer.order(set={"Level": level, "Int": number})
                await rig.until(lambda: rig.raws()[1] == number, "the mark")  # noqa: B023
                seen.add(struct.unpack("<f", struct.pack("<I", rig.raws()[0]))[0])
        peer.order(set={"Level": 0, "Int": -2})
        assert seen <= {0.0, 3.0, 5.0}
        assert 5.0 in seen

    run(scenario())


def test_outputs_are_written_with_the_type_of_their_node(peer: NodeServer, tmp_path: Path) -> None:
    async def scenario() -> None:
        toml = opcua_toml(peer.endpoint)
        toml += node_toml("%QW0", "ns=1;s=Set") + node_toml("%QX8.0", "ns=1;s=Lamp")
        rig = Rig(tmp_path, toml)
        async with rig.serving() as (poller,):
            area = bytearray(16)
            area[0:2] = (-123).to_bytes(2, "little", signed=True)
            area[8] = 1
            rig.runtime.publish(bytes(area))
            await rig.until(lambda: peer.written == {"Set": -123, "Lamp": True}, "the writes")
            await rig.until(lambda: poller.settled, "the acknowledgement")

    peer.written.clear()
    run(scenario())


def test_an_output_that_is_refused_holds_no_other_up(
    peer: NodeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        toml = opcua_toml(peer.endpoint)
        toml += node_toml("%QW0", "ns=1;s=Nothing") + node_toml("%QW1", "ns=1;s=Set")
        toml += node_toml("%QW2", "ns=1;s=Real")
        rig = Rig(tmp_path, toml)
        async with rig.serving():
            for value in (5, 6):
                area = bytearray(16)
                area[0] = area[2] = area[4] = value
                rig.runtime.publish(bytes(area))
                await rig.until(lambda: peer.written.get("Set") == value, "the good one")  # noqa: B023
            await rig.until(lambda: "Real" in caplog.text and "Nothing" in caplog.text, "the log")

    peer.written.clear()
    run(scenario())
    assert "ns=1;s=Real is float, %QW2 has 16 bits" in caplog.text
    assert "ns=1;s=Nothing: BadNodeIdUnknown" in caplog.text


def test_a_killed_server_is_found_again_with_its_new_values(
    certificates: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with node_server(certificates, VARIABLES) as first:
            port = int(first.endpoint.split(":")[2].split("/")[0])
            rig = Rig(tmp_path, opcua_toml(first.endpoint) + inputs())
            async with rig.serving():
                await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
                first.signal(signal.SIGKILL)
                await rig.until(lambda: rig.qualities() == [BAD] * 6, "bad inputs")
                assert rig.raws() == RAWS
                changed = [dict(item) for item in VARIABLES]
                changed[2]["value"] = 4
                server = await asyncio.to_thread(NodeServer, certificates, changed, port=port)
                try:
                    await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good again")
                    assert rig.raws()[2] == 4
                finally:
                    await asyncio.to_thread(server.end)

    run(scenario())


def test_a_stopped_server_spoils_the_inputs_until_it_goes_on(
    certificates: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with node_server(certificates, VARIABLES) as server:
            rig = Rig(tmp_path, opcua_toml(server.endpoint) + inputs())
            async with rig.serving():
                await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good inputs")
                server.signal(signal.SIGSTOP)
                await rig.until(lambda: rig.qualities() == [BAD] * 6, "bad inputs")
                server.signal(signal.SIGCONT)
                await rig.until(lambda: rig.qualities() == [GOOD] * 6, "good again")

    run(scenario())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_connection_that_is_delayed_split_and_cut_loses_no_value(
    peer: NodeServer, tmp_path: Path, seed: int
) -> None:
    async def scenario() -> None:
        faults = Faults(seed, delay_s=0.01, split=0.3)
        port = int(peer.endpoint.split(":")[2].split("/")[0])
        async with faulty_tcp(port, faults) as through:
            endpoint = f"opc.tcp://127.0.0.1:{through}/peer"
            toml = opcua_toml(endpoint, 'poll = "20ms"', timeout="2s")
            rig = Rig(tmp_path, toml + inputs() + node_toml("%QW0", "ns=1;s=Set"))
            async with rig.serving():
                for value in range(1, 6):
                    peer.order(set={"Int": value})
                    area = value.to_bytes(2, "little") + bytes(14)
                    rig.runtime.publish(area)
                    await rig.until(
                        lambda: rig.qualities() == [GOOD] * 6 and rig.raws()[2] == value,  # noqa: B023
                        "the value",
                    )
                    await rig.until(lambda: peer.written.get("Set") == value, "the write")  # noqa: B023
                    faults.cut = 1.0
                    cuts = faults.cuts
                    await rig.until(lambda: faults.cuts > cuts, "a cut")  # noqa: B023
                    faults.cut = 0.0
        peer.order(set={"Int": -2})

    peer.written.clear()
    run(scenario())


# -- asyncua ------------------------------------------------------------------------------------
async def asyncua_server(count: int, *, subscriptions: bool = True) -> tuple[Server, list[Any]]:
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/peer")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace("urn:peer")
    assert index == 2
    nodes = [
        await server.nodes.objects.add_variable(
            ua.NodeId(f"V{number}", index), f"V{number}", number, ua.VariantType.Int32
        )
        for number in range(count)
    ]
    if not subscriptions:
        server.iserver.max_subscriptions = 0
    await server.start()
    return server, nodes


@pytest.mark.parametrize("subscriptions", [True, False])
def test_thousands_of_nodes_arrive_in_batches(tmp_path: Path, subscriptions: bool) -> None:  # noqa: FBT001
    async def scenario() -> None:
        server, nodes = await asyncua_server(1500, subscriptions=subscriptions)
        toml = opcua_toml(
            f"opc.tcp://127.0.0.1:{server.bserver.port}/peer",
            'poll = "200ms"', 'stale_after = "10s"', timeout="10s",
        )  # fmt: skip
        toml += "".join(node_toml(f"%ID{n}", f"nsu=urn:peer;s=V{n}") for n in range(1500))
        rig = Rig(tmp_path, toml)
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 1500, "good inputs")
            assert rig.raws() == list(range(1500))
            await nodes[1234].write_value(-1, ua.VariantType.Int32)
            await rig.until(lambda: rig.raws()[1234] == 0xFFFFFFFF, "the new value")
        await server.stop()

    run(scenario())


def test_asyncua_tells_why_there_is_no_subscription_and_is_polled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        server, _ = await asyncua_server(3, subscriptions=False)
        toml = opcua_toml(f"opc.tcp://127.0.0.1:{server.bserver.port}/peer")
        toml += "".join(node_toml(f"%ID{n}", f"ns=2;s=V{n}") for n in range(3))
        rig = Rig(tmp_path, toml)
        async with rig.serving():
            await rig.until(lambda: rig.qualities() == [GOOD] * 3, "good inputs")
        await server.stop()

    run(scenario())
    assert "no subscription (subscription: BadTooManySubscriptions" in caplog.text
