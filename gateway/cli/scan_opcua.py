"""`takt scan opcua ENDPOINT`: who a server is and what it has, as a piece of `takt.toml`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import errors_told
from runtime.errors import UsageError


def opcua(  # noqa: PLR0913 - the options of a command
    endpoint: Annotated[str, typer.Argument(help="Where it is, such as opc.tcp://plc:4840.")],
    *,
    security: Annotated[
        str, typer.Option(help="None, Basic256Sha256 or Aes256Sha256RsaPss.")
    ] = "Basic256Sha256",
    user: Annotated[str, typer.Option(help="Name to log in with.")] = "",
    password_env: Annotated[
        str, typer.Option(help="Environment variable that holds the password.")
    ] = "",
    user_certificate: Annotated[
        str, typer.Option(help="File of the certificate to log in with.")
    ] = "",
    user_key: Annotated[str, typer.Option(help="File of its key, where that is another one.")] = "",
    pki: Annotated[str, typer.Option(help="Folder of certificates; made if it is absent.")] = "pki",
    name: Annotated[str, typer.Option(help="Name of the device in what is printed.")] = "device",
) -> None:
    """Identify an OPC UA server, browse it, and print its variables as `takt.toml` needs them.

    Nothing is written to the server.
    """
    from gateway.field.opcua_scan import address_map, scan

    settings = {"name": name, "endpoint": endpoint, "security": security, "pki": pki}
    login = {
        "user": user,
        "password_env": password_env,
        "user_certificate": user_certificate,
        "user_key": user_key,
    }
    settings |= {key: value for key, value in login.items() if value}
    with errors_told():
        if bool(user) != bool(password_env):
            raise UsageError("expected --user and --password-env together")
        if user_key and not user_certificate:
            raise UsageError("--user-key: expected --user-certificate with it")
        found = asyncio.run(scan(settings, Path()))
    print(address_map(found, settings), end="")
