"""Uplinks over TLS with user and password, and where the peer is not who it should be."""

import asyncio
import gc
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cloud.make import make_peer
from gateway.cloud.seam import Peer, SessionPeer, UplinkError
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import StoredBatch
from tests.support.brokers import mosquitto, nats_server, postgres, program
from tests.support.cloud_plant import cloud_project

# The clients' libraries leave the sockets of handshakes that failed to the garbage collection.
pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
KINDS = ["mqtt", "jetstream", "postgresql", "sparkplug"]
PASSWORD = secrets.token_hex(8)
STREAM = "00000000-0000-4000-8000-000000000001"
BATCH = StoredBatch(
    1, 2,
    b'{"stream":"' + STREAM.encode() + b'","seq":1,"count":1,"project":"p","run":"r",'
    b'"frames":[{"task":"T","cycle":1,"time":1,"values":{"A":1}}]}',
)  # fmt: skip


@contextmanager
def server(kind: str, folder: Path, certificates: Path) -> Iterator[tuple[int, str]]:
    """Run a server that encrypts and asks who is there; yield its port and the password."""
    if kind == "postgresql":
        with postgres(certificates) as database:
            yield database.port, database.password
        return
    pem, key = str(certificates / "server.pem"), str(certificates / "server.key")
    if kind == "jetstream":
        options = ("--tls", "--tlscert", pem, "--tlskey", key, "--user", "takt", "--pass", PASSWORD)
        with nats_server(folder / "nats", *options) as broker:
            yield broker.port, PASSWORD
        return
    users = folder / "users"
    subprocess.run(
        [program("mosquitto_passwd"), "-c", "-b", str(users), "takt", PASSWORD], check=True
    )
    settings = ("allow_anonymous false", f"password_file {users}", f"certfile {pem}",
                f"keyfile {key}")  # fmt: skip
    with mosquitto(folder / "mosquitto", *settings) as broker:
        yield broker.port, PASSWORD


def peer(kind: str, folder: Path, port: int, password: str, authority: Path) -> Peer:
    """Return the far end as `takt.toml` makes it."""
    folder.mkdir(exist_ok=True)
    secret = folder / "secret"
    secret.write_text(password)
    secret.chmod(0o600)
    more = 'database = "postgres"\n' if kind == "postgresql" else ""
    toml = (
        f'[[uplink]]\nname = "up"\nkind = "{kind}"\nport = {port}\nuser = "takt"\n'
        f'password_file = "secret"\ntimeout = "5s"\n{more}tls = {{ ca = "{authority}" }}\n'
    )
    project = cloud_project(folder, toml)
    return make_peer(project.config.uplink[0], project, lambda: None)


async def deliver(far: Peer) -> None:
    """Connect and send one batch."""
    try:
        async with asyncio.timeout(20):
            await far.connect()
            if isinstance(far, SessionPeer):
                await far.ready()
            await (await far.send(Group("up", Lane.LIVE, (BATCH,), (1, 2), STREAM, 1)))
    finally:
        await far.close()
        gc.collect()


@pytest.mark.parametrize("kind", KINDS)
def test_samples_pass_encrypted_to_a_peer_that_is_known(
    kind: str, tmp_path: Path, certificates: Path
) -> None:
    with server(kind, tmp_path, certificates) as (port, password):
        far = peer(kind, tmp_path / "project", port, password, certificates / "ca.pem")
        asyncio.run(deliver(far))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_passes_to_a_peer_that_nobody_vouches_for(
    kind: str, tmp_path: Path, certificates: Path
) -> None:
    with server(kind, tmp_path, certificates) as (port, password):
        foreign = certificates / "foreign" / "ca.pem"
        far = peer(kind, tmp_path / "project", port, password, foreign)
        with pytest.raises((UplinkError, OSError)) as caught:
            asyncio.run(deliver(far))
    assert password not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_told_without_telling_it(
    kind: str, tmp_path: Path, certificates: Path
) -> None:
    with server(kind, tmp_path, certificates) as (port, _):
        far = peer(kind, tmp_path / "project", port, "wrong-one", certificates / "ca.pem")
        with pytest.raises(UplinkError) as caught:
            asyncio.run(deliver(far))
    assert "wrong-one" not in str(caught.value)
