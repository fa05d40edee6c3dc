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
from gateway.field.opcua_connection import Login, OpcUaConnection
from runtime.errors import HostError, UsageError
from runtime.project.devices import OpcUaDevice

NODES_MAX: Final = 20_000
"""Variables after which browsing ends."""
DEPTH_MAX: Final = 20
_TYPES: Final = {
    ua.VariantType.Boolean: (1, "bool"),
    ua.VariantType.SByte: (8, "int8"),
    ua.VariantType.Byte: (8, "uint8"),
    ua.VariantType.Int16: (16, "int16"),
    ua.VariantType.UInt16: (16, "uint16"),
    ua.VariantType.Int32: (32, "int32"),
    ua.VariantType.UInt32: (32, "uint32"),
    ua.VariantType.Int64: (64, "int64"),
    ua.VariantType.UInt64: (64, "uint64"),
    ua.VariantType.Float: (32, "float32"),
    ua.VariantType.Double: (64, "float64"),
}
_PROPERTY: Final = ua.NodeId(ua.ObjectIds.HasProperty)
_LETTERS: Final = {8: "B", 16: "W", 32: "D", 64: "L"}


@dataclass(frozen=True, slots=True)
class Found:
    """A variable that fits an address."""

    node: str
    path: str
    bits: int
    type_name: str
    value: object
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of a server."""

    endpoint: str
    product: str
    endpoints: tuple[str, ...]
    """Its policies, modes and ways to log in, a line each."""
    found: tuple[Found, ...]
    left_out: int
    """Variables that fit no address: texts, arrays, structures."""


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
        raise HostError(f"{endpoint}: {error or type(error).__name__}") from None
    connection = OpcUaConnection(Login(section, folder, "scan"), time.monotonic_ns)
    try:
        await connection.open()
        found, left_out = await _browse(connection.library)
    except (PeerError, UaError, OSError, TimeoutError) as error:
        offered = "; ".join(_offer(item) for item in offers)
        raise HostError(f"{error} (the server offers: {offered})") from None
    finally:
        connection.close()
    product = offers[0].Server if offers else None
    name = f"{product.ApplicationName.Text} ({product.ProductUri})" if product else "unknown"
    return Scan(endpoint, name, tuple(_offer(item) for item in offers), tuple(found), left_out)


def _section(settings: dict[str, str]) -> OpcUaDevice:
    try:
        return OpcUaDevice.model_validate({"protocol": "opcua", "timeout": "4s"} | settings)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise UsageError(f"{key} {detail['input']}: {detail['msg']}") from None


def _offer(endpoint: ua.EndpointDescription) -> str:
    policy = endpoint.SecurityPolicyUri.rpartition("#")[2]
    ways = ", ".join(token.TokenType.name for token in endpoint.UserIdentityTokens)
    return f"{policy} {endpoint.SecurityMode.name.rstrip('_')}: {ways}"


async def _browse(client: Client) -> tuple[list[Found], int]:
    """Return the variables below Objects that are not the server's own."""
    found: list[Found] = []
    left_out = 0
    seen: set[ua.NodeId] = set()
    level = [(client.nodes.objects, "")]
    for _ in range(DEPTH_MAX):
        following = []
        for node, path in level:
            for reference in await node.get_references(
                ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward
            ):
                target = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
                if target in seen or target.NamespaceIndex == 0:
                    continue
                if reference.ReferenceTypeId == _PROPERTY:
                    continue  # what a node is, not what it measures
                seen.add(target)
                place = f"{path}/{reference.BrowseName.Name}"
                following.append((client.get_node(target), place))
                if reference.NodeClass == ua.NodeClass.Variable and len(found) < NODES_MAX:
                    entry = await _look(client, target, place)
                    found += [entry] if entry is not None else []
                    left_out += entry is None
        level = following
    return found, left_out


async def _look(client: Client, node: ua.NodeId, path: str) -> Found | None:
    values = await client.uaclient.read_attributes([node], ua.AttributeIds.Value)
    rights = await client.uaclient.read_attributes([node], ua.AttributeIds.UserAccessLevel)
    variant = values[0].Value
    if variant is None or variant.is_array or variant.VariantType not in _TYPES:
        return None
    bits, name = _TYPES[variant.VariantType]
    level = rights[0].Value.Value if rights[0].Value is not None else 0
    writable = bool(level >> ua.AccessLevel.CurrentWrite & 1)
    return Found(node.to_string(), path, bits, name, variant.Value, writable)


def address_map(found: Scan, settings: dict[str, str]) -> str:
    """Return a fragment of `takt.toml`: the widest values first, so that none needs a gap."""
    lines = [f"# {found.product}"]
    lines += [f"#   {offer}" for offer in found.endpoints]
    if found.left_out:
        lines.append(f"# {found.left_out} variables fit no address: texts, arrays, structures")
    lines += ["", "[[device]]", 'protocol = "opcua"']
    lines += [f"{key} = {_quoted(value)}" for key, value in settings.items()]
    for item, address in _addressed(found.found):
        lines += ["", f"[[io]]  # {item.path} = {item.value}", f'address = "{address}"']
        lines += [
            f"device = {_quoted(settings['name'])}",
            f"node = {_quoted(item.node)}",
            f'type = "{item.type_name}"',
        ]
        if item.is_writable:
            lines.append(f'# it can be written too: address = "{address.replace("%I", "%Q")}"')
    return "\n".join(lines) + "\n"


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
