"""The uplinks of a project, made from its `takt.toml`; libraries are imported when asked for."""

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cloud.desk import CommandDesk
from gateway.cloud.downlink import CommandLink, Downlink
from gateway.cloud.lease import Lease
from gateway.cloud.libraries import require
from gateway.cloud.seam import Peer
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.store.queue import Store
from gateway.store.secrets import read_password, read_request_headers, tls_context
from gateway.store.session_number import SessionNumber
from runtime.image.segment import Image
from runtime.project.load import Project
from runtime.project.places import outbox_path
from runtime.project.uplinks import (
    CommandedUplink,
    HttpUplink,
    JetStreamUplink,
    MqttUplink,
    PostgresqlUplink,
    SparkplugUplink,
    TlsSection,
    UplinkSection,
)

if TYPE_CHECKING:
    from gateway.cloud.jetstream import JetStreamSettings
    from gateway.cloud.mqtt import MqttSettings

ServedImage = Callable[[], Image | None]
"""Returns the image that is served at a moment."""
_SECOND_NS: Final = 1e9
_LIBRARIES: Final = {
    "mqtt": "aiomqtt",
    "jetstream": "nats",
    "postgresql": "asyncpg",
    "sparkplug": "aiomqtt",
    "http": "aiohttp",
}


def make_uplinks(
    project: Project, store: Store, clock: Callable[[], int], image: ServedImage
) -> list[Uplink]:
    """Return the uplinks of a project; nothing is connected yet.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    return [
        Uplink(
            UplinkSettings(section.name, section.backlog_rate, section.timeout / _SECOND_NS),
            make_peer(section, project, image),
            store,
            clock,
        )
        for section in project.config.uplink
    ]


def make_peer(section: UplinkSection, project: Project, image: ServedImage) -> Peer:
    """Return the far end of one uplink of a project.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    _require_library_of(section)
    folder, name = project.folder, project.config.project.name
    match section:
        case MqttUplink():
            return _mqtt(section, folder, name)
        case JetStreamUplink():
            return _jetstream(section, folder, name)
        case PostgresqlUplink():
            return _postgresql(section, folder)
        case SparkplugUplink():
            return _sparkplug(section, project, image)
        case HttpUplink():
            return _webhook(section, folder, name)


def make_downlinks(
    project: Project, desk: CommandDesk, uplinks: Sequence[Uplink]
) -> list[Downlink]:
    """Return a down-link for each uplink whose section allows commands.

    Args:
        project: With the sections.
        desk: That the commands pass.
        uplinks: Of the project; Sparkplug's commands come by their connections.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    return [
        Downlink(
            section.name,
            _command_link(section, project, uplinks),
            section.command,
            desk,
            section.timeout / _SECOND_NS,
        )
        for section in project.config.uplink
        if isinstance(section, CommandedUplink) and section.command
    ]


def make_lease(project: Project, image: Callable[[], Path | None]) -> Lease | None:
    """Return the lease that lets a project's gateway command, None where it has none.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    section, name = project.config.lease, project.config.project.name
    if section is None:
        return None
    (uplink,) = (item for item in project.config.uplink if item.name == section.uplink)
    assert isinstance(uplink, JetStreamUplink)
    _require_library_of(uplink)
    from gateway.cloud.lease_nats import NatsLeaseStore

    settings = _jetstream_settings(uplink, project.folder, name)
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    store = NatsLeaseStore(settings, section.bucket, name)
    return Lease(section.uplink, store, holder, section.ttl, image, _boot_ns)


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _command_link(
    section: CommandedUplink, project: Project, uplinks: Sequence[Uplink]
) -> CommandLink:
    folder, name = project.folder, project.config.project.name
    if isinstance(section, MqttUplink):
        from gateway.cloud.commands_mqtt import MqttCommandLink

        return MqttCommandLink(_mqtt_settings(section, folder, name))
    if isinstance(section, JetStreamUplink):
        from gateway.cloud.commands_nats import NatsCommandLink

        return NatsCommandLink(_jetstream_settings(section, folder, name))
    from gateway.cloud.commands_sparkplug import SparkplugCommandLink
    from gateway.cloud.sparkplug import SparkplugPeer

    peer = next(uplink.peer for uplink in uplinks if uplink.name == section.name)
    assert isinstance(peer, SparkplugPeer)
    return SparkplugCommandLink(peer.inbox)


def _require_library_of(section: UplinkSection) -> None:
    require(_LIBRARIES[section.kind], f"uplink {section.name}: kind {section.kind!r}")


def _mqtt(section: MqttUplink, folder: Path, project: str) -> Peer:
    from gateway.cloud.mqtt import MqttPeer

    return MqttPeer(_mqtt_settings(section, folder, project))


def _mqtt_settings(section: MqttUplink, folder: Path, project: str) -> "MqttSettings":
    from gateway.cloud.mqtt import MqttSettings

    return MqttSettings(
        host=section.host,
        port=section.port,
        version=section.version,
        topic=section.topic.replace("{project}", project),
        client_id=section.client_id or f"takt-{project}-{section.name}",
        user=section.user,
        password=read_password(section, folder),
        tls=tls_context(section.tls, folder),
        timeout_s=section.timeout / _SECOND_NS,
    )


def _jetstream(section: JetStreamUplink, folder: Path, project: str) -> Peer:
    from gateway.cloud.jetstream import JetStreamPeer

    return JetStreamPeer(_jetstream_settings(section, folder, project))


def _jetstream_settings(
    section: JetStreamUplink, folder: Path, project: str
) -> "JetStreamSettings":
    from gateway.cloud.jetstream import JetStreamSettings

    return JetStreamSettings(
        server=f"nats://{section.host}:{section.port}",
        stream=section.stream,
        subject=section.subject.replace("{project}", project),
        user=section.user,
        password=read_password(section, folder),
        tls=tls_context(section.tls, folder),
        timeout_s=section.timeout / _SECOND_NS,
    )


def _postgresql(section: PostgresqlUplink, folder: Path) -> Peer:
    from gateway.cloud.postgresql import PostgresqlPeer, PostgresqlSettings

    return PostgresqlPeer(
        PostgresqlSettings(
            host=section.host,
            port=section.port,
            database=section.database,
            table=section.table,
            user=section.user,
            password=read_password(section, folder),
            tls=tls_context(section.tls, folder),
            timeout_s=section.timeout / _SECOND_NS,
        )
    )


def _webhook(section: HttpUplink, folder: Path, project: str) -> Peer:
    from gateway.cloud.webhook import WebhookPeer, WebhookSettings

    read_request_headers(section, folder)  # judged now, though they are read for each connection
    tls = section.tls
    if tls is None and section.url.startswith("https:"):
        tls = TlsSection()
    return WebhookPeer(
        WebhookSettings(
            url=section.url.replace("{project}", project),
            project=project,
            tls=tls_context(tls, folder),
            headers=partial(read_request_headers, section, folder),
            wall_clock=time.time_ns,
            one_by_one=section.format == "json",
            requests=section.requests,
            body_max=section.body_max,
        )
    )


def _sparkplug(section: SparkplugUplink, project: Project, image: ServedImage) -> Peer:
    from gateway.cloud.sparkplug import SparkplugPeer, SparkplugSettings
    from gateway.cloud.sparkplug_program import NodeClocks, ProgramView
    from gateway.protocols.sparkplug.node import NUMBERS

    folder, name = project.folder, project.config.project.name
    others = [item.rpartition(":") for item in section.other_brokers]
    settings = SparkplugSettings(
        brokers=((section.host, section.port), *((host, int(port)) for host, _, port in others)),
        version=section.version,
        group=section.group,
        node=section.node.replace("{project}", name),
        client_id=section.client_id or f"takt-{name}-{section.name}",
        user=section.user,
        password=read_password(section, folder),
        tls=tls_context(section.tls, folder),
        timeout_s=section.timeout / _SECOND_NS,
        primary_host=section.primary_host,
        takes_commands=bool(section.command),
        command_ttl_ms=max(1, section.command_ttl // 1_000_000),
    )
    clocks = NodeClocks(time.monotonic_ns, time.time_ns)
    beside = outbox_path(project).with_suffix(f".{section.name}.bdseq")
    number = SessionNumber(beside, NUMBERS)
    program = ProgramView(project, section, image, clocks)
    return SparkplugPeer(settings, program, time.time_ns, number.next)
