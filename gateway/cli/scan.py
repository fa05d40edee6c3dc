"""`takt scan modbus ADDRESS`: what a device is and has, as a piece of `takt.toml`."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from gateway.cli.errors import errors_told
from gateway.errors import PeerError
from gateway.field.drivers import Drivers
from gateway.field.modbus_scan import Finding, scan
from runtime.errors import UsageError
from runtime.project.channels import BIT_TABLES
from runtime.project.devices import DEVICE_KINDS, ModbusDevice
from runtime.project.load import fault_of

_VALUES_SHOWN: Final = 16

scanner = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@scanner.callback()
def options() -> None:
    """Look at a device without a project, and print what `takt.toml` needs of it."""


@scanner.command()
def modbus(
    address: Annotated[
        str, typer.Argument(help="HOST, HOST:PORT, or a serial line such as /dev/ttyUSB0.")
    ],
    *,
    protocol: Annotated[
        str, typer.Option(help="tcp, udp or rtu-over-tcp; of a serial line rtu or ascii.")
    ] = "",
    unit: Annotated[int, typer.Option(min=0, max=255, help="Address behind the server.")] = 1,
    last: Annotated[
        int, typer.Option(min=0, max=65_535, help="Last entry of each table to try.")
    ] = 999,
    line: Annotated[
        str, typer.Option(help="Speed and parity of a serial line, such as 9600/none.")
    ] = "19200/even",
    name: Annotated[str, typer.Option(help="Name of the device in what is printed.")] = "device",
) -> None:
    """Identify a Modbus device, read its tables, and print what `takt.toml` needs of it.

    Nothing is written to the device.
    """
    try:
        with errors_told():
            keys = device_keys(address, protocol, unit, line)
            section = _section({"name": name, **keys})
            finding = asyncio.run(_scan(section, last))
    except PeerError as error:
        told = str(error)
        place = "" if told.startswith(address) else f"{address}: "
        print(f"error: {place}{told}", file=sys.stderr)
        raise typer.Exit(1) from None
    print("\n".join(fragment({"name": name, **keys}, finding)))


def device_keys(address: str, protocol: str, unit: int, line: str) -> dict[str, str | int]:
    """Return the keys of [[device]] for an address.

    Raises:
        UsageError: The address or the line is none.
    """
    if address.startswith("/"):
        baud, _, parity = line.partition("/")
        if not baud.isdecimal():
            raise UsageError(f"--line {line}: expected speed and parity such as 19200/even")
        return {
            "protocol": f"modbus-{protocol or 'rtu'}", "serial": address, "baud": int(baud),
            "parity": parity or "even", "unit": unit,
        }  # fmt: skip
    host, port = address.rsplit(":", 1) if ":" in address else (address, "502")
    if not host or not port.isdecimal():
        raise UsageError(f"{address}: expected HOST, HOST:PORT or a serial line")
    return {
        "protocol": f"modbus-{protocol or 'tcp'}",
        "host": host,
        "port": int(port),
        "unit": unit,
    }


def _section(keys: dict[str, str | int]) -> ModbusDevice:
    kind = DEVICE_KINDS.get(str(keys["protocol"]))
    if kind is None or not issubclass(kind, ModbusDevice):
        names = ", ".join(name.removeprefix("modbus-") for name in DEVICE_KINDS if "modbus" in name)
        found = str(keys["protocol"]).removeprefix("modbus-")
        raise UsageError(f"--protocol {found}: expected one of {names}")
    try:
        return kind.model_validate(keys)
    except ValidationError as error:
        raise UsageError(str(fault_of(error.errors(include_url=False)[0]))) from None


async def _scan(section: ModbusDevice, last: int) -> Finding:
    link = Drivers(time.monotonic_ns).link(section, Path())
    await link.connect()
    try:
        return await scan(link, last, _show)
    finally:
        link.close()
        _show("", 0)


def _show(place: str, requests: int) -> None:
    """Write over the line of progress, where there is a terminal; an empty place removes it."""
    if sys.stderr.isatty():
        text = f"reading {place}, {requests} requests" if place else ""
        print(f"\r{text:<60}", end="" if place else "\r", file=sys.stderr, flush=True)


def fragment(keys: dict[str, str | int], finding: Finding) -> Iterator[str]:
    """Return the lines of `takt.toml`: the device, and all entries that can be read as inputs."""
    total = sum(len(stretch.values) for stretch in finding.stretches)
    yield f"# {total} entries found by {finding.requests} requests"
    for kind, text in finding.identity:
        yield f"# {kind}: {''.join(letter for letter in text if letter.isprintable())}"
    for gap in finding.gaps:
        yield f"# {gap}; nothing behind it was read"
    yield "\n[[device]]"
    for key, value in keys.items():
        yield f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
    words = sum(len(item.values) for item in finding.stretches if item.table not in BIT_TABLES)
    word, bit = 0, 16 * words
    for stretch in finding.stretches:
        count = len(stretch.values)
        if stretch.table in BIT_TABLES:
            address, bit = f"%IX{bit // 8}.{bit % 8}", bit + count
        else:
            address, word = f"%IW{word}", word + count
        yield f"\n[[io]]  # {stretch.table} {stretch.start} to {stretch.start + count - 1}"
        yield f'address = "{address}"  # read {_listed(stretch.values)}'
        yield f'device = "{keys["name"]}"\ntable = "{stretch.table}"'
        yield f"register = {stretch.start}\ncount = {count}"


def _listed(values: Sequence[int]) -> str:
    shown = " ".join(map(str, values[:_VALUES_SHOWN]))
    return shown + (" …" if len(values) > _VALUES_SHOWN else "")
