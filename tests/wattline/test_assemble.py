"""From settings to how the broker is reached."""

import asyncio
import ssl
import subprocess
import zlib

import pytest

from core.errors import StartError
from tests.servers import binary
from wattline.assemble import make_pipeline, mqtt_options, open_parts
from wattline.shards import Shard
from wattline.stated.settings import Broker, Ingest, Settings, Store

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """a.crt, a.key and b.crt, b.key, each its own authority."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("a", "b"):
        made = ("-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
        command = [binary("openssl", "openssl"), "req", "-x509", *CURVE, *made]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    locked = ["pkey", "-in", "a.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key"]
    subprocess.run([binary("openssl", "openssl"), *locked], cwd=folder, check=True, capture_output=True)
    return folder


def tls(folder, **files):
    broker = Broker(
        kind="external", tls=True, **{f"{key}_file": folder / name for key, name in files.items()}
    )
    return mqtt_options(Settings(broker=broker))


def test_a_broker_is_verified_by_the_authority_that_is_named(certificates):
    context = tls(certificates, ca="a.crt", certificate="b.crt", key="b.key").tls
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert [found["subject"] for found in context.get_ca_certs()] == [((("commonName", "a"),),)]


UNFIT = {
    "no such file": {"ca": "nowhere.crt"},
    "no certificate": {"ca": "a.key"},
    "key of another": {"certificate": "a.crt", "key": "b.key"},
    "no key": {"certificate": "a.crt"},
    "key with a password": {"certificate": "a.crt", "key": "locked.key"},
}


@pytest.mark.parametrize("files", UNFIT.values(), ids=UNFIT)
def test_tls_files_that_do_not_fit_stop_the_start(certificates, files):
    with pytest.raises(StartError, match=r"correct broker\.\*_file"):
        tls(certificates, **files)


def test_without_tls_there_is_no_context():
    assert mqtt_options(Settings()).tls is None


def test_a_shard_has_a_session_of_its_own_and_takes_its_devices_only():
    settings = Settings(broker=Broker(kind="external", client_id="here"))
    whole, part = mqtt_options(settings), mqtt_options(settings, Shard(1, 2))
    assert (whole.client_id, whole.wants) == ("here", None)
    assert part.client_id == "here-1-of-2"
    assert part.wants("wattline/v1/m/readings") is Shard(1, 2).owns("m")


def test_how_batches_end_is_taken_from_the_settings():
    ingest = Ingest(batch_messages=7, batch_bytes=2048, linger_ms=3)
    options = mqtt_options(Settings(ingest=ingest, broker=Broker(unacked_s=60)))
    assert (options.batch_messages, options.batch_bytes) == (7, 2048)
    assert (options.linger_s, options.unacked_s) == (0.003, 60)


@pytest.mark.parametrize(
    ("store", "batch", "under_way"), [("duckdb", 10_000, 20_000), ("influx", 20_000, 60_000)]
)
def test_influxdb_is_given_larger_batches_and_one_that_is_ready(store, batch, under_way):
    settings = Settings(broker=Broker(kind="external"), store=Store(kind=store))
    options = mqtt_options(settings)
    assert (options.batch_messages, options.receive_maximum) == (batch, under_way)
    smaller = settings.model_copy(update={"broker": Broker(kind="external", receive_maximum=50)})
    assert mqtt_options(smaller).receive_maximum == 50


def test_what_had_to_be_repaired_is_counted_where_it_is_watched(tmp_path):
    (tmp_path / "wattline.duckdb.rows").write_bytes(b"reading 5 %08x\n" % zlib.crc32(b"reading 5"))

    async def counted():
        settings = Settings(data_dir=tmp_path)
        parts = open_parts(settings, asyncio.get_running_loop())
        make_pipeline(settings, parts)
        parts.close()
        return parts.feed.totals()["wattline_store_incidents_total"]

    assert asyncio.run(counted()) == 1
