"""Our OPC UA server as a process, and node-opcua's client and server as peers of both roles."""

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gateway.store.certificates import make_certificate
from tests.support.runtime_process import ROOT
from tests.support.waiting import wait_until

NODE_FOLDER = ROOT / "tests" / "peers" / "node"
PATIENCE_S = 60.0


def require_node() -> str:
    """Return the program `node`; fail with what to do where it or the peers are not there."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing; expected Node.js with npm (make packages, then make peers)")
    if not (NODE_FOLDER / "node_modules").is_dir():
        pytest.fail("node-opcua is not installed: run `make peers`")
    return node


URI = "urn:takt-test:node-opcua"


def _with_certificate(folder: Path) -> None:
    """Give node-opcua a key and a certificate: it takes many seconds to make them itself."""
    private = folder / "own" / "private"
    if private.is_dir():
        return
    private.mkdir(parents=True)
    now = dt.datetime.now(dt.UTC)
    certificate, key = make_certificate("node-opcua", URI, now)
    (private / "private_key.pem").write_bytes(key)
    body = x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
    (folder / "own.pem").write_bytes(body)


def node_client(folder: Path, endpoint: str, *steps: dict[str, Any], **options: str) -> Any:
    """Let node-opcua's client do some steps; return its report."""
    _with_certificate(folder)
    wanted = {"endpoint": endpoint, "folder": str(folder), "uri": URI, "steps": list(steps)}
    wanted |= options
    done = subprocess.run(
        [require_node(), str(NODE_FOLDER / "client.js"), json.dumps(wanted)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[-1])


class NodeServer:
    """A node-opcua server that obeys the test."""

    def __init__(self, folder: Path, variables: list[dict[str, Any]], **options: Any) -> None:
        """Start it and wait until it listens."""
        _with_certificate(folder)
        wanted = {"folder": str(folder), "uri": URI, "variables": variables, **options}
        self.process = subprocess.Popen(
            [require_node(), str(NODE_FOLDER / "server.js"), json.dumps(wanted)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.reports: Queue[dict[str, Any]] = Queue()
        self.written: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        first = self.reports.get(timeout=PATIENCE_S)
        if not first:
            self.end()
            pytest.fail("node-opcua's server ended before it listened")
        self.endpoint: str = first["endpoint"]
        self.namespace: int = first["namespace"]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                report = json.loads(line)
                if "written" in report:
                    self.written[report["written"]] = report["value"]
                self.reports.put(report)
        self.reports.put({})

    def order(self, **order: Any) -> None:
        """Let it do something: `set`, `status`, `count`."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, or kill it."""
        self.process.send_signal(number)

    def end(self) -> None:
        """Kill it."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._thread.join(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


@contextlib.contextmanager
def node_server(
    folder: Path, variables: list[dict[str, Any]], **options: Any
) -> Iterator[NodeServer]:
    """Run a node-opcua server during the block."""
    server = NodeServer(folder, variables, **options)
    try:
        yield server
    finally:
        server.end()


class TaktServer:
    """`python -m gateway opcua` of a project."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it listens."""
        self.folder = folder
        self.log = folder / "opcua.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "opcua", str(folder)],
                stderr=log, cwd=ROOT, env=os.environ.copy(), stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            self.await_listening(0)
        except BaseException:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            raise

    def records(self) -> list[dict[str, Any]]:
        """Return the records of its log."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def trust_rejected(self) -> int:
        """Move what it has rejected to what it trusts; return how many there were."""
        pki = self.folder / "pki"
        rejected = list((pki / "rejected").glob("*.der")) if (pki / "rejected").is_dir() else []
        for file in rejected:
            shutil.move(file, pki / "trusted" / file.name)
        return len(rejected)

    def await_listening(self, more_than: int) -> None:
        """Wait until it has opened its port more often than that."""

        def listening() -> bool:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            return len(self._endpoints()) > more_than

        wait_until(listening, PATIENCE_S, "the OPC UA server")

    def _endpoints(self) -> list[str]:
        return [record["endpoint"] for record in self.records() if "endpoint" in record]

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return self._endpoints()[-1]

    def end(self) -> int:
        """End it as the gateway does; return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def takt_server(folder: Path, name: str, section: str) -> Iterator[TaktServer]:
    """Run our server during the block; `section` is the inside of [opcua]."""
    (folder / "plant.st").write_text("PROGRAM Main END_PROGRAM\n")
    (folder / "takt.toml").write_text(
        f'[project]\nname = "{name}"\n[[task]]\nname = "Main"\ninterval = "10ms"\n'
        f'programs = ["Main"]\n[opcua]\nport = 0\n{section}'
    )
    server = TaktServer(folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait(PATIENCE_S)
