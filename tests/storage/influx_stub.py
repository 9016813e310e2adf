"""A real HTTP server that plays an InfluxDB server which no package gives us, or a broken one."""

import contextlib
import http.server
import threading


class StubServer(http.server.ThreadingHTTPServer):
    """Answers what `write` and `query` decide; remembers every body that it took.

    write(path, body) and query(body) give (status, headers, body).
    """

    daemon_threads = True

    def __init__(self, version="2.7.10"):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.write = lambda *_: (204, {}, b"")
        self.query = lambda _: (200, {}, b'{"results":[{"statement_id":0}]}\n')
        self.requests = []
        self.taken = []
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def lines(self):
        """Lines of measurements of ours that were taken."""
        taken = [line for body in self.taken for line in body.decode().splitlines()]
        return [line for line in taken if not line.startswith(("journal", "wattline"))]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer((204, {"X-Influxdb-Version": self.server.version}, b""))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(
            (self.path, {name.title(): value for name, value in self.headers.items()}, body)
        )
        if self.path.startswith("/query"):
            self._answer(self.server.query(body))
            return
        answer = self.server.write(self.path, body)
        if answer[0] == 204 and body:
            self.server.taken.append(body)
        self._answer(answer)

    def _answer(self, answer):
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def stub_server(version="2.7.10"):
    """One that takes everything until told otherwise."""
    server = StubServer(version)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
