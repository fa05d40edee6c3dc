"""The HTTP uplink at work: through a proxy that cuts, and in a gateway that is killed."""

import asyncio
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.cloud.webhook import WebhookPeer, WebhookSettings
from gateway.store import outbox
from gateway.store.lanes import Lane
from gateway.store.queue import Store
from tests.support.cloud_plant import PlayedPlant, cloud_project, play_plant
from tests.support.faulty_proxy import Faults, faulty_tcp
from tests.support.gateway_processes import PATIENCE_S, gateway
from tests.support.samples import ROOMY, StandingClocks, report, until
from tests.support.waiting import wait_until
from tests.support.webhooks import Receiver, receiver

pytestmark = pytest.mark.system
PUBLISH = '[[publish]]\nvariables = ["MAIN.*"]\non = "scan"\n'


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.delenv("TAKT_STATE", raising=False)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("form", "requests"), [("ndjson", 1), ("json", 1), ("json", 4)])
def test_a_connection_that_breaks_anywhere_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, form: str, requests: int
) -> None:
    monkeypatch.setattr(outbox, "OUTBOX_BATCH_SAMPLES", 3)  # as many batches, so as many requests
    faults = Faults(seed, split=0.3, cut=0.03)

    async def run(up: Receiver) -> None:
        clocks = StandingClocks()
        store = Store(tmp_path / "o.db", ROOMY, clocks.clocks(), ["a"], project="p", linger_s=0)
        async with faulty_tcp(up.broker.port, faults) as port:
            settings = WebhookSettings(
                f"http://127.0.0.1:{port}/", "p", None, dict, time.time_ns,
                one_by_one=form == "json", requests=requests,
            )  # fmt: skip
            uplink = Uplink(
                UplinkSettings("a", 10**9, 2.0), WebhookPeer(settings), store, time.monotonic_ns
            )
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(store.run()), group.create_task(uplink.run())]
                await store.opened()
                for cycle in range(100):
                    store.put("run", [report(cycle, 3)])
                    await asyncio.sleep(0.002)
                await until(lambda: store.state().head == 301, "the store")
                await until(lambda: not store.state().pending["a"], "acknowledgements")
                for task in tasks:
                    task.cancel()

    with receiver(tmp_path / "receiver") as up:
        asyncio.run(run(up))
        account, once = up.account(), up.account(by_key=True)
    assert faults.cuts > 0
    assert account.received.ranges == ((1, 301),)
    if form == "json":
        assert once.duplicates == 0
    if requests == 1:
        assert account.out_of_order == 0


def play(plant: PlayedPlant, scans: int) -> None:
    """Publish scans at a pace that the gateway follows."""
    for _ in range(scans // 20):
        plant.scan(20)
        os.sched_yield()


def test_a_receiver_that_is_killed_and_a_gateway_that_is_killed_lose_nothing(
    tmp_path: Path,
) -> None:
    with receiver(tmp_path / "receiver") as up:
        toml = f'[[uplink]]\nname = "up"\nkind = "http"\nurl = "{up.url}"\nformat = "json"\n'
        toml += 'timeout = "1s"\n'
        project = cloud_project(tmp_path / "project", PUBLISH + toml)
        plant = play_plant(project)
        with closing(plant.image):
            with gateway(tmp_path, "run", str(project.folder)) as running:
                wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
                play(plant, 200)
                wait_until(lambda: up.samples() == 1800, PATIENCE_S, "the first samples")
                up.broker.stop(signal.SIGKILL)
                play(plant, 200)
                busy = {"status": 503, "headers": {"Retry-After": "1"}}
                up.plan(busy, {"cut": "taken"}, {"wait_ms": 1500})
                up.broker.start()
                wait_until(lambda: up.samples() == 3600, PATIENCE_S, "all samples")
                play(plant, 100)
                running.end(signal.SIGKILL)
            before = up.samples()
            with gateway(tmp_path, "run", str(project.folder)) as running:
                wait_until(
                    lambda: running.messages().count("9 variables") == 2, 20, "the variables"
                )
                play(plant, 100)
                wait_until(lambda: up.samples() >= before + 900, PATIENCE_S, "the last samples")
                assert running.end() == 0
        account, once = up.account(), up.account(by_key=True)
        assert 503 in up.statuses()
    assert account.missing.total == 0
    assert account.out_of_order == 0
    assert account.duplicates > 0  # one answer was cut off, one came too late
    assert once.duplicates == 0


def test_samples_that_a_receiver_refuses_are_kept_while_others_pass(tmp_path: Path) -> None:
    with receiver(tmp_path / "receiver") as up:
        up.plan(refuse=1)
        toml = f'[[uplink]]\nname = "up"\nkind = "http"\nurl = "{up.url}"\n'
        project = cloud_project(tmp_path / "project", PUBLISH + toml)
        plant = play_plant(project)
        with closing(plant.image), gateway(tmp_path, "run", str(project.folder)) as running:
            wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
            plant.scan()
            wait_until(lambda: 422 in up.statuses(), PATIENCE_S, "a refusal")

            def live_passes() -> bool:
                plant.scan()
                return any(request.lane == Lane.LIVE.value for request in up.requests())

            wait_until(live_passes, PATIENCE_S, "live samples beside the refused ones")
            assert all(first > 1 for _, first, _ in up.batches())
            up.plan()
            wait_until(
                lambda: up.account().received.ranges[0][0] == 1 and not up.account().missing,
                PATIENCE_S, "all samples",
            )  # fmt: skip
            assert running.end() == 0
            log = running.messages()
    assert "the peer refuses samples 1 to " in log
    assert "HTTP 422 Unprocessable Entity: one of these samples will not do" in log
    assert "the peer takes the samples that it refused" in log
