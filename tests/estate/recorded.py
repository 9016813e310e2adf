"""A recorded estate, read without our code: hourly amounts by building."""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Recorded:
    """Amounts of one register in kWh, one an hour without a gap; start_us is that of the first hour.

    standing: what its dial showed before the first hour.
    """

    building: str
    quantity: str
    start_us: int
    kwh: np.ndarray
    standing: float = 0.0

    @property
    def device(self):
        return f"{self.building}-{self.quantity.split('_', 1)[0]}"

    @property
    def edges_us(self):
        """Edges of all hours: the times of its readings."""
        return self.start_us + HOUR_US * np.arange(len(self.kwh) + 1, dtype=np.int64)

    @property
    def dial(self):
        """What a counter shows at each of the edges, in kWh, exact to the Wh."""
        return np.round(self.standing + np.concatenate([[0.0], np.cumsum(self.kwh)]), 3)


def read(path, quantity, buildings=None, first_us=None, hours=None):
    """Every building of a file (timestamp_utc, building, kwh), or those named; perhaps a part."""
    rows = defaultdict(dict)
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            if buildings is None or row["building"] in buildings:
                rows[row["building"]][row["timestamp_utc"]] = float(row["kwh"])
    found = []
    for number, (building, by_time) in enumerate(rows.items()):
        times = np.array(list(by_time), "datetime64[us]").astype(np.int64)
        kwh = np.array(list(by_time.values()))
        assert (np.diff(times) == HOUR_US).all(), f"{building}: the file has gaps"
        part = slice(None)
        if first_us is not None:
            first = int(np.searchsorted(times, first_us))
            part = slice(first, first + hours)
        found.append(Recorded(building, quantity, int(times[part][0]), kwh[part], 1000.0 * (number + 1)))
    return found
