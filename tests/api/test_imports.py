"""POST /api/v1/imports: what it changes, what it refuses, how large a file may be."""

import numpy as np
import pytest

from analytics import ledger
from api.services import Limits
from core.columns import RegisterColumns
from core.quality import ReadingQuality
from tests.api.conftest import client_of
from tests.api.world import ENERGY, us

PATH = "/api/v1/imports"
HOUR_US = 3_600_000_000


def table(*rows):
    """rows: (device, local time, value)."""
    lines = [f"{device},{ENERGY},{time},{value}" for device, time, value in rows]
    return "\n".join(["device,quantity,time,value", *lines])


async def ask(client, content, **options):
    return await client.post(PATH, params=options, content=content)


@pytest.mark.anyio
async def test_a_dry_run_tells_readings_and_figures_before_and_after(client, world):
    start = us("2018-07-01T00:00:00")
    world.readings("m0", ENERGY, [(start + n * HOUR_US // 4, float(n)) for n in range(4)])
    readings = world.store.readings(np.array([world.register("m0")], np.int32), 0, 2**62)
    world.store.put_intervals(ledger.recompute(readings, RegisterColumns.of(world.catalog), 0, 2**62))
    content = table(
        ("m0", "2018-07-01 00:45", 3), ("m0", "2018-07-01 00:30", 2.5), ("m0", "2018-07-01 01:00", 7)
    )
    answer = await ask(client, content, dry_run=True)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["readings"], body["sent"]) == (3, False)
    (register,) = body["registers"]
    assert (register["added"], register["corrected"], register["repeated"]) == (1, 1, 1)
    # All three: what the world's ledger knows of readings is nothing.
    assert (register["intervals"], register["revised"]) == (1, 2)
    (period,) = register["periods"]
    assert period["start"] == "2018-07-01T00:00:00+08:00"
    assert (period["now"], period["then"], period["intervals"]) == (3.0, 7.0, 3)
    assert period["then_coverage"] > period["now_coverage"]
    stored = world.store.readings([world.register("m0")], 0, 2**62)
    assert ReadingQuality.MANUAL not in stored.quality.tolist()


@pytest.mark.anyio
async def test_a_long_span_is_told_by_the_month(client):
    content = table(("m0", "2018-01-11 12:00", 0), ("m0", "2018-04-01 00:00", 605))
    (register,) = (await ask(client, content, dry_run=True)).json()["registers"]
    assert [(p["start"][:10], p["end"][:10]) for p in register["periods"]] == [
        ("2018-01-01", "2018-02-01"),
        ("2018-02-01", "2018-03-01"),
        ("2018-03-01", "2018-04-01"),
    ]
    assert sum(p["then"] for p in register["periods"]) == pytest.approx(605)


@pytest.mark.anyio
async def test_a_register_that_never_reported_is_told_too(client):
    content = "device,quantity,time,value\nm2,gas_volume_total,2018-07-01 10:00,5\n"
    (register,) = (await ask(client, content, dry_run=True)).json()["registers"]
    assert (register["unit"], register["added"], register["periods"]) == ("m3", 1, [])


@pytest.mark.anyio
async def test_every_mistake_is_an_error_of_the_problem(client):
    answer = await ask(client, table(("nobody", "2018-07-01 00:45", "x")))
    assert answer.status_code == 422
    body = answer.json()
    assert "nothing was imported: 2 mistake(s)" in body["detail"]
    assert [(one["field"], one["value"]) for one in body["errors"]] == [
        ("row 2: device", "nobody"),
        ("row 2: value", "x"),
    ]


@pytest.mark.anyio
async def test_without_a_broker_nothing_is_sent_and_the_reason_is_told(client):
    answer = await ask(client, table(("m0", "2018-07-01 00:45", 3)))
    assert answer.status_code == 503
    assert answer.json()["detail"] == "there is no broker here"


@pytest.mark.anyio
async def test_a_file_may_be_larger_than_other_bodies_and_not_of_any_size(world):
    limits = Limits(body_bytes=100, import_bytes=1000)
    async with client_of(world.app(limits=limits)) as client:
        assert (await ask(client, table(("m0", "2018-07-01 00:45", 3)) + "\n" * 500, dry_run=True)).is_success
        assert (await ask(client, "\n" * 1001)).status_code == 413
        assert (await client.post("/api/v1/places", content=b" " * 101)).status_code == 413
