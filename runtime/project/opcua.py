"""The OPC UA parts of `takt.toml`: the server's section, its users, and devices and channels."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runtime.project.section import Port, Section
from runtime.project.units import DurationNs

SecurityPolicy = Literal["None", "Basic256Sha256", "Aes256Sha256RsaPss"]
Role = Literal["viewer", "operator", "engineer"]
"""viewer reads; operator also writes; engineer also starts and stops the program."""

_NODE: Final = re.compile(r"(ns=\d{1,5};|nsu=[^;]+;)?(i=\d{1,10}|s=.+|g=[0-9a-fA-F-]{36}|b=.+)")


def check_node(text: str) -> str:
    """Return the text of a node's identifier.

    Raises:
        ValueError: It is none.
    """
    if _NODE.fullmatch(text) is None:
        raise ValueError('a node such as "ns=2;s=Motor.Speed", "i=2258" or "nsu=urn:plant;i=17"')
    return text


NodeText = Annotated[str, AfterValidator(check_node)]


class Secret(Section):
    """A password that stands in a file or an environment variable, never in `takt.toml`."""

    password_file: str | None = None
    """File with the password in its first line, relative to the project; for its owner only."""
    password_env: str | None = None
    """Environment variable that holds it."""


class OpcUaUser(Secret):
    """[[opcua.user]]: who may log in to the server, and what for."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role
    certificate: str | None = None
    """File of the certificate that the user may log in with."""

    @model_validator(mode="after")
    def _has_proof(self) -> Self:
        given = [self.password_file, self.password_env, self.certificate]
        if all(given[:2]):
            raise ValueError("password_file or password_env, not both")
        if not any(given):
            raise ValueError("password_file, password_env or certificate")
        return self


class OpcUaServerSection(Section):
    """[opcua]: the program's variables for OPC UA clients; without it there is no server."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 4840
    security: Annotated[tuple[SecurityPolicy, ...], Field(min_length=1, strict=False)] = (
        "Basic256Sha256",
        "Aes256Sha256RsaPss",
    )
    """Policies that clients may choose; "None" lets them talk without signature and secrecy."""
    anonymous: bool = False
    """Whether clients may read without logging in."""
    pki: str = "pki"
    """Folder of certificates, relative to the project."""
    expose: Annotated[tuple[str, ...], Field(strict=False)] = ("*",)
    """Patterns of the variables that clients see, such as "MAIN.*"."""
    write: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Patterns of the variables that operators may write."""
    history: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Patterns of the variables whose past is kept."""
    history_interval: Annotated[DurationNs, Field(ge=10_000_000)] = 1_000_000_000
    """How often they are looked at."""
    history_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Values kept of each; the oldest goes."""
    history_age: Annotated[DurationNs, Field(ge=1_000_000_000)] = 30 * 86_400 * 1_000_000_000
    """How long they are kept."""
    user: Annotated[tuple[OpcUaUser, ...], Field(strict=False)] = ()
