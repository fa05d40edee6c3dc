"""[[server]]: the process image for Modbus clients, as tables of coils and registers."""

from typing import Annotated, Final, Literal

from pydantic import Field

from runtime.project.channels import Order, Table
from runtime.project.section import Name, Port, Section
from runtime.project.units import AddressField, DurationNs

LINE_PROTOCOLS: Final = ("modbus-rtu", "modbus-ascii")
"""Protocols of serial lines."""
UNIT_MAX: Final = 247
"""Last unit that a line may have."""


class ServerRange(Section):
    """[[server.range]]: a stretch of one table, and what of the program stands in it.

    Either `variable`, which fills as many entries as it needs, or `address` and `count`: entries
    from that address on, such as the words from %QW4.
    """

    table: Table
    register_: Annotated[int, Field(ge=0, le=65_535, alias="register")]
    """Number of the first entry, from 0."""
    variable: str | None = None
    """Path of a variable of an elementary type, a string or an array of them: "Main.Level"."""
    address: AddressField | None = None
    count: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Entries of the table, with `address`."""
    access: Literal["read", "read-write"] = "read"
    word_order: Order = "big"
    """"big" has the most significant register of a value first."""


class ModbusServer(Section):
    """One Modbus server. What it does with clients that are too many or too fast is its policy."""

    name: Name
    protocol: Literal[
        "modbus-tcp", "modbus-rtu-over-tcp", "modbus-tls", "modbus-udp", "modbus-rtu",
        "modbus-ascii",
    ]  # fmt: skip
    host: str = "127.0.0.1"
    """Address to listen at; loopback unless others are to reach it."""
    port: Port = 502
    serial: Annotated[str, Field(min_length=1)] | None = None
    """The line of "modbus-rtu" and "modbus-ascii", such as /dev/ttyUSB0."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 19_200
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1
    data_bits: Literal[7, 8] = 7
    """Of "modbus-ascii"; "modbus-rtu" has 8."""
    unit: Annotated[int, Field(ge=0, le=255)] | None = None
    """Unit that is answered; unset answers any. A line needs one."""
    connections_max: Annotated[int, Field(ge=1, le=1000)] = 32
    """Connections at a time; a further one is closed at once."""
    idle_timeout: Annotated[DurationNs, Field(ge=100_000_000)] = 60_000_000_000
    """Time without a complete request after which a connection is closed."""
    requests_per_second: Annotated[int, Field(ge=1)] | None = None
    """Requests a second that a connection may make on average; a faster one is made to wait."""
    certificate: str | None = None
    """File of the server's certificate, for "modbus-tls"."""
    key: str | None = None
    """File of the key to it."""
    ca: str | None = None
    """File of the certificates that may have signed the clients'; unset asks them for none."""
    range: Annotated[tuple[ServerRange, ...], Field(min_length=1, strict=False)]


ServerSection = ModbusServer
"""Every kind of server."""
