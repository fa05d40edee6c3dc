"""The push to a collector of OpenTelemetry, made from `takt.toml`; its libraries are optional."""

import importlib.util
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.store.secrets import read_header, tls_context
from runtime.errors import HostError
from runtime.project.load import Project
from runtime.project.uplinks import TlsSection

if TYPE_CHECKING:
    from gateway.web.otel_push import MetricsPush

_SECOND_NS: Final = 1e9
_LIBRARIES: Final = (
    "opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "requests",
)  # fmt: skip


def make_push(project: Project) -> "MetricsPush | None":
    """Return what pushes the metrics of a project, None where it has no [opentelemetry].

    Raises:
        HostError: A library, a secret or a certificate is missing.
    """
    section, folder = project.config.opentelemetry, project.folder
    if section is None:
        return None
    _require_libraries()
    from gateway.web.otel_push import MetricsPush, PushSettings

    name, host = project.config.project.name, socket.gethostname()
    tls_context(section.tls, folder)  # its files are judged now, not at the first push
    tls = section.tls or TlsSection()
    settings = PushSettings(
        endpoint=section.endpoint,
        interval_s=section.interval / _SECOND_NS,
        timeout_s=section.timeout / _SECOND_NS,
        headers={
            header.name: read_header(header, folder, "opentelemetry.header")
            for header in section.header
        },
        attributes={
            "service.name": "takt",
            "service.instance.id": f"{name}@{host}",
            "host.name": host,
            **section.attributes,
        },
        authority=_file(folder, tls.ca),
        certificate=_file(folder, tls.certificate),
        key=_file(folder, tls.key),
    )
    return MetricsPush(settings, time.time_ns)


def _require_libraries() -> None:
    for library in _LIBRARIES:
        try:
            found = importlib.util.find_spec(library)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise HostError(
                f"opentelemetry: the library {library} is missing; install taktplc[otel]"
            )


def _file(folder: Path, name: str | None) -> str | None:
    return None if name is None else str(folder / name)
