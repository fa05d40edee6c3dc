"""`takt scan opcua`: who a server is, what it has, and an address map to begin with.

The map is a fragment of `takt.toml`: the device, and an [[io]] for each variable that fits an
address, inputs one behind the other. What can be written is named in a comment: it may stay so.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asyncua import Client, ua
from asyncua.ua.uaerrors import UaError
from pydantic import ValidationError

from gateway.errors import PeerError
from gateway.field.opcua_browse import DEPTH_MAX, NODES_MAX, Browsed, Browser, Found
from gateway.field.opcua_connection import Login, OpcUaConnection
from gateway.field.reasons import reason_of
from runtime.errors import HostError, UsageError
from runtime.project.devices import OpcUaDevice
from runtime.project.load import fault_of

_LETTERS: Final = {8: "B", 16: "W", 32: "D", 64: "L"}


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of a server."""

    endpoint: str
    product: str
    endpoints: tuple[str, ...]
    """Its policies, modes and ways to log in, a line each."""
    browsed: Browsed


async def scan(settings: dict[str, str], folder: Path) -> Scan:
    """Return what a server tells of itself and of its variables.

    Args:
        settings: Keys of a [[device]], at least `name` and `endpoint`.
        folder: What file names are relative to.

    Raises:
        HostError: It cannot be reached, or does not let us in.
        UsageError: The settings are none.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    section = _section(settings)
    endpoint = section.endpoint
    try:
        offers = await Client(endpoint, 4).connect_and_get_server_endpoints()
    except (UaError, OSError, TimeoutError) as error:
        raise HostError(f"{endpoint}: {reason_of(error)}") from None
    connection = OpcUaConnection(Login(section, folder, "scan"), time.monotonic_ns)
    try:
        await connection.open()
        browsed = await Browser(connection.library).variables()
    except (PeerError, UaError, OSError, TimeoutError) as error:
        offered = "; ".join(_offer(item) for item in offers)
        raise HostError(f"{error} (the server offers: {offered})") from None
    finally:
        connection.close()
    product = offers[0].Server if offers else None
    name = f"{product.ApplicationName.Text} ({product.ProductUri})" if product else "unknown"
    return Scan(endpoint, name, tuple(_offer(item) for item in offers), browsed)


def _section(settings: dict[str, str]) -> OpcUaDevice:
    try:
        return OpcUaDevice.model_validate({"protocol": "opcua", "timeout": "4s"} | settings)
    except ValidationError as error:
        raise UsageError(str(fault_of(error.errors(include_url=False)[0]))) from None


def _offer(endpoint: ua.EndpointDescription) -> str:
    policy = endpoint.SecurityPolicyUri.rpartition("#")[2]
    ways = ", ".join(token.TokenType.name for token in endpoint.UserIdentityTokens)
    return f"{policy} {endpoint.SecurityMode.name.rstrip('_')}: {ways}"


def address_map(found: Scan, settings: dict[str, str]) -> str:
    """Return a fragment of `takt.toml`: the widest values first, so that none needs a gap."""
    lines = [f"# {found.product}"]
    lines += [f"#   {offer}" for offer in found.endpoints]
    lines += _missing(found.browsed)
    lines += ["", "[[device]]", 'protocol = "opcua"']
    lines += [f"{key} = {_quoted(value)}" for key, value in settings.items()]
    for item, address in _addressed(found.browsed.found):
        lines += ["", f"[[io]]  # {item.path} = {item.value}", f'address = "{address}"']
        lines += [
            f"device = {_quoted(settings['name'])}",
            f"node = {_quoted(item.node)}",
            f'type = "{item.type_name}"',
        ]
        if item.is_writable:
            lines.append(f'# it can be written too: address = "{address.replace("%I", "%Q")}"')
    return "\n".join(lines) + "\n"


def _missing(browsed: Browsed) -> Iterator[str]:
    """Yield comments that tell what is not in a map."""
    if browsed.unfit:
        yield f"# {browsed.unfit} variables fit no address: texts, arrays, structures"
    if browsed.refused:
        yield f"# {browsed.refused} nodes could not be browsed: what is below them is missing"
    if browsed.is_cut:
        yield f"# there is more, beyond {NODES_MAX} variables or {DEPTH_MAX} levels"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _addressed(found: Sequence[Found]) -> Iterator[tuple[Found, str]]:
    bit = 0
    for item in sorted(found, key=lambda item: -item.bits):
        if item.bits == 1:
            yield item, f"%IX{bit // 8}.{bit % 8}"
        else:
            yield item, f"%I{_LETTERS[item.bits]}{bit // item.bits}"
        bit += item.bits
