"""Certificates, users and roles, in both roles of OPC UA."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaError

from gateway.serve.opcua.security import Gatekeeper
from gateway.store.certificates import CertificateFolder
from runtime.datatypes.elementary import ELEMENTARY
from runtime.errors import ProjectError
from runtime.image.layout import Quality
from runtime.project.opcua import OpcUaServerSection
from tests.support.opcua_gateway import Rig, node_toml, opcua_toml, run
from tests.support.opcua_image import PlayedProgram, playing
from tests.support.opcua_peers import TaktServer, node_client, node_server, takt_server
from tests.support.runtime_process import ROOT

pytestmark = pytest.mark.system

PHRASE = "correct horse"
SECTION = """security = ["Basic256Sha256", "Aes256Sha256RsaPss"]
write = ["MAIN.LEVEL"]
[[opcua.user]]
name = "ann"
role = "viewer"
password_file = "ann.secret"
[[opcua.user]]
name = "bob"
role = "operator"
password_env = "TAKT_TEST_SECRET"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaktServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKT_IMAGE_DIR", str(tmp_path_factory.mktemp("secure-image")))
        patch.setenv("TAKT_TEST_SECRET", PHRASE)
        folder = tmp_path_factory.mktemp("secure")
        secret = folder / "ann.secret"
        secret.write_text(PHRASE + "\n")
        secret.chmod(0o600)
        program = PlayedProgram("secure", {"MAIN.LEVEL": ELEMENTARY["REAL"]})
        program.set("MAIN.LEVEL", 2.5)
        program.scan()
        with playing(program), takt_server(folder, "secure", SECTION) as running:
            yield running


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(server: TaktServer) -> None:
    own = server.folder / "pki" / "own"
    assert (own / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (own / "certificate.der").is_file()


def test_node_opcua_is_let_in_with_a_trusted_certificate_and_a_password(
    server: TaktServer, tmp_path: Path
) -> None:
    def attempt(**login: str) -> Any:
        options = {"policy": "Basic256Sha256", "mode": "SignAndEncrypt", **login}
        steps = {"read": ["ns=2;s=MAIN.LEVEL"]}
        return node_client(tmp_path, server.endpoint, steps, **options)

    assert "error" in attempt(user="ann", password=PHRASE)
    assert server.trust_rejected() == 1
    assert "error" in attempt(user="ann", password=PHRASE[1:])
    (rows,) = attempt(user="ann", password=PHRASE)["results"]
    assert (rows[0]["type"], rows[0]["value"]) == ("Float", 2.5)


def test_a_stranger_is_told_at_once_that_the_server_does_not_trust_them(
    server: TaktServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_TEST_SECRET", PHRASE)
    trusted = tmp_path / "pki" / "trusted"
    trusted.mkdir(parents=True)
    shutil.copy(server.folder / "pki" / "own" / "certificate.der", trusted / "server.der")
    login = ("--user", "ann", "--password-env", "TAKT_TEST_SECRET")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "scan", "opcua", server.endpoint, *login,
         "--pki", str(tmp_path / "pki")],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "BadSecurityChecksFailed" in done.stderr
    assert f"to trust {tmp_path}/pki/own/certificate.der" in done.stderr
    (rejected,) = (server.folder / "pki" / "rejected").glob("*.der")
    assert rejected.read_bytes() == (tmp_path / "pki" / "own" / "certificate.der").read_bytes()
    rejected.unlink()


def test_without_security_endpoints_can_be_asked_for_and_nothing_else(server: TaktServer) -> None:
    async def attempt() -> list[str]:
        client = Client(server.endpoint)
        found = await client.connect_and_get_server_endpoints()
        with pytest.raises(UaError):
            await client.connect()
        return [item.SecurityPolicyUri.rpartition("#")[2] for item in found]

    assert set(asyncio.run(attempt())) == {"Basic256Sha256", "Aes256_Sha256_RsaPss"}


def test_a_viewer_may_not_write_and_anonymous_is_nobody(server: TaktServer, tmp_path: Path) -> None:
    import datetime as dt

    from gateway.store.certificates import CertificateFolder, application_uri

    identity = CertificateFolder(tmp_path).identity("peer", dt.datetime.now(dt.UTC))
    target = server.folder / "pki" / "trusted" / "peer.der"
    target.write_bytes(identity.certificate)

    async def session(user: str | None) -> Client:
        client = Client(server.endpoint)
        client.application_uri = application_uri("peer")
        await client.set_security(
            SecurityPolicyBasic256Sha256, identity.certificate_path, identity.key_path,
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )  # fmt: skip
        if user is not None:
            client.set_user(user)
            client.set_password(PHRASE)
        await client.connect()
        return client

    async def scenario() -> None:
        with pytest.raises(UaError):
            await session(None)
        client = await session("ann")
        try:
            node = client.get_node("ns=2;s=MAIN.LEVEL")
            rights = await node.get_user_access_level()
            assert rights == {ua.AccessLevel.CurrentRead}
            with pytest.raises(UaError, match="BadUserAccessDenied"):
                await node.write_value(1.0, ua.VariantType.Float)
        finally:
            await client.disconnect()

    asyncio.run(scenario())


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes256Sha256RsaPss"])
def test_our_client_is_let_in_by_our_server(
    server: TaktServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    monkeypatch.setenv("TAKT_TEST_SECRET", PHRASE)

    async def scenario() -> None:
        more = (f'security = "{policy}"', 'user = "bob"', 'password_env = "TAKT_TEST_SECRET"')
        toml = opcua_toml(server.endpoint, *more, timeout="3s")
        rig = Rig(tmp_path, toml + node_toml("%ID0", "ns=2;s=MAIN.LEVEL"))
        trusted = tmp_path / "project" / "pki" / "trusted"
        trusted.mkdir(parents=True)
        own = server.folder / "pki" / "own" / "certificate.der"
        shutil.copy(own, trusted / "server.der")
        async with rig.serving():
            await rig.until(
                lambda: server.trust_rejected() or rig.qualities() == [Quality.GOOD], "a rejection"
            )
            await rig.until(lambda: rig.qualities() == [Quality.GOOD], "a good input")

    run(scenario())


def test_our_client_tells_no_password_to_a_server_that_it_does_not_trust(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        variables = [{"id": "A", "type": "Float", "value": 1.5}]
        options: dict[str, Any] = {"policies": ["Basic256Sha256"], "users": {"ann": PHRASE}}
        with node_server(tmp_path / "peer", variables, **options) as peer:
            secret = tmp_path / "project" / "secret"
            secret.parent.mkdir()
            secret.write_text(PHRASE)
            secret.chmod(0o600)
            more = ('security = "Basic256Sha256"', 'user = "ann"', 'password_file = "secret"')
            toml = opcua_toml(peer.endpoint, *more, timeout="3s")
            rig = Rig(tmp_path, toml + node_toml("%ID0", "ns=1;s=A"))
            pki = tmp_path / "project" / "pki"
            async with rig.serving():
                await rig.until(lambda: list(pki.glob("rejected/*.der")), "a rejection")
                assert rig.qualities() == [Quality.BAD]
                for file in list(pki.glob("rejected/*.der")):
                    shutil.move(file, pki / "trusted" / file.name)
                await rig.until(lambda: rig.qualities() == [Quality.GOOD], "a good input")

    run(scenario())
    assert "is not trusted" in caplog.text
    assert PHRASE not in caplog.text


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    from runtime.project.opcua import OpcUaUser
    from runtime.project.secrets import SecretError, read_secret

    file = tmp_path / "secret"
    file.write_text("open")
    file.chmod(0o644)
    user = OpcUaUser.model_validate({"name": "ann", "role": "viewer", "password_file": "secret"})
    with pytest.raises(SecretError, match="for its owner only"):
        read_secret(user, tmp_path)


def test_all_secrets_that_are_missing_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAKT_TEST_ANN", raising=False)
    users = [
        {"name": "ann", "role": "viewer", "password_env": "TAKT_TEST_ANN"},
        {"name": "bob", "role": "viewer", "certificate": "bob.pem"},
        {"name": "eve", "role": "viewer", "password_file": "eve"},
    ]
    section = OpcUaServerSection.model_validate({"user": users})
    certificates = CertificateFolder(tmp_path / "pki")

    with pytest.raises(ProjectError) as caught:
        Gatekeeper(section, tmp_path, certificates, time.monotonic_ns, time.time_ns)

    assert [fault.path for fault in caught.value.faults] == [
        "opcua.user[0].password_env",
        "opcua.user[1].certificate",
        "opcua.user[2].password_file",
    ]
