"""Requests to an InfluxDB server: what it is, writing lines, asking InfluxQL, what errors mean.

urllib3 carries them: its pool is safe from many threads, it streams large answers with
little work of its own, and every status and header stays in our hands.
"""

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from core.errors import RowsRefused, StoreError
from storage.influx_answers import ANSWER, Series, lines_of, message, retry_after_s

_MAX_BODY_BYTES = 5_000_000  # 1.x resets the connection of a body above 25 MB before it has said why
_CONNECT_TIMEOUT_S = 5.0
_GZIP_LEVEL = 1
# 1.x and 3 answer 400 to a body of which some lines are bad, 2.x may answer 422.
_BAD_LINES = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
# What a server says of a query that may work the next time.
_PASSING = ("timeout", "interrupted", "killed", "shutting down")


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks: a user with a password on 1.x, a token (and an organisation) on 2.x and 3."""

    username: str | None = None
    password: str | None = None
    token: str | None = None
    org: str | None = None

    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        if self.token:
            return {"Authorization": f"Token {self.token}"}
        if self.username:
            return dict(urllib3.make_headers(basic_auth=f"{self.username}:{self.password or ''}"))
        return {}


class InfluxServer:
    """One database of one server; any thread may use it.

    The first call finds out what the server is, so that the server may start later than we.
    Every method raises StoreError; retryable says whether the trouble may pass by itself.
    """

    def __init__(
        self, url: str, database: str, account: Account, *, timeout_s: float, compress: bool
    ) -> None:
        self.url = url.rstrip("/")
        self.database = database
        self._account = account
        self._compress = compress
        self._pool = urllib3.PoolManager(
            maxsize=16,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=timeout_s),
        )
        self._headers = account.headers()
        self._meeting = threading.Lock()
        self._write_path: str | None = None
        self._asked_us_to_wait: tuple[float, StoreError] | None = None

    def ping(self) -> None:
        """Return if the server answers."""
        self._major_version()

    def write(self, body: bytes) -> None:
        """Write lines. All but those that RowsRefused names are durable when it returns or raises that."""
        refused: list[tuple[bytes, str]] = []
        start = 0
        while start < len(body):
            end = len(body)
            if end - start > _MAX_BODY_BYTES:
                end = body.rfind(b"\n", start, start + _MAX_BODY_BYTES) + 1
            self._write_part(body[start:end], refused)
            start = end
        if refused:
            said = f"{self.url} refused {len(refused)} lines; the first: {refused[0][1]}"
            raise RowsRefused(said, refused)

    def query(self, *statements: str) -> Iterator[tuple[int, Series]]:
        """Series that answer InfluxQL statements, each with its statement's number.

        A long series comes in several parts, in order. Times are in microseconds.
        """
        self._meet()
        response = self._request(
            "POST",
            "/query?" + urlencode({"db": self.database, "epoch": "u", "chunked": "true"}),
            urlencode({"q": "; ".join(statements)}).encode(),
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )
        try:
            if response.status != HTTPStatus.OK:
                raise self._refusal(response)
            for line in lines_of(response):
                answer = ANSWER.decode(line)
                for result in answer.results:
                    self._check(result.error)
                    for series in result.series:
                        yield result.statement_id, series
                self._check(answer.error)
        except HTTPError as error:
            raise self._silence(error) from error
        except msgspec.DecodeError as error:
            raise StoreError(f"{self.url}: its answer is not understood ({error})", retryable=True) from error
        finally:
            # What is left unread would be taken for the next answer on this connection.
            response.close()

    def close(self) -> None:
        """Release connections."""
        self._pool.clear()

    def _write_part(self, body: bytes, refused: list[tuple[bytes, str]]) -> None:
        """Write one body; what the server won't take is found by halving and added to refused."""
        response = self._post_lines(body)
        status, said = response.status, response.data
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return
        too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and retry_after_s(response.headers) is None
        if status not in _BAD_LINES and not too_large:
            raise self._refusal(response)
        lines = body.splitlines(keepends=True)
        if len(lines) > 1:
            half = len(lines) // 2
            self._write_part(b"".join(lines[:half]), refused)
            self._write_part(b"".join(lines[half:]), refused)
            return
        if not refused:
            self._check_writable()
        refused.append((body.rstrip(b"\n"), message(said)))

    def _check_writable(self) -> None:
        """Raise StoreError if the server refuses even a good line: then no line is to blame."""
        response = self._post_lines(b"wattline writable=1i %d\n" % (time.time_ns() // 1000))
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(response)

    def _post_lines(self, body: bytes) -> urllib3.BaseHTTPResponse:
        self._grant_time()
        path = self._meet()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._compress:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, _GZIP_LEVEL)
        response = self._request("POST", path, body, headers)
        self._read(response)
        if response.status == HTTPStatus.NOT_FOUND:
            self._write_path = None  # the database was dropped: it is made again next time
        wait_s = retry_after_s(response.headers)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES and wait_s:
            self._asked_us_to_wait = time.monotonic() + wait_s, self._refusal(response)
        return response

    def _grant_time(self) -> None:
        """Raise StoreError, without asking, while a time lasts that the server asked for.

        Whoever waits comes back after that time; others that have something to write don't know of it.
        """
        if self._asked_us_to_wait is None:
            return
        until_s, refusal = self._asked_us_to_wait
        left_s = until_s - time.monotonic()
        if left_s > 0:
            raise StoreError(str(refusal), retryable=refusal.retryable, retry_after_s=left_s)
        self._asked_us_to_wait = None

    def _meet(self) -> str:
        """Path of writing; makes the database of a 1.x server on the first call."""
        with self._meeting:
            if self._write_path is None:
                major = self._major_version()
                if major == "1":
                    self._create_database()
                self._write_path = self._find_write_path(major)
            return self._write_path

    def _major_version(self) -> str:
        """Major version that the server names in its answer to /ping; empty if none."""
        response = self._request("GET", "/ping", None, {})
        self._read(response)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(response)
        return response.headers.get("X-Influxdb-Version", "").lstrip("v")[:1]

    def _create_database(self) -> None:
        name = self.database.replace("\\", "\\\\").replace('"', '\\"')
        body = urlencode({"q": f'create database "{name}"'}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = self._request("POST", "/query", body, headers)
        self._read(response)
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        answer = ANSWER.decode(response.data)
        self._check(answer.error or answer.results[0].error)

    def _find_write_path(self, major: str) -> str:
        """/api/v2/write where the server has it, else /write; 2.x has the latter for want of an org."""
        old = "/write?" + urlencode({"db": self.database, "precision": "u"})
        if major == "2" and self._account.org is None:
            return old
        org = {"org": self._account.org} if self._account.org else {}
        new = "/api/v2/write?" + urlencode({"bucket": self.database, "precision": "us", **org})
        response = self._request("POST", new, b"", {})
        self._read(response)
        # A server that has the path and lacks the bucket answers 404 too, but in JSON.
        missing = response.status == HTTPStatus.NOT_FOUND and not response.data.lstrip().startswith(b"{")
        return old if missing or response.status == HTTPStatus.METHOD_NOT_ALLOWED else new

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(
                method, self.url + path, body=body, headers=self._headers | headers, preload_content=False
            )
        except HTTPError as error:
            raise self._silence(error) from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> None:
        """Read an answer to its end, which makes its connection free for the next request."""
        try:
            response.read(cache_content=True)
        except HTTPError as error:
            raise self._silence(error) from error
        finally:
            response.release_conn()

    def _silence(self, error: HTTPError) -> StoreError:
        return StoreError(f"{self.url} does not answer: is InfluxDB running there? ({error})", retryable=True)

    def _check(self, failure: str) -> None:
        if failure:
            passing = any(word in failure for word in _PASSING)
            raise StoreError(f"{self.url}: {failure}", retryable=passing)

    def _refusal(self, response: urllib3.BaseHTTPResponse) -> StoreError:
        """What a status that is not about single lines means."""
        status = response.status
        said = f"{self.url} answers {status}: {message(response.data)}"
        if status in _NOT_ALLOWED:
            return StoreError(f"{said}; check the user, password or token of the store", retryable=False)
        if status == HTTPStatus.NOT_FOUND:
            return StoreError(f"{said}; is there a database {self.database!r}?", retryable=True)
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
        return StoreError(said, retryable=passing, retry_after_s=retry_after_s(response.headers))
