"""Who of several gateways of a project may command: the holder of a lease.

    store ◄── look, renew, take ── Lease ──► down-links: listen while it is held
                                     └─────► the last look before a command enters the image

A gateway without an image does not ask for the lease, and gives it back: it could not use it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from gateway.cloud.ending import stop_if_cancelled
from gateway.cloud.seam import UplinkError
from gateway.config import LEASE_RENEWALS, LEASE_RETRY_S
from gateway.flow.commands import Reason, RefusalError
from gateway.flow.lease import Entry, Seen, Watch
from gateway.store.counters import LeaseCounters
from gateway.store.fence import Fence
from runtime.errors import ImageError

_LOG: Final = logging.getLogger("gateway.cloud")
_SECOND_NS: Final = 1e9


class LeaseStore(Protocol):
    """Keeps the entry. After an error it is closed and connected anew.

    Every method but `close` may raise `UplinkError`, `OSError` or `TimeoutError`.
    """

    async def connect(self) -> None:
        """Connect, and make what the entry stands in."""

    async def look(self) -> Seen:
        """Return what stands there."""

    async def write(self, entry: Entry, revision: int) -> int | None:
        """Replace the entry of a revision, return the new one; None where another came before."""

    async def close(self) -> None:
        """End the connection, whatever its state; never raises."""


class Gate(Protocol):
    """Lets commands pass, or not."""

    async def opened(self) -> None:
        """Return when commands may be listened for."""

    async def closed(self) -> None:
        """Raise UplinkError when they may be no longer."""

    def check(self, image: Path | None) -> None:
        """Make sure that a command may be taken now, and enter an image.

        It holds as long as the lock of the image's commands is held.

        Raises:
            RefusalError: It may not.
        """


class OpenGate:
    """The gate of a project without a lease."""

    async def opened(self) -> None:
        """Return at once."""

    async def closed(self) -> None:
        """Never return."""
        await asyncio.Event().wait()

    def check(self, image: Path | None) -> None:
        """Let everything pass."""


class Lease:
    """Takes the lease where it is free, keeps it, and is the gate of all down-links."""

    def __init__(
        self,
        uplink: str,
        store: LeaseStore,
        holder: str,
        ttl_ns: int,
        image: Callable[[], Path | None],
        clock: Callable[[], int],
    ) -> None:
        """Connect nothing yet.

        Args:
            uplink: Name of the uplink whose server keeps it.
            store: Where the lease stands.
            holder: Who we are; nobody else may have that name.
            ttl_ns: How long the lease is ours after a renewal.
            image: Path of the image that is served, None while there is none.
            clock: CLOCK_BOOTTIME in ns: it counts a machine's sleep too.
        """
        self.uplink, self.counters = uplink, LeaseCounters()
        self._store, self._holder, self._ttl_ns = store, holder, ttl_ns
        self._image, self._clock = image, clock
        self._watch = Watch(ttl_ns)
        self._token = self._revision = self._deadline_ns = 0
        self._changed = asyncio.Event()
        self._noted = ""

    def _set(self, token: int) -> None:
        """Note a change and wake who waits for one."""
        self._token = token
        self._changed.set()
        self._changed = asyncio.Event()

    # -- the gate -------------------------------------------------------------------------------
    @property
    def is_held(self) -> bool:
        """Whether commands may be taken now."""
        return self._token > 0 and self._clock() < self._deadline_ns

    async def opened(self) -> None:
        """Return when the lease is ours."""
        while not self.is_held:
            await self._changed.wait()

    async def closed(self) -> None:
        """Raise UplinkError when it is not any more."""
        while self.is_held:
            left_s = (self._deadline_ns - self._clock()) / _SECOND_NS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
        raise UplinkError("the lease is not ours any more")

    def check(self, image: Path | None) -> None:
        """Refuse what comes after the lease's end, or after a newer token at the image."""
        try:
            newest = Fence(image).token() if image is not None else self._token
        except ImageError as error:
            raise RefusalError(Reason.SUPERSEDED, str(error)) from None
        if newest != self._token:
            text = f"token {newest} was let through: expected {self._token}, that of our lease"
            raise RefusalError(Reason.SUPERSEDED, text)
        if not self.is_held:
            raise RefusalError(Reason.SUPERSEDED, "the lease is not ours any more")

    # -- the lease ------------------------------------------------------------------------------
    async def run(self) -> None:
        """Ask for the lease and keep it until cancelled; then give it back."""
        try:
            while True:
                try:
                    await self._attend()
                except (UplinkError, OSError, TimeoutError) as error:
                    self._note(logging.WARNING, str(error) or "no answer in time")
                await self._store.close()
                stop_if_cancelled()
                await asyncio.sleep(LEASE_RETRY_S)
        finally:
            with contextlib.suppress(UplinkError, OSError, TimeoutError):
                await self._give_back()
            await self._store.close()

    async def _attend(self) -> None:
        async with asyncio.timeout(self._ttl_ns / _SECOND_NS):
            await self._store.connect()
        while True:
            async with asyncio.timeout(self._ttl_ns / _SECOND_NS):
                await self._step()
            pause_s = self._ttl_ns / _SECOND_NS / LEASE_RENEWALS
            await asyncio.sleep(min(pause_s, LEASE_RETRY_S))

    async def _step(self) -> None:
        image = self._image()
        if image is None:
            await self._give_back()
        elif self._token:
            await self._renew()
        else:
            await self._compete(image)

    async def _renew(self) -> None:
        """Keep the lease; where another revision stands there, see whose it is."""
        asked_ns = self._clock()
        left_ns = self._deadline_ns - asked_ns
        if left_ns > self._ttl_ns - self._ttl_ns // LEASE_RENEWALS:
            return
        ours = Entry(self._holder, self._token, self._ttl_ns)
        revision = await self._store.write(ours, self._revision)
        if revision is None:
            seen = await self._store.look()
            if seen.entry != ours:
                self._lose(seen)
                return
            self._revision = seen.revision  # ours, whose acknowledgement was lost
            return
        self._revision, self._deadline_ns = revision, asked_ns + self._ttl_ns
        self._set(self._token)

    def _lose(self, seen: Seen) -> None:
        self._set(0)
        self.counters.lost += 1
        self._watch.is_free(seen, self._clock())
        whose = seen.entry.holder if seen.entry is not None else ""
        self._note(logging.WARNING, f"lost to {whose or 'nobody: it stands there no more'}")

    async def _compete(self, image: Path) -> None:
        seen = await self._store.look()
        if not self._watch.is_free(seen, self._clock()):
            if seen.entry is not None:
                self._note(logging.INFO, f"{seen.entry.holder} holds it")
            return
        fence = Fence(image)
        try:
            newest = fence.token()
        except ImageError as error:
            self._note(logging.ERROR, str(error))
            return
        token = max(seen.entry.token if seen.entry is not None else 0, newest) + 1
        asked_ns = self._clock()
        entry = Entry(self._holder, token, self._ttl_ns)
        revision = await self._store.write(entry, seen.revision)
        if revision is None:
            return  # another was faster
        try:
            fence.raise_to(token)
        except ImageError as error:
            self._note(logging.ERROR, str(error))
            await self._store.write(Entry("", token, self._ttl_ns), revision)
            return
        self._revision, self._deadline_ns = revision, asked_ns + self._ttl_ns
        self._set(token)
        self.counters.token = token
        self.counters.taken += 1
        self._note(logging.INFO, f"ours, token {token}")

    async def _give_back(self) -> None:
        token = self._token
        if token:
            self._set(0)
            async with asyncio.timeout(LEASE_RETRY_S):
                await self._store.write(Entry("", token, self._ttl_ns), self._revision)
            self._note(logging.INFO, "given back")

    def _note(self, level: int, text: str) -> None:
        if text != self._noted:
            _LOG.log(level, "lease: %s", text, extra={"holder": self._holder})
        self._noted = text
