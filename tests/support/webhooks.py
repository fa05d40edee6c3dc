"""Receivers of webhooks: one on node's HTTP server, and nginx of Debian in front of it."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.flow.ledger import Account
from tests.support.brokers import Broker, free_port, program, running

SCRIPT = Path(__file__).parents[1] / "peers" / "node" / "webhook.js"
Json = Mapping[str, object]


@dataclass(frozen=True)
class Request:
    """A request that the receiver took."""

    key: str
    lane: str
    headers: dict[str, str]
    lines: tuple[tuple[str, int, int], ...]
    """Of each batch the stream, the first number and the one after its last."""
    connection: int
    open: int
    """Requests that were open when it came, itself included."""


@dataclass
class Receiver:
    """A receiver that comes and goes, and answers as it is told."""

    broker: Broker

    @property
    def url(self) -> str:
        """Where it takes batches."""
        return f"http://127.0.0.1:{self.broker.port}/takt"

    def plan(self, *answers: Json, refuse: int | None = None) -> None:
        """Tell how to answer the next requests, and which sample not to take."""
        fussy = {} if refuse is None else {"refuse": refuse}
        whole = self.broker.folder / "plan.new"
        whole.write_text(json.dumps({"next": answers, **fussy}))
        whole.replace(self.broker.folder / "plan.json")

    def requests(self) -> list[Request]:
        """Return what it took, in the order in which it did."""
        return [_request(json.loads(line)) for line in self._lines("received.ndjson")]

    def statuses(self) -> list[int]:
        """Return how it answered all that it read."""
        return [json.loads(line)["status"] for line in self._lines("seen.ndjson")]

    def samples(self) -> int:
        """Return how many samples it took, each counted once."""
        return sum(end - first for _, first, end in self.batches())

    def batches(self) -> set[tuple[str, int, int]]:
        """Return the batches that are left when what came twice is dropped by its identity."""
        return {line for request in self.requests() for line in request.lines}

    def account(self, *, by_key: bool = False) -> Account:
        """Account for all that was taken.

        Args:
            by_key: Leave out requests whose `Idempotency-Key` was taken before.
        """
        account, keys = Account(), set[str]()
        for request in self.requests():
            if by_key and request.key in keys:
                continue
            keys.add(request.key)
            for _, first, end in request.lines:
                account.take(request.lane, (first, end))
        return account

    def _lines(self, name: str) -> list[str]:
        path = self.broker.folder / name
        text = path.read_text() if path.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()  # the last one may be half written


def _request(raw: Json) -> Request:
    headers, lines = raw["headers"], raw["lines"]
    connection, at_once = raw["connection"], raw["open"]
    assert isinstance(headers, dict)
    assert isinstance(lines, list)
    assert isinstance(connection, int)
    assert isinstance(at_once, int)
    return Request(
        key=headers["idempotency-key"],
        lane=headers["takt-lane"],
        headers=headers,
        lines=tuple(
            (line["stream"], line["seq"], line["seq"] + line["count"]) for line in lines
        ),
        connection=connection,
        open=at_once,
    )  # fmt: skip


@contextlib.contextmanager
def receiver(folder: Path, **settings: object) -> Iterator[Receiver]:
    """Run a receiver; settings are those of `webhook.js`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    told = json.dumps({"port": port, "folder": str(folder), **settings})
    broker = Broker(folder, port, [program("node"), str(SCRIPT), told], ready="listening on")
    for up in running(broker):
        yield Receiver(up)


@contextlib.contextmanager
def nginx(folder: Path, certificates: Path, behind: int, password: str) -> Iterator[Broker]:
    """Run nginx: it encrypts, asks for user and password, and passes on to a port of loopback.

    Args:
        folder: Its own.
        certificates: Folder with server.pem and server.key.
        behind: The port.
        password: That of the user `takt`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    hashed = subprocess.run(
        [program("openssl"), "passwd", "-apr1", "-stdin"],
        input=password, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (folder / "users").write_text(f"takt:{hashed.stdout}")
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # One process: workers would outlive a master that is killed.
    (folder / "nginx.conf").write_text(
        f"""daemon off;
        master_process off;
        pid {folder}/pid;
        error_log {folder}/log notice;
        user root;
        events {{ worker_connections 64; }}
        http {{
          access_log off;
          {temporary}
          client_max_body_size 100k;
          server {{
            listen 127.0.0.1:{port} ssl;
            ssl_certificate {certificates}/server.pem;
            ssl_certificate_key {certificates}/server.key;
            location / {{
              auth_basic takt;
              auth_basic_user_file {folder}/users;
              proxy_pass http://127.0.0.1:{behind};
              proxy_http_version 1.1;
              proxy_set_header Connection "";
            }}
          }}
        }}
        """
    )
    command = [program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]
    yield from running(Broker(folder, port, command))
