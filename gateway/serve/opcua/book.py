"""All sessions' subscriptions; stands in the place of the library's subscription service."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError

from gateway.protocols.opcua.builtin import Status
from gateway.serve.opcua.frames import FrameSource
from gateway.serve.opcua.subscriptions import (
    SUBSCRIPTIONS_MAX,
    PublishQueue,
    Subscription,
    Terms,
    Ticks,
)


@dataclass(slots=True)
class Holder:
    """What one session has: its open Publish requests and its subscriptions."""

    queue: PublishQueue
    subscriptions: dict[int, Subscription] = field(default_factory=dict)


@dataclass(slots=True)
class Held:
    """A subscription as the library sees it: whose it is. The rest it sets, and nobody reads."""

    session_id: ua.NodeId
    subscription: Subscription
    pub_result_callback: Any = None
    pub_request_callback: Any = None


class SubscriptionBook:
    """Makes, finds and ends subscriptions."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        source: Callable[[], FrameSource],
        clock: Callable[[], int],
        ticks: Ticks,
    ) -> None:
        """Run subscriptions as tasks of a group; `source` returns where scans come from."""
        self.subscriptions: dict[int, Held] = {}
        self._group = group
        self._source = source
        self._clock = clock
        self._ticks = ticks
        self._holders: dict[ua.NodeId, Holder] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._numbers = 0

    def holder(self, session_id: ua.NodeId) -> Holder:
        """Return what a session has."""
        holder = self._holders.get(session_id)
        if holder is None:
            queue = PublishQueue(self._clock, self._ticks, self._expired)
            holder = self._holders[session_id] = Holder(queue)
        return holder

    def create(self, session_id: ua.NodeId, terms: Terms) -> Subscription:
        """Begin a subscription.

        Raises:
            ServiceError: There are too many.
        """
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise ServiceError(Status.BAD_TOO_MANY_SUBSCRIPTIONS)
        self._numbers += 1
        holder = self.holder(session_id)
        subscription = Subscription(self._numbers, terms, holder.queue, self._source(), self._ticks)
        holder.subscriptions[subscription.number] = subscription
        self.subscriptions[subscription.number] = Held(session_id, subscription)
        self._tasks[subscription.number] = self._group.create_task(subscription.run())
        return subscription

    def find(self, session_id: ua.NodeId, number: int) -> Subscription:
        """Return a session's subscription.

        Raises:
            ServiceError: It has none of that number.
        """
        found = self.holder(session_id).subscriptions.get(number)
        if found is None:
            raise ServiceError(Status.BAD_SUBSCRIPTION_ID_INVALID)
        return found

    def delete(self, number: int) -> bool:
        """End a subscription; return whether there was one."""
        held = self.subscriptions.pop(number, None)
        if held is None:
            return False
        held.subscription.end()
        self._tasks.pop(number).cancel()
        holder = self.holder(held.session_id)
        del holder.subscriptions[number]
        holder.queue.late.pop(number, None)
        if not holder.subscriptions:
            holder.queue.fail(Status.BAD_NO_SUBSCRIPTION)
            del self._holders[held.session_id]
        return True

    def _expired(self, subscription: Subscription) -> None:
        subscription.end(Status.BAD_TIMEOUT)
        self.delete(subscription.number)

    async def delete_subscriptions(self, ids: Iterable[int]) -> list[ua.StatusCode]:
        """End the subscriptions of a session that is closed: what the library calls."""
        return [
            ua.StatusCode(0 if self.delete(int(number)) else Status.BAD_SUBSCRIPTION_ID_INVALID)
            for number in list(ids)
        ]
