"""The HTTP uplink's peer against servers of others: node's, and nginx in front of it."""

import asyncio
import gc
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cloud.make import make_peer
from gateway.cloud.seam import Peer, RefusedError, UplinkError
from gateway.flow.batches import Source, encode_batch
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import StoredBatch
from runtime.errors import HostError
from tests.support.cloud_plant import cloud_project
from tests.support.samples import report
from tests.support.webhooks import Receiver, nginx, receiver

pytestmark = pytest.mark.system
STREAM = "00000000-0000-4000-8000-000000000001"
PASSWORD = secrets.token_hex(8)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path / "receiver") as up:
        yield up


def far_end(folder: Path, url: str, more: str = "") -> Peer:
    """Return the peer as `takt.toml` makes it."""
    folder.mkdir(exist_ok=True)
    secret = folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    toml = f'[[uplink]]\nname = "up"\nkind = "http"\nurl = "{url}"\n{more}'
    project = cloud_project(folder, toml)
    return make_peer(project.config.uplink[0], project, lambda: None)


def batch(number: int, samples: int = 3) -> StoredBatch:
    """Return the batch of a number, all of them of that many samples."""
    first = 1 + number * samples
    payload = encode_batch(Source(STREAM, "plant", "run"), first, [report(number, samples)])
    return StoredBatch(first, first + samples, payload)


def group(*numbers: int, lane: Lane = Lane.LIVE, samples: int = 3) -> Group:
    batches = tuple(batch(number, samples) for number in numbers)
    return Group("up", lane, batches, (batches[0].first, batches[-1].end), STREAM, 1)


async def deliver(far: Peer, *groups: Group) -> None:
    """Connect and send some groups."""
    try:
        async with asyncio.timeout(20):
            await far.connect()
            for item in groups:
                await (await far.send(item))
    finally:
        await far.close()
        gc.collect()


def test_batches_that_are_ready_share_a_request_line_by_line(
    tmp_path: Path, server: Receiver
) -> None:
    asyncio.run(deliver(far_end(tmp_path / "p", server.url), group(0, 1, 2), group(3)))
    first, second = server.requests()
    assert first.lines == ((STREAM, 1, 4), (STREAM, 4, 7), (STREAM, 7, 10))
    assert first.headers["content-type"] == "application/x-ndjson"
    assert (first.key, second.key) == (f'"{STREAM}/1-9"', f'"{STREAM}/10-12"')
    assert first.connection == second.connection


def test_a_request_a_batch_bears_what_makes_a_receiver_idempotent(
    tmp_path: Path, server: Receiver
) -> None:
    far = far_end(tmp_path / "p", server.url, 'format = "json"\n')
    asyncio.run(deliver(far, group(0, 1), group(0, lane=Lane.BACKLOG)))
    one, other, again = server.requests()
    told = {name: one.headers[name] for name in one.headers if name.startswith(("takt", "content"))}
    assert told == {
        "takt-project": "plant", "takt-stream": STREAM, "takt-lane": "live", "takt-seq": "1",
        "takt-next": "4", "content-type": "application/json",
        "content-length": one.headers["content-length"],
    }  # fmt: skip
    assert (one.open, other.open) == (1, 1)
    assert again.lane == "backlog"
    assert again.key == one.key  # the lane is no part of it: a batch may change over


def test_requests_open_at_once_are_bounded_and_all_arrive(tmp_path: Path, server: Receiver) -> None:
    server.plan(*[{"wait_ms": 30}] * 12)
    far = far_end(tmp_path / "p", server.url, 'format = "json"\nrequests = 4\n')
    asyncio.run(deliver(far, group(*range(12))))
    assert len(server.batches()) == 12
    assert max(request.open for request in server.requests()) == 4


def test_a_request_has_no_more_bytes_than_allowed(tmp_path: Path, server: Receiver) -> None:
    far = far_end(tmp_path / "p", server.url, "body_max = 10000\n")
    asyncio.run(deliver(far, group(*range(20), samples=50)))
    assert len(server.batches()) == 20
    sizes = [int(request.headers["content-length"]) for request in server.requests()]
    assert max(sizes) <= 10_000
    assert len(sizes) < 20


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        ({"status": 400, "body": "no such\ncolumn"}, RefusedError, "HTTP 400.*: no such column"),
        ({"status": 404}, UplinkError, "HTTP 404 Not Found"),
        ({"status": 500, "body": "x" * 100_000}, UplinkError, "HTTP 500 Internal Server Error: xx"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, UplinkError, "not followed"),
        ({"cut": "untaken"}, UplinkError, "HTTP: Server disconnected"),
        ({"cut": "half"}, UplinkError, "HTTP: Response payload is not completed"),
        ({"cut": "garbage"}, UplinkError, "HTTP: what came is no answer: Bad status line"),
    ],
)
def test_what_is_no_success_is_an_error_and_one_request(
    tmp_path: Path, server: Receiver, answer: dict[str, object], error: type[UplinkError], text: str
) -> None:
    server.plan(answer)
    far = far_end(tmp_path / "p", server.url)
    with pytest.raises(UplinkError, match=text) as caught:
        asyncio.run(deliver(far, group(0)))
    assert type(caught.value) is error
    assert len(server.statuses()) == 1
    asyncio.run(deliver(far, group(0)))
    assert server.samples() == 3


def test_whatever_a_success_says_takes_the_samples(tmp_path: Path, server: Receiver) -> None:
    server.plan(
        {"status": 200, "body": "x" * 1_000_000},
        {"status": 202, "headers": {"Content-Encoding": "gzip"}, "body": "no such thing"},
    )
    far = far_end(tmp_path / "p", server.url)
    asyncio.run(deliver(far, group(0), group(1), group(2)))
    assert server.statuses() == [200, 202, 204]


def test_a_receiver_that_is_busy_says_for_how_long(tmp_path: Path, server: Receiver) -> None:
    server.plan({"status": 503, "headers": {"Retry-After": "7"}})
    with pytest.raises(UplinkError) as caught:
        asyncio.run(deliver(far_end(tmp_path / "p", server.url), group(0)))
    assert caught.value.retry_after_s == 7.0


def test_what_was_taken_of_a_group_that_failed_is_known(tmp_path: Path, server: Receiver) -> None:
    server.plan({}, {}, {"status": 500})
    far = far_end(tmp_path / "p", server.url, 'format = "json"\n')

    async def run() -> None:
        with pytest.raises(UplinkError):
            await deliver(far, group(0, 1, 2, 3))
        assert await far.progress(STREAM, Lane.LIVE) == 7
        assert await far.progress(STREAM, Lane.BACKLOG) is None
        assert await far.progress("another", Lane.LIVE) is None

    asyncio.run(run())


def test_nobody_there_is_told_before_anything_is_sent(tmp_path: Path, server: Receiver) -> None:
    server.broker.stop()
    with pytest.raises(OSError, match=r"refused|failed"):
        asyncio.run(deliver(far_end(tmp_path / "p", server.url), group(0)))


def test_a_token_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    with receiver(tmp_path / "receiver", authorization="Bearer a-newer-one") as up:
        far = far_end(tmp_path / "p", up.url, 'token_file = "secret"\n')
        with pytest.raises(UplinkError, match="HTTP 401 Unauthorized: the login is wrong") as error:
            asyncio.run(deliver(far, group(0)))
        assert PASSWORD not in str(error.value)
        (tmp_path / "p" / "secret").write_text("a-newer-one\n")
        asyncio.run(deliver(far, group(0)))
        assert up.samples() == 3
        (tmp_path / "p" / "secret").unlink()
        with pytest.raises(UplinkError, match="the secret cannot be read"):
            asyncio.run(deliver(far, group(0)))


def test_headers_of_the_project_are_sent(
    tmp_path: Path, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_TEST_KEY", "k-123")
    more = (
        '[[uplink.header]]\nname = "X-Api-Key"\nvalue_env = "TAKT_TEST_KEY"\n'
        '[[uplink.header]]\nname = "X-Tenant"\nvalue = "works"\n'
    )
    asyncio.run(deliver(far_end(tmp_path / "p", server.url + "/{project}", more), group(0)))
    (request,) = server.requests()
    assert (request.headers["x-api-key"], request.headers["x-tenant"]) == ("k-123", "works")
    assert '"url":"/takt/plant"' in (tmp_path / "receiver" / "received.ndjson").read_text()
    monkeypatch.delenv("TAKT_TEST_KEY")
    with pytest.raises(HostError, match="value_env = 'TAKT_TEST_KEY'"):
        far_end(tmp_path / "p", server.url, more)


def https(folder: Path, port: int, authority: Path, more: str = "") -> Peer:
    """Return a peer that logs in as nginx wants it."""
    login = 'user = "takt"\npassword_file = "secret"\n'
    url = f"https://127.0.0.1:{port}/takt"
    return far_end(folder, url, f'{login}{more}tls = {{ ca = "{authority}" }}\n')


def test_nginx_takes_login_and_certificate_and_passes_on(
    tmp_path: Path, server: Receiver, certificates: Path
) -> None:
    with nginx(tmp_path / "nginx", certificates, server.broker.port, PASSWORD) as front:
        far = https(tmp_path / "p", front.port, certificates / "ca.pem")
        asyncio.run(deliver(far, group(0, 1), group(2)))
        assert server.samples() == 9
        server.broker.stop()
        with pytest.raises(UplinkError, match="HTTP 502 Bad Gateway"):
            asyncio.run(deliver(far, group(3)))


def test_a_wrong_login_is_told_without_telling_it(
    tmp_path: Path, server: Receiver, certificates: Path
) -> None:
    with nginx(tmp_path / "nginx", certificates, server.broker.port, "another") as front:
        far = https(tmp_path / "p", front.port, certificates / "ca.pem")
        with pytest.raises(UplinkError, match="HTTP 401 Unauthorized") as caught:
            asyncio.run(deliver(far, group(0)))
    assert PASSWORD not in str(caught.value)
    assert server.samples() == 0


def test_nothing_passes_to_a_server_that_nobody_vouches_for(
    tmp_path: Path, server: Receiver, certificates: Path
) -> None:
    with nginx(tmp_path / "nginx", certificates, server.broker.port, PASSWORD) as front:
        foreign = certificates / "foreign" / "ca.pem"
        with pytest.raises(OSError, match="certificate verify failed"):
            asyncio.run(deliver(https(tmp_path / "p", front.port, foreign), group(0)))
    assert server.samples() == 0


def test_a_request_that_is_too_large_is_sent_by_halves(
    tmp_path: Path, server: Receiver, certificates: Path
) -> None:
    with nginx(tmp_path / "nginx", certificates, server.broker.port, PASSWORD) as front:
        far = https(tmp_path / "p", front.port, certificates / "ca.pem")
        whole = group(*range(10), samples=1000)  # some 200 kB; nginx is told to take 100
        refusals = []
        for _ in range(4):
            try:
                asyncio.run(deliver(far, whole))
            except UplinkError as error:
                refusals.append(str(error))
        assert refusals
        assert all(text.startswith("HTTP 413: ") for text in refusals)
        assert server.samples() == 10_000
        assert server.account(by_key=True).out_of_order == 0
