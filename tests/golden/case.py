"""Reads a golden case: a failure that happened to somebody, and the figures a person computes by hand.

A case is a YAML file:

    title:   what must hold, as a claim
    failure: what went wrong
    source:  {system: …, issues: […], where: …}
    timezone: of the place and of the times in the file (default UTC)
    day:     day of times without one
    meter:   {expected_interval_s, rated_power_w, meter_type}
    register: {quantity, ratio, rollover_at, max_rate, rated_rate, policy}
    readings: lines "time value", in order of time; of one time the last is a correction.
              "A .. B every 15m from V by D" is a row of them.
    by_hand:  lines like readings, as a person read and imported them
    payloads: lines "time JSON" instead of a reading, sent as they are ({ts} is the time)
    replacements: a list of {at, final_value, initial_value, ratio, rollover_at}
    registered: "later" if the replacements are, when everything has long arrived
    expect:
      total:     consumption of the whole
      intervals, hours, days: lines "start amount coverage flags…"; amount `unknown` where
                 nothing is known. Every period between the first and the last is there.
      rejected:  {reason: count}

How the figures come about is in a comment of the file.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

FOLDER = Path(__file__).parent
ENERGY = "energy_active_import_total"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ROW = re.compile(r"(.+?) \.\. (.+?) every (\d+)([smhd]) from (\S+) by (\S+)")


@dataclass(frozen=True)
class Period:
    """What a period should say; amount None: unknown."""

    start_us: int
    amount: float | None
    coverage: float
    flags: frozenset[str]


@dataclass(frozen=True)
class Case:
    name: str
    body: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.body.get("timezone", "UTC"))

    @property
    def register(self) -> dict[str, Any]:
        return {"quantity": ENERGY} | self.body.get("register", {})

    def moment(self, text: str) -> datetime:
        """An aware time; without a day it is on the case's, without an offset on the place's clocks."""
        text = text.strip()
        if re.match(r"\d{1,2}:", text):
            text = f"{self.body['day']}T{text}"
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=self.zone)

    def messages(self) -> list[tuple[int, str, bytes]]:
        """(time in µs, last level of the topic, payload) of every message in order of time."""
        found = []
        for key, leaf in (("readings", "readings"), ("by_hand", "manual")):
            for line in self.body.get(key, "").strip().splitlines():
                for moment, value in self._expanded(line):
                    payload = {"ts": moment.isoformat(), self.register["quantity"]: value}
                    found.append((micros(moment), leaf, json.dumps(payload).encode()))
        for line in self.body.get("payloads", "").strip().splitlines():
            text, payload = re.fullmatch(r"(.+?) ([\[{].*)", line.strip()).groups()
            moment = self.moment(text)
            body = payload.replace("{ts}", moment.isoformat()).encode()
            found.append((micros(moment), "readings", body))
        return sorted(found, key=lambda message: message[0])

    def replacements(self) -> list[dict[str, Any]]:
        """As in the file, at in µs."""
        return [one | {"at": micros(self.moment(one["at"]))} for one in self.body.get("replacements", ())]

    def periods(self, kind: str) -> list[Period]:
        """The lines under expect."""
        found = []
        for line in self.body["expect"].get(kind, "").strip().splitlines():
            text, amount, coverage, flags = re.fullmatch(
                r"(\S+(?: \d\d:\d\d\S*)?) +(-?[\d.]+|unknown) +([\d.]+)%(.*)", line.strip()
            ).groups()
            known = None if amount == "unknown" else float(amount)
            start_us = micros(self.moment(text))
            found.append(Period(start_us, known, float(coverage) / 100, frozenset(flags.split())))
        return found

    def _expanded(self, line: str) -> list[tuple[datetime, float]]:
        row = _ROW.fullmatch(line.strip())
        if row is None:
            text, value = line.rsplit(maxsplit=1)
            return [(self.moment(text), float(value))]
        first, last, count, unit, value, by = row.groups()
        at, end = self.moment(first), self.moment(last)
        step = timedelta(seconds=int(count) * _UNITS_S[unit])
        rows = round((end.timestamp() - at.timestamp()) / step.total_seconds()) + 1
        start = at.timestamp()
        return [
            (
                datetime.fromtimestamp(start + n * step.total_seconds(), self.zone),
                round(float(value) + n * float(by), 9),
            )
            for n in range(rows)
        ]


def micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1000) * 1000


def load() -> list[Case]:
    """Every case of this folder, by name."""
    return [Case(path.stem, yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml"))]
