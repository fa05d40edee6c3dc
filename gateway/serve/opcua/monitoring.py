"""The services of subscriptions and monitored items (part 4, 5.12 and 5.13)."""

import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from asyncua import ua
from asyncua.common.utils import Buffer, ServiceError
from asyncua.ua.ua_binary import nodeid_from_binary

from gateway.protocols.opcua.builtin import VALUE, Status
from gateway.protocols.opcua.cursor import Cursor
from gateway.protocols.opcua.messages import Message, encode_response_header, message_type
from gateway.protocols.opcua.services import ABSOLUTE, DATA_CHANGE_FILTER
from gateway.serve.opcua.answers import (
    ATTRIBUTES,
    Call,
    Served,
    Service,
    check_count,
    encode_response,
    results,
)
from gateway.serve.opcua.book import SubscriptionBook
from gateway.serve.opcua.foreign import Foreign
from gateway.serve.opcua.items import TRIGGER_TIME, TRIGGER_VALUE, Item, Sampling
from gateway.serve.opcua.subscriptions import (
    ITEMS_MAX,
    PUBLISHING_MS_MAX,
    SAMPLING_MS_MIN,
    PublishRequest,
    Subscription,
    revise,
)

QUEUE_MAX: Final = 1000
"""Values that may wait for one item."""
_CREATED: Final = struct.Struct("<IIdI3x")
"""status, item, revised sampling interval ms, revised queue size, no filter result."""
_MODIFIED: Final = struct.Struct("<IdI3x")
_STATUS: Final = struct.Struct("<I")
_REPORTING: Final = 2
_EVENTS: Final = 12
_CREATE_RESPONSE: Final = 754
_MODIFY_RESPONSE: Final = 766
_SET_MODE_RESPONSE: Final = 772
_DELETE_ITEMS_RESPONSE: Final = 784
_SET_PUBLISHING_RESPONSE: Final = 802
_DELETE_SUBSCRIPTIONS_RESPONSE: Final = 850


class _Wanted:
    """What a client asks of one item (part 4, 7.21)."""

    __slots__ = (
        "deadband",
        "discard",
        "filter_status",
        "handle",
        "queue",
        "sampling_ms",
        "trigger",
    )

    def __init__(self, cursor: Cursor) -> None:
        self.handle = cursor.u32()
        self.sampling_ms = cursor.f64()
        kind, body = cursor.extension_object()
        self.queue = cursor.u32()
        self.discard = bool(cursor.u8())
        self.trigger, self.deadband, self.filter_status = TRIGGER_VALUE, 0.0, 0
        number = message_type(kind)
        if number == DATA_CHANGE_FILTER:
            self._read_filter(Cursor(body))
        elif number:
            self.filter_status = Status.BAD_MONITORED_ITEM_FILTER_UNSUPPORTED

    def _read_filter(self, cursor: Cursor) -> None:
        self.trigger, kind, self.deadband = cursor.u32(), cursor.u32(), cursor.f64()
        if self.trigger > TRIGGER_TIME or not self.deadband >= 0:
            self.filter_status = Status.BAD_MONITORED_ITEM_FILTER_INVALID
        elif kind > ABSOLUTE:  # a share of a range that the program does not declare
            self.filter_status = Status.BAD_MONITORED_ITEM_FILTER_UNSUPPORTED
        elif kind == 0:
            self.deadband = 0.0

    def status(self, item: ua.ReadValueId | None, *, is_number: bool) -> int:
        """Return why the item cannot be monitored so, 0 where it can."""
        if self.filter_status:
            return self.filter_status
        if self.deadband and not is_number:
            return Status.BAD_FILTER_NOT_ALLOWED
        if item is not None and item.AttributeId == _EVENTS:
            return Status.BAD_NOT_SUPPORTED
        return Status.GOOD


class MonitoringServices:
    """The table of these services."""

    def __init__(self, served: Served, book: SubscriptionBook) -> None:
        """Answer with the subscriptions of a book."""
        self._served = served
        self._book = book
        self._numbers = 0

    @property
    def services(self) -> Mapping[int, Service]:
        """The services by the number of their request."""
        return {
            Message.CREATE_SUBSCRIPTION_REQUEST: self._create_subscription,
            Message.MODIFY_SUBSCRIPTION_REQUEST: self._modify_subscription,
            Message.SET_PUBLISHING_REQUEST: self._set_publishing,
            Message.DELETE_SUBSCRIPTIONS_REQUEST: self._delete_subscriptions,
            Message.TRANSFER_REQUEST: self._transfer,
            Message.PUBLISH_REQUEST: self._publish,
            Message.REPUBLISH_REQUEST: self._republish,
            Message.CREATE_ITEMS_REQUEST: self._create_items,
            Message.MODIFY_ITEMS_REQUEST: self._modify_items,
            Message.SET_MONITORING_REQUEST: self._set_monitoring,
            Message.DELETE_ITEMS_REQUEST: self._delete_items,
        }

    def _statuses(self, message: int, call: Call, found: list[int]) -> bytes:
        rows = [_STATUS.pack(status) for status in found]
        return results(message, call, self._served.ticks(), rows)

    # -- subscriptions --------------------------------------------------------------------------
    async def _create_subscription(self, call: Call) -> bytes:
        wanted = call.parameters(ua.CreateSubscriptionParameters)
        terms = revise(
            wanted.RequestedPublishingInterval, wanted.RequestedLifetimeCount,
            wanted.RequestedMaxKeepAliveCount, wanted.MaxNotificationsPerPublish,
        )  # fmt: skip
        terms.priority = wanted.Priority
        subscription = self._book.create(call.session.session_id, terms)
        subscription.enabled = wanted.PublishingEnabled
        subscription.queue.attach(call.connection)
        response = ua.CreateSubscriptionResponse()
        response.Parameters.SubscriptionId = subscription.number
        response.Parameters.RevisedPublishingInterval = terms.interval_ms
        response.Parameters.RevisedLifetimeCount = terms.lifetime
        response.Parameters.RevisedMaxKeepAliveCount = terms.keep_alive
        return encode_response(call, response)

    async def _modify_subscription(self, call: Call) -> bytes:
        wanted = call.parameters(ua.ModifySubscriptionParameters)
        subscription = self._find(call, wanted.SubscriptionId)
        terms = revise(
            wanted.RequestedPublishingInterval, wanted.RequestedLifetimeCount,
            wanted.RequestedMaxKeepAliveCount, wanted.MaxNotificationsPerPublish,
        )  # fmt: skip
        terms.priority = wanted.Priority
        subscription.terms = terms
        response = ua.ModifySubscriptionResponse()
        response.Parameters.RevisedPublishingInterval = terms.interval_ms
        response.Parameters.RevisedLifetimeCount = terms.lifetime
        response.Parameters.RevisedMaxKeepAliveCount = terms.keep_alive
        return encode_response(call, response)

    async def _set_publishing(self, call: Call) -> bytes:
        enabled = bool(call.cursor.u8())
        found = []
        for _ in range(call.cursor.count(4)):
            subscription = self._mine(call).get(call.cursor.u32())
            if subscription is not None:
                subscription.enabled = enabled
            found.append(Status.GOOD if subscription else Status.BAD_SUBSCRIPTION_ID_INVALID)
        return self._statuses(_SET_PUBLISHING_RESPONSE, call, list(found))

    async def _delete_subscriptions(self, call: Call) -> bytes:
        found: list[int] = []
        for _ in range(call.cursor.count(4)):
            number = call.cursor.u32()
            mine = number in self._mine(call)
            gone = mine and self._book.delete(number)
            found.append(Status.GOOD if gone else Status.BAD_SUBSCRIPTION_ID_INVALID)
        return self._statuses(_DELETE_SUBSCRIPTIONS_RESPONSE, call, found)

    async def _transfer(self, call: Call) -> bytes:
        """Refuse: a client whose session is gone makes its subscriptions anew."""
        wanted = call.parameters(ua.TransferSubscriptionsParameters)
        refused = ua.TransferResult(StatusCode=ua.StatusCode(Status.BAD_SUBSCRIPTION_ID_INVALID))
        response = ua.TransferSubscriptionsResponse()
        response.Parameters.Results = [refused] * len(wanted.SubscriptionIds)
        return encode_response(call, response)

    def _mine(self, call: Call) -> dict[int, Subscription]:
        return self._book.holder(call.session.session_id).subscriptions

    def _find(self, call: Call, number: int) -> Subscription:
        return self._book.find(call.session.session_id, number)

    # -- publishing -----------------------------------------------------------------------------
    async def _publish(self, call: Call) -> None:
        mine = self._mine(call)
        if not mine:
            raise ServiceError(Status.BAD_NO_SUBSCRIPTION)
        found: list[int] = []
        for _ in range(call.cursor.count(8)):
            number, sequence = call.cursor.u32(), call.cursor.u32()
            subscription = mine.get(number)
            found.append(
                Status.BAD_SUBSCRIPTION_ID_INVALID
                if subscription is None
                else subscription.acknowledge(sequence)
            )
        queue = self._book.holder(call.session.session_id).queue
        queue.attach(call.connection)
        timeout_ns = call.header.timeout_ms * 1_000_000
        expires_ns = queue.clock() + timeout_ns if timeout_ns else 0
        queue.put(PublishRequest(call.request_id, call.header.handle, tuple(found), expires_ns))

    async def _republish(self, call: Call) -> bytes:
        subscription = self._find(call, call.cursor.u32())
        message = subscription.kept.get(call.cursor.u32())
        if message is None:
            raise ServiceError(Status.BAD_MESSAGE_NOT_AVAILABLE)
        head = encode_response_header(
            Message.REPUBLISH_RESPONSE, call.header.handle, self._served.ticks()
        )
        return head + message

    # -- items ----------------------------------------------------------------------------------
    async def _create_items(self, call: Call) -> bytes:
        cursor = call.cursor
        subscription = self._find(call, cursor.u32())
        timestamps = cursor.u32()
        if timestamps > 3:  # noqa: PLR2004 - the last of TimestampsToReturn
            raise ServiceError(Status.BAD_TIMESTAMPS_TO_RETURN_INVALID)
        count = cursor.count(40)
        check_count(count)
        rows = [self._create_item(cursor, subscription, timestamps) for _ in range(count)]
        subscription.hasten()
        return results(_CREATE_RESPONSE, call, self._served.ticks(), rows)

    def _create_item(self, cursor: Cursor, subscription: Subscription, timestamps: int) -> bytes:
        node = cursor.node_id()
        attribute = cursor.u32()
        range_text = cursor.text()
        cursor.skip(2).text()
        mode = cursor.u32()
        wanted = _Wanted(cursor)
        variable = self._served.variables.get(node) if attribute == VALUE else None
        item = ua.ReadValueId(nodeid_from_binary(Buffer(node)), attribute)
        number_like = variable is not None and bool(variable.coding.number) and not variable.bounds
        status = wanted.status(item, is_number=number_like)
        if range_text:
            status = Status.BAD_INDEX_RANGE_INVALID
        if subscription.items >= ITEMS_MAX:
            status = Status.BAD_TOO_MANY_MONITORED_ITEMS
        if status:
            return _CREATED.pack(status, 0, 0.0, 0)
        self._numbers += 1
        sampling = self._revise(wanted, subscription, timestamps)
        if variable is not None:
            subscription.board.put(
                Item(
                    self._numbers, wanted.handle, variable, sampling, wanted.trigger,
                    wanted.deadband, reporting=mode == _REPORTING,
                )
            )  # fmt: skip
        else:
            if attribute not in ATTRIBUTES:
                return _CREATED.pack(Status.BAD_ATTRIBUTE_ID_INVALID, 0, 0.0, 0)
            foreign = Foreign(
                self._served.internal.aspace, item, wanted.handle, sampling.queue_size
            )
            if not foreign.status.is_good():
                return _CREATED.pack(foreign.status.value, 0, 0.0, 0)
            foreign.reporting = mode == _REPORTING
            subscription.foreign[self._numbers] = foreign
        return _CREATED.pack(0, self._numbers, sampling.interval_ms, sampling.queue_size)

    def _revise(self, wanted: _Wanted, subscription: Subscription, timestamps: int) -> Sampling:
        """Return the sampling that the server agrees to: at most once a scan, in whole ms."""
        tasks = self._served.source().image.directory.tasks
        scan_ms = min((task.interval_ns for task in tasks), default=0) / 1e6
        asked_ms = wanted.sampling_ms
        if not math.isfinite(asked_ms) or asked_ms < 0:
            asked_ms = subscription.terms.interval_ms
        least_ms = max(SAMPLING_MS_MIN, scan_ms)
        interval_ms = float(round(min(max(asked_ms, least_ms), PUBLISHING_MS_MAX)))
        queue = min(max(wanted.queue, 1), QUEUE_MAX)
        return Sampling(interval_ms, timestamps, queue, wanted.discard or queue == 1)

    async def _modify_items(self, call: Call) -> bytes:
        cursor = call.cursor
        subscription = self._find(call, cursor.u32())
        timestamps = cursor.u32()
        count = cursor.count(20)
        check_count(count)
        rows = []
        for _ in range(count):
            number = cursor.u32()
            wanted = _Wanted(cursor)
            rows.append(self._modify_item(subscription, number, wanted, timestamps))
        subscription.hasten()
        return results(_MODIFY_RESPONSE, call, self._served.ticks(), rows)

    def _modify_item(
        self, subscription: Subscription, number: int, wanted: _Wanted, timestamps: int
    ) -> bytes:
        item = subscription.board.items.get(number)
        foreign = subscription.foreign.get(number)
        if item is None and foreign is None:
            return _MODIFIED.pack(Status.BAD_MONITORED_ITEM_ID_INVALID, 0.0, 0)
        is_number = item is not None and bool(item.variable.coding.number)
        status = wanted.status(None, is_number=is_number)
        if status:
            return _MODIFIED.pack(status, 0.0, 0)
        sampling = self._revise(wanted, subscription, timestamps)
        if item is not None:
            subscription.board.put(
                replace(
                    item, handle=wanted.handle, sampling=sampling,
                    trigger=wanted.trigger, deadband=wanted.deadband,
                )
            )  # fmt: skip
        elif foreign is not None:
            foreign.handle = wanted.handle
        return _MODIFIED.pack(0, sampling.interval_ms, sampling.queue_size)

    async def _set_monitoring(self, call: Call) -> bytes:
        cursor = call.cursor
        subscription = self._find(call, cursor.u32())
        reporting = cursor.u32() == _REPORTING
        found: list[int] = []
        for _ in range(cursor.count(4)):
            number = cursor.u32()
            item, foreign = subscription.board.items.get(number), subscription.foreign.get(number)
            if item is not None:
                subscription.board.put(replace(item, reporting=reporting))
            elif foreign is not None:
                foreign.reporting = reporting
            known = item is not None or foreign is not None
            found.append(Status.GOOD if known else Status.BAD_MONITORED_ITEM_ID_INVALID)
        return self._statuses(_SET_MODE_RESPONSE, call, found)

    async def _delete_items(self, call: Call) -> bytes:
        cursor = call.cursor
        subscription = self._find(call, cursor.u32())
        found: list[int] = []
        for _ in range(cursor.count(4)):
            number = cursor.u32()
            foreign = subscription.foreign.pop(number, None)
            if foreign is not None:
                foreign.close()
            elif number in subscription.board.items:
                subscription.board.remove(number)
            else:
                found.append(Status.BAD_MONITORED_ITEM_ID_INVALID)
                continue
            found.append(Status.GOOD)
        return self._statuses(_DELETE_ITEMS_RESPONSE, call, found)
