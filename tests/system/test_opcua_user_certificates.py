"""Login by certificate in both roles: the certificate names the user, its key proves it."""

import asyncio
import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import UaError

from gateway.store.certificates import CertificateFolder, application_uri, make_certificate
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image.layout import Quality
from tests.support.opcua_gateway import Rig, node_toml, opcua_toml, run
from tests.support.opcua_image import PlayedProgram, playing
from tests.support.opcua_peers import TaktServer, node_client, node_server, takt_server
from tests.support.runtime_process import ROOT

pytestmark = pytest.mark.system

SECTION = """security = ["Basic256Sha256"]
anonymous = true
write = ["MAIN.LEVEL"]
[[opcua.user]]
name = "olga"
role = "operator"
certificate = "olga.der"
[[opcua.user]]
name = "past"
role = "operator"
certificate = "past.der"
"""
LEVEL = "ns=2;s=MAIN.LEVEL"


@dataclass(frozen=True, slots=True)
class Papers:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


def papers(folder: Path, name: str, age: dt.timedelta = dt.timedelta()) -> Papers:
    found = Papers(folder / f"{name}.der", folder / f"{name}.pem")
    certificate, key = make_certificate(name, f"urn:test:{name}", dt.datetime.now(dt.UTC) - age)
    found.certificate.write_bytes(certificate)
    found.key.write_bytes(key)
    return found


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Papers]:
    folder = tmp_path_factory.mktemp("people")
    decade = dt.timedelta(days=3653)
    made = {name: papers(folder, name) for name in ("olga", "stranger")}
    made["past"] = papers(folder, "past", decade)
    made["thief"] = Papers(made["olga"].certificate, made["stranger"].key)
    return made


@pytest.fixture(scope="module")
def server(
    people: dict[str, Papers], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TaktServer]:
    folder = tmp_path_factory.mktemp("certified")
    for name in ("olga", "past"):
        shutil.copy(people[name].certificate, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKT_IMAGE_DIR", str(tmp_path_factory.mktemp("certified-image")))
        program = PlayedProgram("certified", {"MAIN.LEVEL": ELEMENTARY["REAL"]})
        program.set("MAIN.LEVEL", 2.5)
        program.scan()
        with playing(program), takt_server(folder, "certified", SECTION) as running:
            yield running


async def rights(server: TaktServer, folder: Path, user: Papers | None) -> set[ua.AccessLevel]:
    """Return what a user of asyncua may do with the level."""
    identity = CertificateFolder(folder).identity("peer", dt.datetime.now(dt.UTC))
    trusted = server.folder / "pki" / "trusted" / "peer.der"
    trusted.write_bytes(identity.certificate)
    client = Client(server.endpoint)
    client.application_uri = application_uri("peer")
    await client.set_security(
        SecurityPolicyBasic256Sha256, identity.certificate_path, identity.key_path,
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )  # fmt: skip
    if user is not None:
        await client.load_client_certificate(user.certificate)
        await client.load_private_key(user.key)
    async with client:
        found: set[ua.AccessLevel] = await client.get_node(LEVEL).get_user_access_level()
        return found


READ, WRITE = ua.AccessLevel.CurrentRead, ua.AccessLevel.CurrentWrite


def test_a_certificate_gives_its_user_their_role_and_a_stranger_none(
    server: TaktServer, people: dict[str, Papers], tmp_path: Path
) -> None:
    def found(user: str | None) -> set[ua.AccessLevel]:
        return asyncio.run(rights(server, tmp_path, people[user] if user else None))

    assert found("olga") == {READ, WRITE}
    assert found(None) == {READ}
    for refused in ("stranger", "past"):
        with pytest.raises(UaError, match="BadUserAccessDenied"):
            found(refused)
    with pytest.raises(UaError, match="BadIdentityTokenInvalid"):
        found("thief")
    said = [item["message"] for item in server.records()]
    assert "OPC UA login of olga by certificate (operator)" in said
    assert "OPC UA login refused: unknown certificate" in said
    assert "OPC UA login refused: certificate of past is outside its time" in said


def test_node_opcua_logs_in_by_certificate_and_not_with_anothers_key(
    server: TaktServer, people: dict[str, Papers], tmp_path: Path
) -> None:
    def attempt(user: Papers) -> object:
        login = {"userCertificate": str(user.certificate), "userKey": str(user.key)}
        options = {"policy": "Basic256Sha256", "mode": "SignAndEncrypt", **login}
        return node_client(tmp_path, server.endpoint, {"read": [LEVEL]}, **options)

    attempt(people["olga"])
    assert server.trust_rejected() == 1, "the application's certificate is another matter"
    report = attempt(people["olga"])
    assert isinstance(report, dict)
    assert "error" not in report
    assert report["results"][0][0]["value"] == 2.5
    refused = attempt(people["thief"])
    assert isinstance(refused, dict)
    assert "BadIdentityTokenInvalid" in refused["error"]


def device(endpoint: str, user: Papers) -> str:
    more = (
        'security = "Basic256Sha256"',
        f'user_certificate = "{user.certificate}"',
        f'user_key = "{user.key}"',
    )
    return opcua_toml(endpoint, *more, timeout="3s")


def test_our_client_logs_in_to_node_opcua_by_certificate(
    people: dict[str, Papers], tmp_path: Path
) -> None:
    async def scenario() -> None:
        variables = [{"id": "A", "type": "Float", "value": 1.5}]
        options = {"policies": ["Basic256Sha256"], "users": {"nobody": "else"}}
        with node_server(tmp_path / "peer", variables, **options) as peer:
            rig = Rig(
                tmp_path, device(peer.endpoint, people["olga"]) + node_toml("%ID0", "ns=1;s=A")
            )
            pki = tmp_path / "project" / "pki"
            async with rig.serving():
                await rig.until(lambda: list(pki.glob("rejected/*.der")), "a rejection")
                for file in list(pki.glob("rejected/*.der")):
                    shutil.move(file, pki / "trusted" / file.name)
                await rig.until(lambda: rig.qualities() == [Quality.GOOD], "a good input")

    run(scenario())


def test_our_client_is_told_why_its_certificate_is_no_login(
    server: TaktServer,
    people: dict[str, Papers],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        toml = device(server.endpoint, people["stranger"]) + node_toml("%ID0", LEVEL)
        rig = Rig(tmp_path, toml)
        trusted = tmp_path / "project" / "pki" / "trusted"
        trusted.mkdir(parents=True)
        shutil.copy(server.folder / "pki" / "own" / "certificate.der", trusted / "server.der")
        async with rig.serving():
            await rig.until(server.trust_rejected, "a rejection of the application")
            await rig.until(lambda: "BadUserAccessDenied" in caplog.text, "a refusal")
            assert rig.qualities() == [Quality.BAD]

    run(scenario())


def test_a_scan_logs_in_by_certificate(
    server: TaktServer, people: dict[str, Papers], tmp_path: Path
) -> None:
    trusted = tmp_path / "pki" / "trusted"
    trusted.mkdir(parents=True)
    shutil.copy(server.folder / "pki" / "own" / "certificate.der", trusted / "server.der")

    def scanned(user: Papers) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "gateway", "scan", "opcua", server.endpoint,
             "--user-certificate", str(user.certificate), "--user-key", str(user.key),
             "--pki", str(tmp_path / "pki")],
            capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip

    assert "BadSecurityChecksFailed" in scanned(people["olga"]).stderr
    assert server.trust_rejected() == 1, "the application's certificate is another matter"
    assert "BadUserAccessDenied" in scanned(people["stranger"]).stderr
    done = scanned(people["olga"])
    assert done.returncode == 0, done.stderr
    assert f'user_certificate = "{people["olga"].certificate}"' in done.stdout
    assert 'node = "ns=2;s=MAIN.LEVEL"' in done.stdout
    assert "it can be written too" in done.stdout, "that is olga's right"
