"""How the InfluxDB store meets servers that refuse, stall or differ.

The servers that no package gives us (2.x, 3, proxies in front) are played by a real HTTP
server that behaves as their documentation says; what influxd 1.x does is asked of influxd.
"""

import gzip
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.errors import RowsRefused, StoreError
from core.quality import Quality
from storage import influx_http
from tests.servers import free_port
from tests.storage.batches import (
    NO_POSITIONS,
    NOON_US,
    ids,
    interval_rows,
    intervals,
    readings,
)
from tests.storage.influx_stores import EVER, some_readings, store_of
from tests.storage.influx_stub import stub_server

TOKEN, PASSWORD = "t0ken", "pass word"


@pytest.fixture
def stub():
    with stub_server() as server:
        yield server


def write_paths(stub):
    return {path for path, _, body in stub.requests if body and not path.startswith("/query")}


def test_a_server_with_the_newer_path_is_written_there(stub):
    with store_of(stub.url, token=TOKEN, org="city") as store:
        store.append(some_readings(), NO_POSITIONS)
    assert write_paths(stub) == {"/api/v2/write?bucket=wattline&precision=us&org=city"}
    assert {headers["Authorization"] for _, headers, _ in stub.requests} == {f"Token {TOKEN}"}
    assert len(stub.lines()) == 20


def test_a_2_x_server_without_an_organisation_is_written_the_old_way(stub):
    with store_of(stub.url, token=TOKEN) as store:
        store.append(some_readings(), NO_POSITIONS)
    assert write_paths(stub) == {"/write?db=wattline&precision=u"}


def test_a_server_without_the_newer_path_is_written_the_old_way(stub):
    stub.version = "3.4.0"
    stub.write = lambda path, _: (404, {}, b"404 page not found\n") if "v2" in path else (204, {}, b"")
    with store_of(stub.url) as store:
        store.append(some_readings(), NO_POSITIONS)
    assert write_paths(stub) == {"/write?db=wattline&precision=u"}


def test_only_1_x_is_asked_to_make_the_database(stub):
    for version, wanted in (("1.8.10", 1), ("2.7.10", 0), ("3.4.0", 0)):
        stub.version = version
        stub.requests.clear()
        with store_of(stub.url) as store:
            store.last_received_us()
        made = [body for path, _, body in stub.requests if path == "/query" and b"create+database" in body]
        assert len(made) == wanted, version


def test_user_and_password_go_with_every_request(stub):
    with store_of(stub.url, username="me", password=PASSWORD) as store:
        store.append(some_readings(), NO_POSITIONS)
    assert {headers["Authorization"] for _, headers, _ in stub.requests} == {"Basic bWU6cGFzcyB3b3Jk"}


@pytest.mark.parametrize("status", [400, 422])
def test_a_bad_line_is_handed_back_and_the_others_are_taken(stub, status):
    def write(_, body):
        lines = body.split(b"\n")
        bad = any(b"device=plain" in line and b"=10.0," in line for line in lines)
        return (status, {}, b'{"code":"invalid","message":"no such luck"}') if bad else (204, {}, b"")

    stub.write = write
    with store_of(stub.url) as store, pytest.raises(RowsRefused) as caught:
        store.append(some_readings(64), NO_POSITIONS)
    ((line, reason),) = caught.value.refused
    assert line.startswith(b"reading,device=plain energy_active_import_total=10.0,")
    assert reason == "no such luck"
    assert not caught.value.retryable
    assert len(set(stub.lines())) == 63
    assert len(write_requests(stub)) < 20


def write_requests(stub):
    return [body for path, _, body in stub.requests if body and "write" in path]


def test_several_bad_lines_are_all_handed_back(stub):
    def write(_, body):
        return (400, {}, b'{"error":"bad"}') if b"device=plain " in body else (204, {}, b"")

    stub.write = write
    with store_of(stub.url) as store, pytest.raises(RowsRefused) as caught:
        store.append(some_readings(60), NO_POSITIONS)
    assert len(caught.value.refused) == 10
    assert len(set(stub.lines())) == 50


def test_a_server_that_refuses_everything_is_to_blame_not_the_lines(stub):
    stub.write = lambda *_: (400, {}, b'{"error":"database is read-only"}')
    with store_of(stub.url) as store, pytest.raises(StoreError, match="read-only") as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert not isinstance(caught.value, RowsRefused)


def test_a_body_too_large_for_the_server_is_halved(stub):
    stub.write = lambda _, body: (204, {}, b"") if len(body) < 700 else (413, {}, b"")
    with store_of(stub.url) as store:
        store.append(some_readings(40), NO_POSITIONS)
    assert len(stub.lines()) == 40
    assert len(stub.taken) > 1


def test_a_large_batch_is_cut_at_line_ends(stub, monkeypatch):
    monkeypatch.setattr(influx_http, "_MAX_BODY_BYTES", 500)
    with store_of(stub.url) as store:
        store.append(some_readings(40), NO_POSITIONS)
    assert all(len(body) <= 500 and body.endswith(b"\n") for body in stub.taken)
    assert len(stub.lines()) == 40


@pytest.mark.parametrize("status", [413, 429, 503])
def test_a_server_that_asks_to_wait_is_given_its_time(stub, status):
    stub.write = lambda *_: (status, {"Retry-After": "7"}, b'{"message":"slow down"}')
    with store_of(stub.url) as store, pytest.raises(StoreError, match="slow down") as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 7.0)


def test_a_server_that_asks_to_wait_hears_nothing_meanwhile(stub):
    """Not of the ledger either, which is written beside the batch that was refused."""
    stub.write = lambda *_: (429, {"Retry-After": "60"}, b"")
    with store_of(stub.url) as store:
        with pytest.raises(StoreError):
            store.append(some_readings(), NO_POSITIONS)
        asked = len(stub.requests)
        with pytest.raises(StoreError, match="429") as caught:
            store.put_intervals(intervals((0, 0, 1.5)))
        assert len(stub.requests) == asked
    assert caught.value.retryable
    assert 0 < caught.value.retry_after_s <= 60


def test_a_server_that_asked_to_wait_is_asked_again_afterwards(stub):
    stub.write = lambda *_: (503, {"Retry-After": "0.01"}, b"")
    with store_of(stub.url) as store:
        with pytest.raises(StoreError) as caught:
            store.append(some_readings(), NO_POSITIONS)
        stub.write = lambda *_: (204, {}, b"")
        time.sleep(caught.value.retry_after_s)
        store.append(some_readings(), NO_POSITIONS)
    assert len(stub.lines()) == 20


def test_a_time_to_wait_may_be_a_date(stub):
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=4), usegmt=True)
    stub.write = lambda *_: (503, {"Retry-After": until}, b"")
    with store_of(stub.url) as store, pytest.raises(StoreError) as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert 180 < caught.value.retry_after_s <= 240


@pytest.mark.parametrize("wish", ["86400", "inf", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_time_to_wait_is_bounded(stub, wish):
    stub.write = lambda *_: (503, {"Retry-After": wish}, b"")
    with store_of(stub.url) as store, pytest.raises(StoreError) as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert caught.value.retry_after_s == 300


@pytest.mark.parametrize("wish", ["soon", "nan", "-5", ""])
def test_a_time_to_wait_that_makes_no_sense_is_none(stub, wish):
    stub.write = lambda *_: (503, {"Retry-After": wish}, b"")
    with store_of(stub.url) as store, pytest.raises(StoreError) as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert not caught.value.retry_after_s


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_may_be_asked_again(stub, status):
    stub.write = lambda *_: (status, {}, b"engine: no space left on device")
    with store_of(stub.url) as store, pytest.raises(StoreError, match="no space left") as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, None)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_is_said_to_be_wrong(stub, status):
    stub.write = lambda *_: (status, {}, b'{"message":"unauthorized access"}')
    with store_of(stub.url) as store, pytest.raises(StoreError, match="token") as caught:
        store.append(some_readings(), NO_POSITIONS)
    assert not caught.value.retryable


def test_a_server_that_stalls_is_given_up_for_now(stub):
    def stall(_, body):
        if body:
            stub.released.wait(20)
        return 204, {}, b""

    stub.write = stall
    with (
        store_of(stub.url, timeout_s=0.2) as store,
        pytest.raises(StoreError, match="does not answer") as caught,
    ):
        store.append(some_readings(), NO_POSITIONS)
    assert caught.value.retryable


def test_a_server_that_starts_later_is_used_then():
    with store_of(f"http://127.0.0.1:{free_port()}") as store:
        for call in (store.ping, store.last_received_us, lambda: store.append(some_readings(), NO_POSITIONS)):
            with pytest.raises(StoreError, match="is InfluxDB running there") as caught:
                call()
            assert caught.value.retryable


def test_an_answer_that_breaks_off_is_not_taken_for_a_short_one(stub):
    whole = b'{"results":[{"series":[{"name":"journal","columns":["time","rows"],"values":[[1,2]]}]}]}\n'
    stub.query = lambda _: (200, {}, whole[:40])
    with store_of(stub.url) as store, pytest.raises(StoreError, match="not understood") as caught:
        store.last_received_us()
    assert caught.value.retryable


@pytest.mark.parametrize(("said", "retryable"), [("timeout", True), ("shard is gone", False)])
def test_an_error_inside_an_answer_is_an_error(stub, said, retryable):
    stub.query = lambda _: (200, {}, f'{{"results":[{{"error":"{said}"}}]}}'.encode())
    with store_of(stub.url) as store, pytest.raises(StoreError, match=said) as caught:
        store.last_received_us()
    assert caught.value.retryable is retryable


def test_lines_are_compressed_where_that_is_asked_for(stub):
    with store_of(stub.url, compress=True) as store:
        store.append(some_readings(), NO_POSITIONS)
    bodies = [body for path, headers, body in stub.requests if headers.get("Content-Encoding") == "gzip"]
    assert gzip.decompress(b"".join(bodies)).count(b"\n") == 21


def test_a_message_of_five_values_is_one_line(stub):
    with store_of(stub.url) as store:
        rows = [(register, NOON_US, register + 0.5) for register in range(10)]
        store.append(readings(*rows), NO_POSITIONS)
    first, second = stub.lines()
    assert first == (
        "reading,device=meter-1 energy_active_import_total=0.5,power_active=1.5,voltage_l1=2.5,"
        f"voltage_l2=3.5,frequency=4.5,received_at_us={NOON_US}i {NOON_US}"
    )
    assert second.startswith(r"reading,device=楼\ 一\,层\=2 energy_active_import_total=5.5,")


def test_an_interval_that_is_refused_does_not_keep_the_others_open(stub):
    stub.write = lambda _, body: (422, {}, b"{}") if b"device=plain," in body else (204, {}, b"")
    with store_of(stub.url) as store:
        store.put_intervals(intervals((0, 0, 1.0, Quality.OPEN), (20, 0, 2.0, Quality.OPEN)))
        with pytest.raises(RowsRefused):
            store.put_intervals(intervals((0, 0, 1.5), (20, 0, 2.5), (0, 1, 0.25, Quality.OPEN)))
        assert interval_rows(store.intervals(ids(0, 20), *EVER)) == [
            (0, 1, 0.25)
        ]  # the stub answers with none
