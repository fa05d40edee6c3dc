"""The Sparkplug uplink against mosquitto, seen by a host: birth, data, rebirth, death."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from tests.support.brokers import mosquitto
from tests.support.cloud_plant import cloud_project, play_plant
from tests.support.gateway_processes import gateway
from tests.support.sparkplug_reader import Payload, read
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
ROOT = "spBv1.0/takt"


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


async def await_kind(messages: AsyncIterator[aiomqtt.Message], kind: str) -> aiomqtt.Message:
    """Return the next message of a kind."""
    async with asyncio.timeout(20):
        async for message in messages:
            if message.topic.value.split("/")[2] == kind:
                return message
    raise AssertionError(f"no {kind} came")


def test_a_host_sees_birth_data_rebirth_and_the_death_of_a_killed_gateway(tmp_path: Path) -> None:
    toml = '[[publish]]\nvariables = ["MAIN.COUNT"]\n[[uplink]]\nname = "spb"\nkind = "sparkplug"\n'

    async def host(port: int) -> None:
        project = cloud_project(tmp_path / "project", f"{toml}port = {port}\n")
        plant = play_plant(project)
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("spBv1.0/#", qos=1)
            with gateway(tmp_path, "run", str(project.folder)) as running:
                first = await await_kind(client.messages, "NBIRTH")
                assert (first.topic.value, first.qos, first.retain) == (
                    f"{ROOT}/NBIRTH/plant", 0, False,
                )  # fmt: skip
                await asyncio.to_thread(
                    wait_until, lambda: "1 variables" in running.messages(), 20, "the variables"
                )
                plant.scan(3)
                birth = read((await await_kind(client.messages, "NBIRTH")).payload)
                alias = {item.name: item.alias for item in birth.metrics}["MAIN.COUNT"]
                data = read((await await_kind(client.messages, "NDATA")).payload)
                assert (data.seq, data.metrics[0].alias) == (1, alias)
                ask = Payload(timestamp=1)
                ask.metrics.add(name="Node Control/Rebirth", boolean_value=True)
                await client.publish(f"{ROOT}/NCMD/plant", ask.SerializeToString())
                again = read((await await_kind(client.messages, "NBIRTH")).payload)
                assert again.seq == 0
                assert "MAIN.COUNT" in [item.name for item in again.metrics]
                running.end(signal.SIGKILL)
                death = read((await await_kind(client.messages, "NDEATH")).payload)
                assert death.metrics[0].long_value == again.metrics[0].long_value

    with mosquitto(tmp_path / "mosquitto") as broker:
        asyncio.run(host(broker.port))
