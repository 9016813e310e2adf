"""An HTTP server in front of influxd that refuses writes when told to, and passes on the rest."""

import http.client
import http.server
import threading
import time
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Refusal:
    """What writes are answered until it has been done `times` times.

    body_over: only bodies larger than this. hang_s: keep silent for so long, then hang up.
    """

    status: int
    times: int = 1
    retry_after_s: float | None = None
    body_over: int = 0
    hang_s: float = 0


@dataclass
class Request:
    """A write as it came; status 0 is none at all."""

    at_s: float
    length: int
    status: int


@dataclass
class Gate:
    """A context manager; writes are the requests for /write that had a body."""

    target_port: int
    refusal: Refusal | None = None
    writes: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.gate = self  # type: ignore[attr-defined]
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def decide(self, length: int) -> Refusal | None:
        """How to refuse a body of this length; None to pass it on."""
        with self._lock:
            refusal = self.refusal
            if refusal is None or refusal.times <= 0 or length <= refusal.body_over:
                return None
            refusal.times -= 1
            return refusal

    def pending(self) -> bool:
        """Whether there is still something to refuse."""
        return self.refusal is not None and self.refusal.times > 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "write" not in self.path or not body:
            self._pass_on(body)
            return
        gate: Gate = self.server.gate  # type: ignore[attr-defined]
        request = Request(time.monotonic(), len(body), 0)
        gate.writes.append(request)
        refusal = gate.decide(len(body))
        if refusal is None:
            request.status = self._pass_on(body)
            return
        if refusal.hang_s:
            time.sleep(refusal.hang_s)
            self.close_connection = True
            return
        headers = {} if refusal.retry_after_s is None else {"Retry-After": f"{refusal.retry_after_s:g}"}
        request.status = refusal.status
        request.at_s = time.monotonic()  # the time to wait counts from the answer
        self._answer(refusal.status, headers, b'{"error":"refused on purpose"}')

    def _pass_on(self, body: bytes) -> int:
        gate: Gate = self.server.gate  # type: ignore[attr-defined]
        target = http.client.HTTPConnection("127.0.0.1", gate.target_port, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "content-length"}}
            target.request(self.command, self.path, body or None, headers)
            answer = target.getresponse()
            kept = {"X-Influxdb-Version": answer.headers.get("X-Influxdb-Version", "")}
            self._answer(answer.status, kept, answer.read())
        except OSError:
            self.close_connection = True
            return 0
        finally:
            target.close()
        return answer.status

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != http.HTTPStatus.NO_CONTENT:
            self.wfile.write(body)
