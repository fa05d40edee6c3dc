"""What tables of `takt.toml` that speak HTTP have in common: a URL without secrets, headers."""

import re
from collections.abc import Callable
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from runtime.project.section import Section

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token of HTTP (RFC 9110, 5.6.2)."""


def endpoint(example: str) -> Callable[[str], str]:
    """Return what accepts a URL that may stand in a log: it is no place for a secret."""
    expected = f"a URL such as {example}, without user, query or fragment"

    def judge(text: str) -> str:
        try:
            parts = urlsplit(text)
            has_host = bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise ValueError(expected) from None
        is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
        if parts.scheme not in {"http", "https"} or not has_host or not is_plain:
            raise ValueError(expected)
        return text

    return judge


def _header_name(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError("the name of an HTTP header")
    return text


class HeaderSection(Section):
    """[[opentelemetry.header]], [[uplink.header]]: a header that the far end wants."""

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
