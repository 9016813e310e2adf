"""How fast figures come from a year of 10,000 meters: 350 million ledger intervals.

Over the HTTP API of the real product on DuckDB (bench.year says what is in it), one client,
one request at a time, in ms:

- `day`: a day's curve of a building, by the quarter of an hour;
- `month`: a month of a building by day;
- `district_year`: a year of 25 buildings by month;
- `region_year`: the year's total of the whole tree.

Every request is for a building and a day, month or district chosen anew by seed. `cold_ms` is
the first request after a start with nothing of the file in the page cache. `day_busy` is
`day` again while all meters report, at 1,000 messages/s together.

--keep DIR keeps what was generated, for the next run.
"""

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.cores import machine, percentiles
from bench.product import Product
from bench.servers import mosquitto
from bench.steady import SteadyLoad
from bench.year import TIMEZONE, Year, estate, generate, registers
from core.batch import BASE_US

Ask = Callable[[], dict[str, object]]
KINDS = ("day", "month", "district_year", "region_year", "day_busy")
_BUSY_PER_S = 1_000


class Questions:
    """Parameters of /api/v1/consumption, chosen anew each time; only whole days of the year."""

    def __init__(self, year: Year, seed: int) -> None:
        self._year = year
        self._random = random.Random(seed)  # noqa: S311 a choice that can be repeated
        self._first = _local_date(year.start_slot) + timedelta(days=1)
        self._last = _local_date(year.end_slot)

    def day(self) -> dict[str, object]:
        """A day of a building."""
        return self._ask(self._building(), *self._span(1), "15m")

    def month(self) -> dict[str, object]:
        """Thirty days of a building, or what there is."""
        return self._ask(self._building(), *self._span(30), "1d")

    def district_year(self) -> dict[str, object]:
        """The year of a district by month."""
        return self._ask(self._random.choice(self._year.districts), self._first, self._last, "1mo")

    def region_year(self) -> dict[str, object]:
        """The year of everything in one figure."""
        return self._ask("region", self._first, self._last, "1y")

    def _building(self) -> str:
        return self._random.choice(self._year.buildings)

    def _span(self, days: int) -> tuple[date, date]:
        days = min(days, (self._last - self._first).days)
        start = self._first + timedelta(days=self._random.randint(0, (self._last - self._first).days - days))
        return start, start + timedelta(days=days)

    @staticmethod
    def _ask(place: str, start: date, end: date, interval: str) -> dict[str, object]:
        return {"place": place, "from": start, "to": end, "interval": interval, "energy": "electricity"}


class Client:
    """One connection that stays open."""

    def __init__(self, product: Product) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", product.http_port, timeout=3600)

    def took_ms(self, parameters: dict[str, object]) -> float:
        """Time of one request, until its answer is read; SystemExit unless every figure is there."""
        path = "/api/v1/consumption?" + "&".join(f"{key}={value}" for key, value in parameters.items())
        started_s = time.perf_counter()
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - started_s) * 1e3
        found = json.loads(body)
        if answer.status != http.HTTPStatus.OK or any(item["amount"] is None for item in found["items"]):
            raise SystemExit(f"{path} answers {answer.status}: {body[:500]!r}")
        return took_ms


def measure(product: Product, kind: str, ask: Ask, count: int) -> dict[str, float]:
    """A cold request after a start, then so many warm ones."""
    _forget(product.folder / "wattline.duckdb")
    with product:
        client = Client(product)
        cold_ms = client.took_ms(ask())
        warm = [client.took_ms(ask()) for _ in range(count)]
        found = {"n": count, **percentiles(warm), "cold_ms": round(cold_ms, 1)}
    print(kind, found, flush=True)
    return found


def measure_busy(product: Product, ask: Ask, meters: int, count: int) -> dict[str, float]:
    """Warm requests while all meters report."""
    with product, SteadyLoad(product.broker_port, meters, _BUSY_PER_S) as load:
        product.wait_for("wattline_messages_in_figures_total", min(meters, 2 * _BUSY_PER_S))
        client = Client(product)
        client.took_ms(ask())
        found = {"n": count, **percentiles([client.took_ms(ask()) for _ in range(count)])}
    print("day_busy", found, load.sent, "messages", flush=True)
    return found


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Generate what is missing, then ask."""
    started_s = time.monotonic()
    file = folder / "wattline.duckdb"
    year = generate(file, options.meters, options.days)
    generated_s = time.monotonic() - started_s
    print(f"{year.rows} intervals, {file.stat().st_size / 1e9:.2f} GB, {generated_s:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as servers, mosquitto(Path(servers)) as port:
        product = Product(folder, port)
        product.provide(estate(year), registers(year))
        questions = Questions(year, options.seed)
        asked: dict[str, tuple[Ask, int]] = {
            "day": (questions.day, options.requests),
            "month": (questions.month, max(options.requests // 3, 1)),
            "district_year": (questions.district_year, max(options.requests // 50, 1)),
            "region_year": (questions.region_year, 1),
        }
        found = {
            kind: measure(product, kind, ask, count)
            for kind, (ask, count) in asked.items()
            if kind in options.ask
        }
        if "day_busy" in options.ask:
            found["day_busy"] = measure_busy(product, questions.day, options.meters, options.requests)
    return {
        "meters": year.meters,
        "days": year.days,
        "intervals": year.rows,
        "file_gb": round(file.stat().st_size / 1e9, 2),
        **found,
        "start_s": round(product.start_s, 2),
    }


def _local_date(slot: int) -> date:
    return datetime.fromtimestamp(slot * BASE_US // 1_000_000, UTC).astimezone(ZoneInfo(TIMEZONE)).date()


def _forget(file: Path) -> None:
    """Drop a file from the page cache; where the system can't, cold is only a fresh process."""
    if sys.platform == "linux":
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--requests", type=int, default=300, help="for days; fewer of what takes longer")
    parser.add_argument("--ask", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the generated data, which stays")
    options = parser.parse_args()
    where = machine()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        result = run(options.keep, options)
    else:
        with tempfile.TemporaryDirectory() as name:
            result = run(Path(name), options)
    print(json.dumps({**result, **where}))


if __name__ == "__main__":
    main()
