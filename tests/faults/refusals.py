"""Rows 7 and 8: values, lines and requests that are refused."""

import json
import time
import urllib.parse
import urllib.request
from itertools import pairwise
from pathlib import Path

from tests.faults.devices import COUNTER, START_MS, STEP_MS
from tests.faults.gate import Gate, Refusal
from tests.faults.report import Report
from tests.faults.world import Options, World, rows

ODD = "odd"
"""The meter that says what is not right, in a place of its own."""

_N = 50
_GOOD = '{{"ts": {ts}, "{counter}": {value}}}'

BAD = {
    "a text": ('"power_active": "text"', "not_a_number"),
    "NaN as text": ('"power_active": "NaN"', "not_a_number"),
    "null": ('"power_active": null', "not_a_number"),
    "a list": ('"power_active": [1]', "not_a_number"),
    "out of range": (f'"{COUNTER}": -5', "out_of_range"),
    "unknown quantity": ('"power_of_mind": 1', "unknown_quantity"),
    "a time that was never set": ('"ts": 1000, "power_active": 1', "clock_past"),
    "a time without offset": ('"ts": "2023-11-15T00:00:00", "power_active": 1', "bad_time"),
}
"""What is bad about one reading of an upload, and the reason that it is rejected for."""


def bad_reading(options: Options, folder: Path) -> Report:
    """One bad reading among N, of each kind, as one of a list and as a message of its own.

    kept: good readings stored of those sent. dead: how many dead letters for one bad reading.
    A NaN that is no text makes its whole message no JSON: it is one dead letter.
    """
    with World(folder, options, "bad-reading") as world:
        world.begin()
        for device in (ODD, "odd2"):
            world.meter(device, "elsewhere")
        sent, dead = 0, {}
        for reason in range(options.trials):
            for what, (fields, expected) in BAD.items():
                before = world.product.get("dead-letters")["counts"].get(expected, 0)
                sent = _upload(world, ODD, sent, fields if "ts" in fields else f'"ts": {START_MS}, {fields}')
                world.caught_up(world.devices.mark())
                counts = world.product.get("dead-letters")["counts"]
                dead[what] = counts.get(expected, 0) - before
            del reason
        good = len(rows(world.product, ODD, COUNTER)[0])
        world.report.more |= {"good_sent": sent, "good_kept": good, "dead_letters_a_bad_one": dead}
        report = world.finish()
        report.lost += sent - good
        report.unexpected += sum(count != 1 for count in dead.values())
        return report


def _upload(world: World, device: str, first: int, bad: str) -> int:
    """N - 1 good readings and a bad one in the middle, in one message; returns the next number."""
    numbers = range(first, first + _N - 1)
    items = [
        _GOOD.format(ts=START_MS + number * STEP_MS, counter=COUNTER, value=number) for number in numbers
    ]
    items.insert(_N // 2, "{" + bad + "}")
    world.devices.say(f"wattline/v1/{device}/readings", "[" + ",".join(items) + "]")
    return numbers.stop


def refused_lines(options: Options, folder: Path) -> Report:
    """InfluxDB holds one meter's quantity as text already: it refuses that meter's lines, and no other."""
    with World(folder, options, "refused-lines") as world, Gate(world.influx.port) as gate:
        world.store_at(gate.port)
        world.product.start()
        world.provision(world.devices)
        world.meter(ODD, "elsewhere")
        _influx(world, "q=create database wattline", path="query")
        line = f'reading,device={ODD} voltage_l1="text" {START_MS * 1_000_000}'
        _influx(world, line, path="write?db=wattline")
        world.devices.start()
        refused = 0
        for trial in range(options.trials):
            time.sleep(options.seconds)
            ts = START_MS + (trial + 1) * STEP_MS
            world.devices.say(f"wattline/v1/{ODD}/readings", f'{{"ts": {ts}, "voltage_l1": 5}}')
            refused += 1
        report = world.finish()
        counts = world.product.get("dead-letters")["counts"]
        report.lost += refused - counts.get("store_refused", 0)
        failed = [request for request in gate.writes if request.status != 204]
        report.more |= {
            "refused": refused,
            "dead_letters": counts,
            "writes": len(gate.writes),
            "refused_writes_a_bad_line": round(len(failed) / refused, 1),
        }
        return report


def _influx(world: World, body: str, path: str) -> None:
    if path == "query":
        name, _, value = body.partition("=")
        body = urllib.parse.urlencode({name: value})
    address = f"http://127.0.0.1:{world.influx.port}/{path}"
    with urllib.request.urlopen(address, body.encode(), timeout=10) as answer:
        assert answer.status in (200, 204), json.loads(answer.read())


REFUSALS = {
    "429": Refusal(429, times=2, retry_after_s=1),
    "413": Refusal(413, times=10, body_over=4000),
    "401": Refusal(401, times=1),
    "hang": Refusal(0, times=1, hang_s=1),
    "503": Refusal(503, times=2, retry_after_s=2),
    "503 without a time": Refusal(503, times=2),
    "500": Refusal(500, times=2),
    "413 with a time": Refusal(413, times=1, retry_after_s=1),
    "400 to everything": Refusal(400, times=20),
}


def refused_writes(options: Options, folder: Path) -> Report:
    """A server in front of influxd answers writes with each refusal in turn.

    early_ms: how much sooner than Retry-After asked the next request came, at worst; late_ms:
    how much later. amplification: requests over those that were needed.
    """
    with World(folder, options, "refused-writes") as world, Gate(world.influx.port) as gate:
        world.store_at(gate.port)
        world.begin()
        names = [options.kind] if options.kind else list(REFUSALS)
        seen: dict[str, dict[str, float]] = {}
        for trial in range(options.trials):
            name = names[trial % len(names)]
            given = REFUSALS[name]
            first = len(gate.writes)
            gate.refusal = Refusal(**vars(given))
            # a batch of its own size, so that there are bodies large enough for a 413
            time.sleep(0.5)
            world.devices.wait_until(lambda: not gate.pending())
            gate.refusal = None
            world.recovered()
            seen[name] = _seen(gate.writes[first:], given)
        report = world.finish()
        report.more["refusals"] = seen
        return report


def _seen(writes: list, given: Refusal) -> dict[str, float]:
    failed = sum(request.status != 204 for request in writes)
    found: dict[str, float] = {"refused": failed}
    if given.retry_after_s is not None:
        late = [
            (after.at_s - refused.at_s - given.retry_after_s) * 1000
            for refused, after in pairwise(writes)
            if refused.status == given.status
        ]
        found["early_ms"] = round(max(0.0, -min(late)))
        found["late_ms"] = round(max(0.0, *late))
    found["amplification"] = round(len(writes) / (len(writes) - failed), 2)
    return found
