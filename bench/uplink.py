"""How many samples a second reach a broker or a database, and how late?

Ours: the whole way of full-rate capture, scan frame to filter to outbox (SQLite, synchronous FULL)
to acknowledgement, in one process. Peer: the bare client library that sends what the outbox holds,
ready made, without storing anything: as fast as that library goes on this machine.
Goals: 100,000 samples/s a core to JetStream and MQTT, 50,000 into PostgreSQL; live samples
acknowledged within 250 ms (p99) while a backlog drains. `--soak 600` watches memory for ten minutes
under a steady load to all three at once. Peers of Debian: `make packages`.
"""

import argparse
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from report import Goal, Report, Row, parse_options
from uplink_chain import ROOMY, RULE, VALUES, chain, until
from uplink_load import make_load
from uplink_soak import SOAK_S_MAX, soak, soak_length

from gateway.cloud.jetstream import JetStreamPeer, JetStreamSettings
from gateway.cloud.mqtt import MqttPeer, MqttSettings
from gateway.cloud.postgresql import PostgresqlPeer, PostgresqlSettings
from gateway.cloud.sampling import Sampling, SamplingClocks
from gateway.cloud.seam import Peer
from gateway.cloud.station import system_clocks
from gateway.store.counters import SamplingCounters
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import StoredBatch
from gateway.store.queue import Store

sys.path.insert(0, str(Path(__file__).parents[1]))

GROUP_BATCHES = 10


@dataclass
class Turn:
    """One measurement."""

    samples_per_s: list[float] = field(default_factory=list)
    cpu_s_per_million: list[float] = field(default_factory=list)
    bytes_per_sample: float = 0.0
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


async def ours(folder: Path, peer: Peer, samples: int, turn: Turn) -> None:
    """Measure throughput, then latency at a steady half of it."""
    async with chain(folder, {"up": peer}) as way:
        await way.push(20 * VALUES)
        began, cpu, before = time.monotonic(), time.process_time(), way.acknowledged
        await way.push(samples)
        done = way.acknowledged - before
        turn.samples_per_s.append(done / (time.monotonic() - began))
        turn.cpu_s_per_million.append((time.process_time() - cpu) / done * 1e6)
        turn.bytes_per_sample = way.uplink.counters.bytes / way.acknowledged
        earlier = way.uplink.counters.hops[Lane.LIVE, "total"].copy()
        await way.pace(20_000, 2.0)
        hops = way.uplink.counters.hops[Lane.LIVE, "total"].copy().since(earlier)
        turn.p50_ms.append(hops.percentile(50) / 1e6)
        turn.p99_ms.append(hops.percentile(99) / 1e6)


async def bare(peer: Peer, payloads: Sequence[bytes], samples: int, turn: Turn) -> None:
    """Send ready-made batches by the library alone, in groups of the same size."""
    stream = "00000000-0000-4000-8000-" + f"{time.monotonic_ns() % 10**12:012}"
    per_batch = samples // len(payloads)
    await peer.connect()
    began, cpu = time.monotonic(), time.process_time()
    for first in range(0, len(payloads), GROUP_BATCHES):
        batches = tuple(
            StoredBatch(1 + n * per_batch, 1 + (n + 1) * per_batch, payloads[n])
            for n in range(first, min(first + GROUP_BATCHES, len(payloads)))
        )
        await (await peer.send(Group("up", Lane.LIVE, batches, (0, 0), stream, 0)))
    turn.samples_per_s.append(samples / (time.monotonic() - began))
    turn.cpu_s_per_million.append((time.process_time() - cpu) / samples * 1e6)
    await peer.close()


async def drain(folder: Path, peer: Peer, backlog: int) -> tuple[float, float]:
    """Return p50 and p99 in ms of live samples while a backlog drains beside them."""
    away = _Gate(peer)
    async with chain(folder, {"up": away}, rate=50_000) as way:
        while way.counters.samples < backlog:
            way.load.scan(20)
            way.sampling.step()
            await asyncio.sleep(0.002)
        await until(lambda: not way.store.state().waiting)
        await asyncio.sleep(2.5)
        away.is_open = True
        await until(lambda: way.uplink.counters.samples[Lane.BACKLOG])
        while way.uplink.counters.samples[Lane.BACKLOG] < backlog // 2:
            way.load.scan(1)
            way.sampling.step()
            await asyncio.sleep(0.05)
        live = way.uplink.counters.hops[Lane.LIVE, "total"].copy()
        return live.percentile(50) / 1e6, live.percentile(99) / 1e6


class _Gate:
    """A peer that is away until it is opened."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.is_open = False
        self.progress, self.send, self.close = peer.progress, peer.send, peer.close

    async def connect(self) -> None:
        if not self.is_open:
            raise ConnectionRefusedError("closed")
        await self._peer.connect()


@contextlib.contextmanager
def peers(folder: Path) -> Iterator[dict[str, list[Peer]]]:
    """Start the servers; yield two clients of each, ours and the bare one."""
    from tests.support.brokers import mosquitto, nats_server, postgres

    with (
        nats_server(folder / "nats") as nats,
        mosquitto(folder / "mosquitto") as mqtt,
        postgres() as sql,
    ):
        yield {
            "JetStream": [
                JetStreamPeer(
                    JetStreamSettings(f"nats://127.0.0.1:{nats.port}", name, name.lower(), None,
                                      None, None, 30.0)
                )
                for name in ("OURS", "BARE")
            ],
            "MQTT": [
                MqttPeer(
                    MqttSettings("127.0.0.1", mqtt.port, "5", name, name, None, None, None, 30.0)
                )
                for name in ("ours", "bare")
            ],
            "PostgreSQL": [
                PostgresqlPeer(
                    PostgresqlSettings("127.0.0.1", sql.port, "postgres", name, "takt",
                                       sql.password, None, 30.0)
                )
                for name in ("ours", "bare")
            ],
        }  # fmt: skip


async def payloads_of(folder: Path, samples: int) -> list[bytes]:
    """Return the batches that our outbox makes of that many samples."""
    load = make_load(folder / "payloads.image", VALUES)
    store = Store(folder / "payloads.db", ROOMY, system_clocks(), ["none"],
                  project="bench", linger_s=0)  # fmt: skip
    counters = SamplingCounters()
    clocks = SamplingClocks(time.monotonic_ns, time.time_ns)
    sampling = Sampling(load.image, [RULE], store, counters, clocks)
    batches: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(store.run())
        while len(batches) * 2 * VALUES < samples:
            load.scan(2)
            sampling.step()
            found = None
            while found is None:
                await asyncio.sleep(0.001)
                found = await store.next_group("none", Lane.LIVE, 2 * VALUES)
            store.acknowledge(found)
            batches += [
                batch.payload for batch in found.batches if batch.end - batch.first == 2 * VALUES
            ]
        task.cancel()
    load.image.close()
    return batches


def main() -> None:
    """Measure in turns and report."""
    question = "How many samples a second reach a broker or a database, and how late?"
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--soak", type=soak_length, default=0, metavar="SECONDS",
                     help=f"then watch memory under load, at most {SOAK_S_MAX} s")  # fmt: skip
    report = Report(question, parse_options(question, own))
    soak_s: int = own.parse_known_args()[0].soak
    quick = report.options.quick
    rounds, samples, backlog = (2, 100_000, 200_000) if quick else (4, 400_000, 1_000_000)
    goals = {"JetStream": 100_000, "MQTT": 100_000, "PostgreSQL": 50_000}
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with tempfile.TemporaryDirectory(prefix="takt-bench-") as name, peers(Path(name)) as clients:
        folder = Path(name)
        payloads = asyncio.run(payloads_of(folder, samples))
        for kind, (mine, alone) in clients.items():
            way, library = Turn(), Turn()
            for _ in range(rounds):
                with report.window():
                    asyncio.run(ours(folder, mine, samples, way))
                with report.window():
                    asyncio.run(bare(alone, payloads, len(payloads) * 2 * VALUES, library))
            add_rows(report, kind, goals[kind], way, library)
        for kind, (mine, _) in clients.items():
            with report.window():
                p50, p99 = asyncio.run(drain(folder, mine, backlog))
            report.rows.append(
                Row(f"{kind}: live p99 while {backlog} drain", "ms", [p50, p99], value=p99,
                    goal=Goal(value_below=250))
            )  # fmt: skip
        if soak_s:
            report.rows += asyncio.run(soak(folder, clients, soak_s))
    report.finish()


def add_rows(report: Report, kind: str, goal: int, way: Turn, library: Turn) -> None:
    """Add what was measured of one kind of uplink."""
    a_core = [1e6 / value for value in way.cpu_s_per_million]
    report.rows += [
        Row(f"{kind}: samples/s", "1/s", way.samples_per_s, "library alone",
            library.samples_per_s, Goal(value_at_least=goal)),
        Row(f"{kind}: samples/s a core", "1/s", a_core, "library alone",
            [1e6 / value for value in library.cpu_s_per_million]),
        Row(f"{kind}: CPU-s a million", "s", way.cpu_s_per_million, "library alone",
            library.cpu_s_per_million),
        Row(f"{kind}: bytes a sample", "B", [way.bytes_per_sample]),
        Row(f"{kind}: p50 at 20,000/s", "ms", way.p50_ms),
        Row(f"{kind}: p99 at 20,000/s", "ms", way.p99_ms),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
