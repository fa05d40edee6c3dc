"""The uplinks of a project, made from its `takt.toml`; libraries are imported when asked for."""

import importlib.util
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cloud.desk import CommandDesk
from gateway.cloud.downlink import CommandLink, Downlink
from gateway.cloud.lease import Lease
from gateway.cloud.seam import Peer
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.store.queue import Store
from gateway.store.secrets import read_password, tls_context
from runtime.errors import HostError
from runtime.project.load import Project
from runtime.project.uplinks import (
    JetStreamUplink,
    MqttUplink,
    PostgresqlUplink,
    SparkplugUplink,
    UplinkSection,
)

if TYPE_CHECKING:
    from gateway.cloud.jetstream import JetStreamSettings
    from gateway.cloud.mqtt import MqttSettings

_SECOND_NS: Final = 1e9
_LIBRARIES: Final = {
    "mqtt": "aiomqtt",
    "jetstream": "nats",
    "postgresql": "asyncpg",
    "sparkplug": "aiomqtt",
}


def make_uplinks(project: Project, store: Store, clock: Callable[[], int]) -> list[Uplink]:
    """Return the uplinks of a project; nothing is connected yet.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    return [
        Uplink(
            UplinkSettings(section.name, section.backlog_rate, section.timeout / _SECOND_NS),
            make_peer(section, project.folder, project.config.project.name),
            store,
            clock,
        )
        for section in project.config.uplink
    ]


def make_peer(section: UplinkSection, folder: Path, project: str) -> Peer:
    """Return the far end of one uplink.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    _require_library(section)
    match section:
        case MqttUplink():
            return _mqtt(section, folder, project)
        case JetStreamUplink():
            return _jetstream(section, folder, project)
        case PostgresqlUplink():
            return _postgresql(section, folder)
        case SparkplugUplink():
            return _sparkplug(section, folder, project)


def make_downlinks(project: Project, desk: CommandDesk) -> list[Downlink]:
    """Return a down-link for each uplink whose section allows commands.

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    return [
        Downlink(
            section.name,
            _command_link(section, project.folder, project.config.project.name),
            section.command,
            desk,
            section.timeout / _SECOND_NS,
        )
        for section in project.config.uplink
        if isinstance(section, MqttUplink | JetStreamUplink) and section.command
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
    _require_library(uplink)
    from gateway.cloud.lease_nats import NatsLeaseStore

    settings = _jetstream_settings(uplink, project.folder, name)
    holder = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
    store = NatsLeaseStore(settings, section.bucket, name)
    return Lease(section.uplink, store, holder, section.ttl, image, _boot_ns)


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _command_link(section: MqttUplink | JetStreamUplink, folder: Path, project: str) -> CommandLink:
    _require_library(section)
    if isinstance(section, MqttUplink):
        from gateway.cloud.commands_mqtt import MqttCommandLink

        return MqttCommandLink(_mqtt_settings(section, folder, project))
    from gateway.cloud.commands_nats import NatsCommandLink

    return NatsCommandLink(_jetstream_settings(section, folder, project))


def _require_library(section: UplinkSection) -> None:
    library = _LIBRARIES[section.kind]
    if importlib.util.find_spec(library) is None:
        raise HostError(
            f"uplink {section.name}: kind {section.kind!r} needs the library {library}; "
            "install taktplc[cloud]"
        )


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


def _sparkplug(section: SparkplugUplink, folder: Path, project: str) -> Peer:
    from gateway.cloud.sparkplug import SparkplugPeer, SparkplugSettings

    settings = SparkplugSettings(
        host=section.host,
        port=section.port,
        group=section.group,
        node=section.node.replace("{project}", project),
        client_id=section.client_id or f"takt-{project}-{section.name}",
        user=section.user,
        password=read_password(section, folder),
        tls=tls_context(section.tls, folder),
        timeout_s=section.timeout / _SECOND_NS,
    )
    return SparkplugPeer(settings, time.time_ns)
