"""Times, durations and values as a case of rules writes them."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,6})?))?")
_HOUR_DIGITS = 2
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"(?P<first>_|{_NUMBER})(?P<by>[-+](?:\d+\.?\d*|\.\d+))?(?:x(?P<count>\d+))?")
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """How times without day or offset are meant."""

    day: date | None
    timezone: ZoneInfo

    def time_us(self, text: str) -> int:
        """µs of "10:00" on the day, "2026-03-02 10:00" in the timezone, or with an offset.

        A local time that a clock shows twice is the first of them. Raises ValueError with the fix.
        """
        given = text = text.strip()
        if _CLOCK.fullmatch(text):
            if self.day is None:
                raise ValueError(f"{text!r}: has no day: add day: 2026-03-02 to the case, or write the date")
            text = f"{self.day.isoformat()}T{text if text.index(':') == _HOUR_DIGITS else '0' + text}"
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"{given!r}: is no time: write 10:00, 2026-03-02 10:00 or 2026-03-02T10:00+08:00"
            ) from None
        if found.tzinfo is None:
            found = found.replace(tzinfo=self.timezone)
        return round(found.timestamp() * 1_000_000)

    def told(self, time_us: int) -> str:
        """A time as a person would write it here: without the day where it is that of the case."""
        second, micro = divmod(time_us, 1_000_000)
        local = datetime.fromtimestamp(second, self.timezone).replace(microsecond=micro)
        twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
        fine = "microseconds" if micro else "seconds" if local.second else "minutes"
        clock = local.time().isoformat(fine)
        if twice:
            return local.isoformat(timespec="microseconds" if micro else "seconds")
        return clock if local.date() == self.day else f"{local.date().isoformat()} {clock}"


def span_us(text: str) -> int:
    """µs of "30s", "1m", "2h", "1d"; raises ValueError with the fix."""
    match = _SPAN.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise ValueError(f"{text!r}: is no duration: write 30s, 1m, 2h or 1d")
    return round(float(match[1]) * _UNITS_S[match[2]] * 1_000_000)


def values(text: str) -> list[float | None]:
    """Values of a series: "50x5 _x3 100+5x4" is 50 five times, nothing three times, 100 105 110 115.

    Raises ValueError with the fix.
    """
    found: list[float | None] = []
    for word in text.split():
        match = _VALUE.fullmatch(word)
        if match is None or (match["first"] == "_" and match["by"]):
            raise ValueError(
                f"{word!r}: is no value: write 50, 50x5 (five times), 100+5x4 (rising) or _ (none)"
            )
        count = int(match["count"] or 1)
        if not 0 < count <= _MOST - len(found):
            raise ValueError(f"{word!r}: write 1 to {_MOST:,} values")
        if match["first"] == "_":
            found += [None] * count
        else:
            first, by = float(match["first"]), float(match["by"] or 0)
            found += [round(first + n * by, 9) for n in range(count)]
    if not found:
        raise ValueError("'': write at least one value")
    return found


def names(text: str) -> list[str]:
    """Ids that one stands for: "m{1..3}" is m1, m2, m3; raises ValueError with the fix."""
    match = re.fullmatch(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", text)
    if match is None:
        return [text]
    first, last = int(match[2]), int(match[3])
    if not first <= last < first + 10_000:
        raise ValueError(f"{text!r}: write the smaller number first, as in m{{1..50}}")
    return [f"{match[1]}{number}{match[4]}" for number in range(first, last + 1)]
