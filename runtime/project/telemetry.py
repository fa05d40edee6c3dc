"""[opentelemetry]: where the gateway's metrics are pushed to, beside being served on /metrics."""

import re
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from runtime.project.section import Section
from runtime.project.units import DurationNs
from runtime.project.uplinks import TlsSection

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token of HTTP (RFC 9110, 5.6.2)."""


def _endpoint(text: str) -> str:
    """Accept a URL that may stand in a log: it is no place for a secret."""
    expected = "a URL such as http://127.0.0.1:4318/v1/metrics, without user, query or fragment"
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(expected) from None
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not has_host or not is_plain:
        raise ValueError(expected)
    return text


def _header_name(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError("the name of an HTTP header")
    return text


class HeaderSection(Section):
    """[[opentelemetry.header]]: a header that the collector wants, such as Authorization."""

    name: Annotated[str, AfterValidator(_header_name)]
    value: str | None = None
    """For what is no secret, such as the name of a tenant."""
    value_file: Annotated[str, Field(min_length=1)] | None = None
    """File with the value in its first line, as seen from the project's folder; mode 0600."""
    value_env: Annotated[str, Field(min_length=1)] | None = None
    """Environment variable with the value."""

    @model_validator(mode="after")
    def _one_source_of_the_value(self) -> Self:
        if sum(item is not None for item in (self.value, self.value_file, self.value_env)) != 1:
            raise ValueError("value, value_file or value_env, one of them")
        return self


class OpenTelemetrySection(Section):
    """[opentelemetry]: OTLP over HTTP, in protocol buffers."""

    endpoint: Annotated[str, AfterValidator(_endpoint)]
    """The whole URL, with the path of the signal, as http://127.0.0.1:4318/v1/metrics."""
    interval: Annotated[DurationNs, Field(ge=1_000_000_000)] = 10_000_000_000
    timeout: Annotated[DurationNs, Field(ge=100_000_000)] = 5_000_000_000
    """Longest time of one push, its retries included."""
    header: Annotated[tuple[HeaderSection, ...], Field(strict=False)] = ()
    tls: TlsSection | None = None
    """For https; without it the machine's authorities vouch for the collector."""
    attributes: Annotated[dict[str, str], Field(default_factory=dict)]
    """Attributes of the resource, beside service.name, service.instance.id and host.name."""
