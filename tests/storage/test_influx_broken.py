"""Servers that break off, fall silent or say the wrong thing: nothing is taken for stored that is not."""

import contextlib
import gc
import socket
import threading
import tracemalloc

import pytest

from core.errors import RowsRefused, StoreError
from core.quantities import QUANTITIES
from storage import influx_http
from storage.influx_http import Account, InfluxServer
from storage.influx_lines import POSITION_FLOATS, POSITION_INTEGERS, LineWriter
from tests.storage.batches import NO_POSITIONS, NOON_US, catalog, ids, reading_rows, readings
from tests.storage.influx_stores import EVER, some_readings, store_of
from tests.storage.influx_stub import stub_server

PING = b"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: 2.7.10\r\n\r\n"
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextlib.contextmanager
def scripted(answer):
    """A TCP server that answers /ping well and does what answer(connection) does with a write."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while head := connection.recv(65536):
                if head.startswith(b"GET /ping"):
                    connection.sendall(PING)
                else:
                    answer(connection, head, stopped)
                    return

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def never(_connection, _head, stopped):
    stopped.wait(20)


def hang_up(connection, _head, _stopped):
    connection.shutdown(socket.SHUT_RDWR)


def half_a_status(connection, _head, _stopped):
    connection.sendall(b"HTTP/1.1 20")


def half_a_status_and_silence(connection, _head, stopped):
    connection.sendall(b"HTTP/1.1 204 No Con")
    stopped.wait(20)


def half_a_body(connection, _head, _stopped):
    connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nhalf of it")


def half_a_body_and_silence(connection, _head, stopped):
    connection.sendall(b"HTTP/1.1 503 Oh\r\nContent-Length: 100\r\n\r\nhalf of it")
    stopped.wait(20)


def another_protocol(connection, _head, _stopped):
    connection.sendall(b"220 mail.example.org ESMTP\r\n")


ANSWERS = [
    never,
    hang_up,
    half_a_status,
    half_a_status_and_silence,
    half_a_body,
    half_a_body_and_silence,
    another_protocol,
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_a_write_without_a_whole_answer_is_not_stored_and_may_be_tried_again(answer):
    with (
        scripted(answer) as url,
        store_of(url, timeout_s=0.2) as store,
        pytest.raises(StoreError) as caught,
    ):
        store.append(some_readings(), NO_POSITIONS)
    assert caught.value.retryable
    assert not isinstance(caught.value, RowsRefused)


def test_a_server_that_takes_and_never_answers_does_not_fill_the_memory():
    batch = some_readings(20_000)
    with scripted(never) as url, store_of(url, timeout_s=0.05) as store:
        tracemalloc.start()
        try:
            held = []
            for _ in range(12):
                with pytest.raises(StoreError):
                    store.append(batch, NO_POSITIONS)
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert held[-1] < held[3] + 500_000  # one body is 2 MB


@pytest.mark.parametrize("status", [301, 302, 307, 304])
def test_a_server_that_points_elsewhere_has_stored_nothing(status):
    with stub_server() as stub:
        stub.write = lambda *_: (status, {"Location": "http://127.0.0.1:1/"}, b"")
        with store_of(stub.url) as store, pytest.raises(StoreError, match=str(status)):
            store.append(some_readings(), NO_POSITIONS)


@pytest.mark.parametrize("status", [200, 204])
def test_a_server_may_say_that_it_took_all_in_either_way(status):
    with stub_server() as stub:
        stub.write = lambda *_: (status, {}, b"")
        with store_of(stub.url) as store:
            store.append(some_readings(), NO_POSITIONS)


def test_a_batch_that_failed_halfway_is_whole_when_it_is_tried_again(influxd, monkeypatch):
    monkeypatch.setattr(influx_http, "_MAX_BODY_BYTES", 500)
    with store_of(influxd.url, "halfway") as store:
        post = InfluxServer._post_lines
        tried = []

        def fails_once(self, body):
            tried.append(body)
            if len(tried) == 3:
                raise StoreError("cut", retryable=True)
            return post(self, body)

        monkeypatch.setattr(InfluxServer, "_post_lines", fails_once)
        batch = some_readings(40)
        with pytest.raises(StoreError, match="cut"):
            store.append(batch, NO_POSITIONS)
        store.append(batch, NO_POSITIONS)
        found = store.readings(ids(*range(0, 30, 5)), *EVER)
        assert len(found) == 40
        assert sorted(reading_rows(found)) == sorted(reading_rows(batch))


def test_influxd_drops_one_bad_line_without_counting_it_and_only_that_one_is_handed_back(influxd):
    server = InfluxServer(influxd.url, "dropped", Account(), timeout_s=10, compress=False)
    lines = [b"reading,device=d%d power_active=%d.5 %d\n" % (n, n, NOON_US + n) for n in range(1000)]
    bad = b"reading,device=d500 power_active=12,5 %d\n" % (NOON_US + 500)
    lines[500] = bad
    answer = server._post_lines(b"".join(lines))
    assert answer.status == 400
    assert b"dropped=0" in answer.data  # it is not to be believed
    with pytest.raises(RowsRefused) as caught:
        server.write(b"".join(lines))
    assert [line for line, _ in caught.value.refused] == [bad.rstrip()]
    count = "select count(power_active) from reading"
    assert [series.numbers()["count"][0] for _, series in server.query(count)] == [999]
    server.close()


def test_a_large_batch_reaches_influxd_in_bodies_that_it_reads(influxd):
    # A body above 25 MB would end in a reset connection: this one is 30 MB in parts of 5.
    line = b"reading,device=%d " % 7 + b",".join(b"power_%02d=1.5" % n for n in range(30))
    lines = [line + b" %d\n" % (NOON_US + n) for n in range(75_000)]
    body = b"".join(lines)
    assert len(body) > 25_000_000
    server = InfluxServer(influxd.url, "large", Account(), timeout_s=60, compress=False)
    server.write(body)
    count = "select count(power_07) from reading"
    assert [series.numbers()["count"][0] for _, series in server.query(count)] == [75_000]
    server.close()


def test_no_field_can_have_two_types():
    values = [0.0, 1.0, -1.0, 1e15, 1e16, 1e22, 2.0**53, 1e-320, 5e300]
    batch = readings(*((0, NOON_US + n, value) for n, value in enumerate(values)))
    lines = LineWriter().readings(batch, catalog()).splitlines()
    texts = [line.split(b" ")[1].split(b",")[0].split(b"=")[1] for line in lines]
    assert [float(text) for text in texts] == values  # an integer would end in i
    # What is an integer has a name that no quantity has.
    integers = {"received_at_us", *POSITION_INTEGERS, "known"}
    assert not integers & (QUANTITIES.keys() | set(POSITION_FLOATS))
    assert not [name for name in QUANTITIES if name.endswith("_q")]
