"""The real peers of the uplinks, from Debian's packages: mosquitto, nats-server, PostgreSQL.

Each runs on loopback on a free port, in a folder of its own, and can be stopped, killed, frozen and
started again on the same port.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.waiting import wait_until

PATIENCE_S = 30.0
ACCOUNT = "postgres"
READY = "database system is ready to accept connections"


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def program(name: str) -> str:
    """Return the path of a peer's program; a test that misses it fails."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *map(str, folders)])
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is not installed: run `make packages` as root"
    return found


@dataclass
class Broker:
    """A server process that comes and goes."""

    folder: Path
    port: int
    command: list[str]
    account: str | None = None
    """User that it runs as, None for our own."""
    ready: str = ""
    """What it logs when it serves; some accept connections before."""
    _logged: int = field(default=0, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it and wait until it accepts connections.

        A server may refuse as long as parts of a killed one are still there: it is tried again.
        """
        wait_until(self._started, PATIENCE_S, f"{self.command[0]} on port {self.port}")

    def _started(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            self._logged = len(self.log()) if (self.folder / "log").exists() else 0
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    self.command, stdout=log, stderr=log, cwd=self.folder, user=self.account
                )
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return self.ready in self.log()[self._logged :]
        return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal and wait for its end."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()
                process.wait()

    def freeze(self) -> None:
        """Let it answer nothing, with its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def mosquitto(folder: Path, *settings: str) -> Iterator[Broker]:
    """Run an MQTT broker that keeps its sessions over a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    lines = (
        f"listener {port} 127.0.0.1",
        *(settings or ("allow_anonymous true",)),
        "persistence true",
        f"persistence_location {folder}/",
        "max_queued_messages 0",
        "user root",
    )
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    yield from running(
        Broker(folder, port, [program("mosquitto"), "-c", str(folder / "mosquitto.conf")])
    )


@contextlib.contextmanager
def nats_server(folder: Path, *options: str) -> Iterator[Broker]:
    """Run a NATS server with JetStream on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    store = str(folder / "store")
    command = [program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", store]
    yield from running(Broker(folder, port, [*command, *options]))


@dataclass
class Postgres:
    """A database server and how to get in."""

    broker: Broker
    password: str

    @property
    def port(self) -> int:
        return self.broker.port

    @property
    def url(self) -> str:
        """URL of its database, password included."""
        return f"postgresql://takt:{self.password}@127.0.0.1:{self.port}/postgres"


@contextlib.contextmanager
def postgres(certificates: Path | None = None) -> Iterator[Postgres]:
    """Run a PostgreSQL server; as root it runs as the user of Debian's package.

    Args:
        certificates: Folder with server.pem and server.key; the server then encrypts.
    """
    password = secrets.token_hex(8)
    account = ACCOUNT if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="takt-postgres-"))
    try:
        secret = folder / "password"
        secret.write_text(password)
        if account is not None:
            shutil.chown(folder, account, account)
            shutil.chown(secret, account, account)
        subprocess.run(
            [program("initdb"), "-D", str(folder / "data"), "-U", "takt", "-A", "scram-sha-256",
             "--pwfile", str(secret), "--no-sync", "--no-locale", "-E", "UTF8"],
            check=True, capture_output=True, user=account, cwd=folder,
        )  # fmt: skip
        port = free_port()
        command = [program("postgres"), "-D", str(folder / "data"), "-p", str(port), "-c",
                   "listen_addresses=127.0.0.1", "-k", str(folder)]  # fmt: skip
        if certificates is not None:
            command += ["-c", "ssl=on"]
            for name, setting in (("server.pem", "ssl_cert_file"), ("server.key", "ssl_key_file")):
                copy = Path(shutil.copy(certificates / name, folder / name))
                copy.chmod(0o600)
                if account is not None:
                    shutil.chown(copy, account, account)
                command += ["-c", f"{setting}={copy}"]
        for broker in running(Broker(folder, port, command, account, READY)):
            yield Postgres(broker, password)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def running(broker: Broker) -> Iterator[Broker]:
    """Run a server to the end of the loop over this."""
    try:
        broker.start()
        yield broker
    finally:
        broker.stop(signal.SIGKILL)
