"""[opentelemetry]: where the gateway's metrics are pushed to, beside being served on /metrics."""

from typing import Annotated

from pydantic import AfterValidator, Field

from runtime.project.http import HeaderSection, endpoint
from runtime.project.section import Section
from runtime.project.units import DurationNs
from runtime.project.uplinks import TlsSection


class OpenTelemetrySection(Section):
    """[opentelemetry]: OTLP over HTTP, in protocol buffers."""

    endpoint: Annotated[str, AfterValidator(endpoint("http://127.0.0.1:4318/v1/metrics"))]
    """The whole URL, with the path of the signal, as http://127.0.0.1:4318/v1/metrics."""
    interval: Annotated[DurationNs, Field(ge=1_000_000_000)] = 10_000_000_000
    timeout: Annotated[DurationNs, Field(ge=100_000_000)] = 5_000_000_000
    """Longest time of one push, its retries included."""
    header: Annotated[tuple[HeaderSection, ...], Field(strict=False)] = ()
    tls: TlsSection | None = None
    """For https; without it the machine's authorities vouch for the collector."""
    attributes: Annotated[dict[str, str], Field(default_factory=dict)]
    """Attributes of the resource, beside service.name, service.instance.id and host.name."""
