"""`python -m wattline import` on a running product: what the dry run says is what then is."""

from datetime import UTC, datetime

import pytest

from tests.product import HTTP
from tests.wattline.test_run import NAME, START_MS, amounts, consumption, publish, reading

ENERGY = "energy_active_import_total"
FILLED = [10.0, 10.0, 17.0, 1.0, 12.0, 11.0, 9.0, 10.0]


@pytest.fixture
def started(product):
    """A meter that reported every quarter of an hour, but for the third and fourth of nine times."""
    product.start()
    product.post("places", {"id": "hall", "kind": "building", "name": NAME, "timezone": "UTC"})
    body = {"id": "m", "kind": "meter", "place_id": "hall", "name": NAME, "expected_interval_s": 900}
    product.post("devices", body)
    publish(product.mqtt_port, [reading(15 * at, 10 * at) for at in (0, 1, 2, 5, 6, 7, 8)])
    product.wait_until(lambda: product.total("wattline_readings_total") == 7)
    product.wait_until(lambda: amounts(product) == pytest.approx([10.0] * 8))
    return product


def write(tmp_path, *readings):
    """A file with readings (minute, value)."""
    path = tmp_path / "read.csv"
    moments = [datetime.fromtimestamp(START_MS / 1000 + 60 * minute, UTC) for minute, _ in readings]
    lines = [f"m,{at:%Y-%m-%d %H:%M},{value}" for at, (_, value) in zip(moments, readings, strict=True)]
    path.write_text("device,time,value\n" + "\n".join(lines) + "\n")
    return path


def test_an_import_does_what_its_dry_run_said(started, tmp_path):
    path = write(tmp_path, (45, 37), (60, 38), (75, 50), (90, 61))
    tried = started.command("import", str(path), "--quantity", ENERGY, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "2 new readings, 1 corrections, 1 known; 0 intervals new, 5 revised" in tried.stdout
    assert "nothing was changed" in tried.stdout
    assert amounts(started) == pytest.approx([10.0] * 8)

    done = started.command("import", str(path), "--quantity", ENERGY)
    assert done.returncode == 0, done.stderr
    started.wait_until(lambda: amounts(started) == pytest.approx(FILLED))
    span = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}
    stored = started.get("readings", device="m", quantity=ENERGY, **span)["items"]
    assert [row["value"] for row in stored if row["quality"] == ["manual"]] == [37, 38, 61]

    items = consumption(started)["items"]
    flagged = [item["amount"] for item in items if "manual" in item["quality"]]
    assert flagged == pytest.approx([17, 1, 12, 11, 9])

    again = started.command("import", str(path), "--quantity", ENERGY)
    assert "0 new readings, 0 corrections, 4 known; 0 intervals new, 0 revised" in again.stdout


def test_a_file_with_one_mistake_changes_nothing(started, tmp_path):
    path = write(tmp_path, (45, 37), (60, "forty"))
    refused = started.command("import", str(path), "--quantity", ENERGY)
    assert refused.returncode == 1
    assert "row 3: value: 'forty'" in refused.stderr
    lines = refused.stderr.splitlines()
    assert lines[0] == "nothing was imported: 1 mistake(s) in the file"
    assert HTTP.get(f"{started.url}/metrics").text.count("wattline_messages_total 7") == 1


def test_where_no_wattline_runs_the_command_says_so(product, tmp_path):
    refused = product.command("import", str(write(tmp_path, (0, 1))), "--quantity", ENERGY)
    assert refused.returncode == 1
    assert "no Wattline answers at" in refused.stderr
    missing = product.command("import", str(tmp_path / "nothing.csv"))
    assert "can't be read" in missing.stderr
