"""A recorded year, replayed through the real broker: every figure equals the file."""

import csv
import gzip
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "simulators" / "sample" / "electricity_hourly.csv.gz"
YEAR = {"from": "2018-01-01", "to": "2019-01-01"}
DISORDER = ("--shuffle", "--duplicate", "0.1", "--split", "40", "--seed", "7")


def recorded():
    """{building: {hour (2018-01-01T00): kWh}} of 2018, read without our code."""
    hours = defaultdict(dict)
    with gzip.open(SAMPLE, "rt") as lines:
        for row in csv.DictReader(lines):
            if row["timestamp_utc"].startswith("2018-"):
                hours[row["building"]][row["timestamp_utc"][:13].replace(" ", "T")] = float(row["kwh"])
    return hours


def figures(product, building, interval):
    """The consumption answer of a building for 2018."""
    return product.get("consumption", place=building, energy="electricity", interval=interval, **YEAR)


def by_prefix(items, length):
    return {item["start"][:length]: item["amount"] for item in items}


def summed(hours, length):
    sums = defaultdict(float)
    for hour, amount in hours.items():
        sums[hour[:length]] += amount
    return dict(sums)


def replay(product, *options):
    done = product.command("replay", str(SAMPLE), "--from", "2018-01-01", "--to", "2019-01-01", *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(params=["duckdb", "influx"])
def started(request, product):
    """A product on each store, with a registry of its own."""
    if request.param == "influx":
        server = request.getfixturevalue("influxd")
        product.variables = {
            "WATTLINE_STORE__KIND": "influx",
            "WATTLINE_STORE__URL": server.url,
            "WATTLINE_STORE__DATABASE": f"replay{product.http_port}",
        }
    return product.start()


@pytest.mark.parametrize("order", [(), DISORDER], ids=["in order", "shuffled, repeated, split"])
def test_every_year_month_and_hour_equals_the_file(started, order):
    replay(started, *order)
    for building, hours in recorded().items():
        year = figures(started, building, "1y")
        assert year["total"] == pytest.approx(sum(hours.values()), rel=1e-4)
        assert year["coverage"] == 1.0
        months = by_prefix(figures(started, building, "1mo")["items"], 7)
        assert months == pytest.approx(summed(hours, 7), rel=1e-4)
        assert by_prefix(figures(started, building, "1h")["items"], 13) == pytest.approx(
            hours, rel=1e-4, abs=1e-6
        )


def test_hours_that_were_not_heard_show_as_coverage_and_the_total_stays(started):
    replay(started, "--zero-is-missing", *DISORDER)
    for building, hours in recorded().items():
        heard = {hour for hour, amount in hours.items() if amount}
        whole = figures(started, building, "1h")
        assert whole["total"] == pytest.approx(sum(hours.values()), rel=1e-4)
        assert whole["coverage"] == pytest.approx(len(heard) / len(hours), abs=1e-6)
        covered = {item["start"][:13] for item in whole["items"] if item["coverage"] == 1.0}
        assert covered == heard


def test_another_building_of_the_file_is_refused_by_name(product):
    product.start()
    done = product.command("replay", str(SAMPLE), "--buildings", "b0,nowhere")
    assert done.returncode == 1
    assert "no building nowhere in the file" in done.stderr


def test_a_replay_without_a_running_wattline_says_how_to_start_one(product):
    done = product.command("replay", str(SAMPLE))
    assert done.returncode == 1
    assert "python -m wattline run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_record_shifted_to_now_ends_with_the_last_full_hour(product):
    product.start()
    report = product.command("replay", str(SAMPLE), "--as-now", "--from", "2019-12-20").stderr
    assert "readings" in report
    last = product.get("registers", device="b0-electricity")["items"][0]["last"]
    assert last["age_s"] < 3700
    assert datetime.fromisoformat(last["time"]).minute == 0
