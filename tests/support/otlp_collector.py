"""A collector of OpenTelemetry: takes OTLP over HTTP, decodes it by the official protocol."""

import gzip
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

PATH: Final = "/v1/metrics"
PATIENCE_S: Final = 30.0


@dataclass
class Collector:
    """What has come, and how the next request is answered."""

    url: str
    status: int = 200
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)
    """Those that were answered with 200."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Of every request; names in lower case."""
    answers: threading.Event = field(default_factory=threading.Event)
    """Cleared, requests are taken and not answered."""

    def metrics(self) -> dict[str, Metric]:
        """Return the metrics of the newest request by their names."""
        (resource,) = self.requests[-1].resource_metrics
        (scope,) = resource.scope_metrics
        return {metric.name: metric for metric in scope.metrics}

    def resource(self) -> dict[str, str]:
        """Return the attributes of its resource."""
        (resource,) = self.requests[-1].resource_metrics
        return {item.key: item.value.string_value for item in resource.resource.attributes}


@contextmanager
def collector(certificates: Path | None = None) -> Iterator[Collector]:
    """Serve on a free port of loopback; encrypted with server.pem and server.key of a folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            found.headers.append({name.lower(): text for name, text in self.headers.items()})
            assert self.headers["content-type"] == "application/x-protobuf"
            assert self.path == PATH
            if not found.answers.wait(PATIENCE_S):
                return
            if found.status == 200:
                request = ExportMetricsServiceRequest.FromString(gzip.decompress(content))
                found.requests.append(request)
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(ExportMetricsServiceResponse().SerializeToString())

        def log_request(self, code: object = "-", size: object = "-") -> None:
            del code, size

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificates is not None:
        scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Collector(f"{scheme}://127.0.0.1:{server.server_port}{PATH}")
    found.answers.set()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
