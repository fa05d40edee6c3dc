"""The servers of `uplink.py`, and two clients of each: the gateway's and the bare library's."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from uplink_sparkplug import BarePublisher, make_node

from gateway.cloud.jetstream import JetStreamPeer, JetStreamSettings
from gateway.cloud.mqtt import MqttPeer, MqttSettings
from gateway.cloud.postgresql import PostgresqlPeer, PostgresqlSettings
from gateway.cloud.seam import Peer
from gateway.cloud.webhook import WebhookPeer, WebhookSettings

PATIENCE_S: Final = 30.0
Maker = Callable[[], Peer]
"""Makes a client: one for each event loop."""


@dataclass(frozen=True)
class Sink:
    """The receiver of webhooks."""

    port: int

    def samples(self) -> int:
        """Return how many samples it has counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
            return int(json.load(answer)["samples"])


@dataclass(frozen=True)
class Clients:
    """Two clients of each kind of server."""

    pairs: dict[str, tuple[Maker, Maker]]
    """Ours and the bare one, by kind."""
    mqtt_port: int
    publisher: BarePublisher
    sink: Sink


@contextlib.contextmanager
def clients(folder: Path) -> Iterator[Clients]:
    """Start the servers; nothing is connected yet."""
    from tests.support.brokers import (
        Broker,
        free_port,
        mosquitto,
        nats_server,
        postgres,
        program,
        running,
    )

    (folder / "sink").mkdir()
    port = free_port()
    script = str(Path(__file__).with_name("webhook_sink.js"))
    receiver = Broker(folder / "sink", port, [program("node"), script, str(port)])
    with (
        nats_server(folder / "nats") as nats,
        mosquitto(folder / "mosquitto") as mqtt,
        postgres() as sql,
        contextlib.contextmanager(running)(receiver),
    ):
        publisher = BarePublisher(mqtt.port, "bare")
        pairs: dict[str, tuple[Maker, Maker]] = {
            "JetStream": (partial(_jetstream, nats.port, "OURS"),
                          partial(_jetstream, nats.port, "BARE")),
            "MQTT": (partial(_mqtt, mqtt.port, "ours"), partial(_mqtt, mqtt.port, "bare")),
            "PostgreSQL": (partial(_postgresql, sql.port, sql.password, "ours"),
                           partial(_postgresql, sql.port, sql.password, "bare")),
            "Sparkplug": (partial(make_node, mqtt.port, "ours", PATIENCE_S), lambda: publisher),
            "HTTP": (partial(_webhook, port), partial(_webhook, port)),
        }  # fmt: skip
        yield Clients(pairs, mqtt.port, publisher, Sink(port))


def _jetstream(port: int, name: str) -> Peer:
    return JetStreamPeer(
        JetStreamSettings(f"nats://127.0.0.1:{port}", name, name.lower(), None, None, None,
                          PATIENCE_S)
    )  # fmt: skip


def _mqtt(port: int, name: str) -> Peer:
    return MqttPeer(
        MqttSettings("127.0.0.1", port, "5", name, name, None, None, None, PATIENCE_S)
    )  # fmt: skip


def _postgresql(port: int, password: str, table: str) -> Peer:
    return PostgresqlPeer(
        PostgresqlSettings("127.0.0.1", port, "postgres", table, "takt", password, None,
                           PATIENCE_S)
    )  # fmt: skip


def _webhook(port: int) -> Peer:
    settings = WebhookSettings(f"http://127.0.0.1:{port}/", "bench", None, dict, time.time_ns)
    return WebhookPeer(settings)
