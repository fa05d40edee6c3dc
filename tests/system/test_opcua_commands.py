"""Writes of OPC UA clients reach the program between two scans, and are answered by the scan."""

import asyncio
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.ua.uaerrors import UaError

from tests.support.opcua_peers import TaktServer, takt_server
from tests.support.runtime_process import running

pytestmark = pytest.mark.system

PHRASE = "correct horse"
SECTION = """security = ["None"]
anonymous = true
write = ["MAIN.COUNT"]
[[opcua.user]]
name = "bob"
role = "operator"
password_env = "TAKT_TEST_SECRET"
[[opcua.user]]
name = "eve"
role = "engineer"
password_env = "TAKT_TEST_SECRET"
"""
BEYOND = 10**12


async def write(server: TaktServer, user: str | None) -> tuple[int, int, str]:
    """Write the counter, read it at once; return both, and what the wrong type came to."""
    client = Client(server.endpoint)
    if user is not None:
        client.set_user(user)
        client.set_password(PHRASE)
    async with client:
        node = client.get_node("ns=2;s=MAIN.COUNT")
        before = await node.read_value()
        refusal = ""
        try:
            await node.write_value(1.5, ua.VariantType.Double)
        except UaError as error:
            refusal = type(error).__name__
        await node.write_value(BEYOND, ua.VariantType.Int64)
        return before, await node.read_value(), refusal


def test_what_an_operator_writes_is_read_back_from_the_next_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.setenv("TAKT_TEST_SECRET", PHRASE)
    folder = tmp_path / "project"
    folder.mkdir()
    with running(tmp_path), takt_server(folder, "wall", SECTION) as server:
        before, after, refusal = asyncio.run(write(server, "bob"))
        assert before < BEYOND <= after < BEYOND + 10_000
        assert refusal == "BadTypeMismatch"
        with pytest.raises(UaError, match="BadUserAccessDenied"):
            asyncio.run(write(server, None))
    written = [record for record in server.records() if record["message"] == "OPC UA write"]
    assert [(record["user"], record["path"]) for record in written] == [("bob", "MAIN.COUNT")]
