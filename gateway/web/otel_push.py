"""Pushes a registry's metrics to a collector by OTLP over HTTP, beside `/metrics`.

    loop: every interval collect ─► one place ─► thread: encode, send, retry, give up
                                    (full: skipped, counted)

The event loop reads the metrics, which touches the image, and hands them to a thread of its own; it
never waits for that. A push that is under way when the next is due lets it be skipped: totals are
cumulative, so nothing is lost but one look.
"""

import asyncio
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.web.otel_points import Points

_LOG: Final = logging.getLogger("gateway.web")
SENT: Final = "sent"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Where to push, how often, and as whom."""

    endpoint: str
    interval_s: float
    timeout_s: float
    headers: Mapping[str, str]
    """Secrets among them: shown nowhere."""
    attributes: Mapping[str, str]
    authority: str | None = None
    """Files of PEM: who vouches for the collector; None trusts the machine's authorities."""
    certificate: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        """Leave the headers out."""
        return f"PushSettings({self.endpoint!r})"


class MetricsPush(Collector):
    """One collector's pusher; as a collector of metrics it tells what became of the pushes."""

    def __init__(self, settings: PushSettings, clock: Callable[[], int]) -> None:
        """Prepare; nothing is sent yet. The clock is the wall's, in ns since 1970."""
        self._settings, self._clock = settings, clock
        self._session = _Session()
        _keep_quiet()
        self._exporter = OTLPMetricExporter(
            endpoint=settings.endpoint,
            headers=dict(settings.headers),
            timeout=settings.timeout_s,
            compression=Compression.Gzip,
            session=self._session,
        )
        self._session.verify = settings.authority or True
        if settings.certificate is not None:
            key = settings.key or settings.certificate  # one file may hold both
            self._session.cert = settings.certificate, key
        self._points = Points(settings.attributes, clock())
        self._next: queue.Queue[tuple[Iterable[Metric], int] | None] = queue.Queue(2)
        """A scrape, and the end; a scrape is handed over when the one before is settled only."""
        self._is_busy = False
        self._has_ended = False
        self._outcomes: Counter[str] = Counter()
        self._last_error = ""

    def describe(self) -> Iterator[Metric]:
        """Return nothing, as the other collectors do."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return what became of the pushes."""
        pushes = CounterMetricFamily(
            "takt_otlp_pushes", "Pushes to the collector by what became of them.",
            labels=["outcome"],
        )  # fmt: skip
        for outcome in (SENT, FAILED, SKIPPED):
            pushes.add_metric([outcome], self._outcomes[outcome])
        yield pushes

    async def run(self, registry: CollectorRegistry) -> None:
        """Push until cancelled, which waits for nothing."""
        thread = threading.Thread(target=self._send_all, name="otlp", daemon=True)
        thread.start()
        _LOG.info("OpenTelemetry: pushes to %s", self._settings.endpoint)
        try:
            while True:
                self._hand_over(registry)
                await asyncio.sleep(self._settings.interval_s)
        finally:
            self._has_ended = True
            self._exporter.shutdown()
            self._next.put_nowait(None)

    def _hand_over(self, registry: CollectorRegistry) -> None:
        if self._is_busy:
            self._outcomes[SKIPPED] += 1
            return
        self._is_busy = True
        self._next.put_nowait((list(registry.collect()), self._clock()))

    # -- in the thread --------------------------------------------------------------------------
    def _send_all(self) -> None:
        while (scrape := self._next.get()) is not None:
            families, now_ns = scrape
            result = self._exporter.export(self._points.data(families, now_ns))
            is_sent = result is MetricExportResult.SUCCESS and not self._session.problem
            self._settle("" if is_sent else self._session.problem or "not taken in time")
            self._is_busy = False

    def _settle(self, error: str) -> None:
        if not self._has_ended:
            self._tell(error)
        self._outcomes[FAILED if error else SENT] += 1

    def _tell(self, error: str) -> None:
        """Log what has changed since the push before."""
        endpoint, extra = self._settings.endpoint, {"endpoint": self._settings.endpoint}
        if error and error != self._last_error:
            _LOG.warning("OpenTelemetry: %s: %s", endpoint, error, extra=extra)
        if self._last_error and not error:
            _LOG.info("OpenTelemetry: %s takes metrics again", endpoint, extra=extra)
        self._last_error = error


class _Session(requests.Session):
    """Notes why a request came to nothing: the exporter only logs it."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxies, no netrc: what is sent where stands in takt.toml
        self.problem = ""

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        self.problem = ""
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            self.problem = _cause(error)
            raise
        if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
            self.problem = f"HTTP {response.status_code} {response.reason}"
        return response


def _cause(error: BaseException) -> str:
    """Return the innermost cause that the system gave, in a few words."""
    found, at = type(error).__name__, error
    for _ in range(10):
        if isinstance(at, OSError) and at.strerror:
            found = at.strerror
        if at.__cause__ is None and at.__context__ is None:
            break
        at = at.__cause__ or at.__context__ or at
    return found


def _keep_quiet() -> None:
    """Keep the library's log out of ours: it repeats itself at every attempt."""
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    library.addHandler(logging.NullHandler())
