"""Batches from a JetStream stream, for the consumer: acknowledged when they are safe."""

import contextlib
from collections.abc import AsyncIterator

import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from gateway.cloud.consumer import Delivery
from gateway.cloud.seam import UplinkError

_FETCH = 64
_FETCH_S = 1.0


@contextlib.asynccontextmanager
async def jetstream_deliveries(
    host: str, port: int, user: str | None, password: str | None, stream: str, name: str
) -> AsyncIterator[AsyncIterator[Delivery]]:
    """Connect and bind a durable consumer; yield the messages.

    Raises:
        UplinkError: The server is not there, or has no such stream.
    """
    try:
        client = await nats.connect(
            f"nats://{host}:{port}",
            user=user,
            password=password,
            allow_reconnect=False,
            error_cb=_ignore,
        )
    except NatsError as error:
        raise UplinkError(f"NATS: {error}") from error
    try:
        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=30.0, max_ack_pending=1000)
        subscription = await client.jetstream().pull_subscribe(
            "", durable=name, stream=stream, config=config
        )
        yield _messages(subscription)
    except NotFoundError:
        raise UplinkError(f"NATS: {host}:{port} has no stream {stream}") from None
    except NatsError as error:
        raise UplinkError(f"NATS: {error}") from error
    finally:
        with contextlib.suppress(NatsError, OSError):
            await client.close()


async def _messages(
    subscription: JetStreamContext.PullSubscription,
) -> AsyncIterator[Delivery]:
    while True:
        try:
            messages = await subscription.fetch(_FETCH, timeout=_FETCH_S)
        except TimeoutError:
            continue
        except NatsError as error:
            raise UplinkError(f"NATS: {error}") from error
        for message in messages:
            lane = message.subject.rpartition(".")[2]
            yield Delivery(lane, message.data, message.ack)


async def _ignore(_: Exception) -> None:
    """Drop the library's reports of background errors: the call that fails tells them too."""
