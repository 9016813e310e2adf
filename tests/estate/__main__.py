"""A whole recorded estate through the line: `python -m tests.estate FOLDER`, one line of JSON a run.

FOLDER holds electricity_hourly.csv.gz and, if there is gas, gas_hourly.csv.gz, with columns
timestamp_utc, building, kwh (simulators/sample/README.md says where such an estate is found).
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from zlib import crc32

import numpy as np

from tests.estate.faults import DROPPED, LATE, disturbed, undisturbed
from tests.estate.recorded import read
from tests.estate.told import compare, play

_FILES = {
    "electricity_hourly.csv.gz": "energy_active_import_total",
    "gas_hourly.csv.gz": "gas_energy_total",
}
_REPLACED, _ROLLING = ("b4-energy", "b19-energy", "b40-energy"), ("b27-energy",)  # devices


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", choices=("whole", "faulty"), action="append", help="default: both")
    parser.add_argument("--buildings", help="only these, with commas between")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    buildings = options.buildings and options.buildings.split(",")
    recorded = [
        one for name, quantity in _FILES.items() if (options.folder / name).exists()
        for one in read(options.folder / name, quantity, buildings)
    ]  # fmt: skip
    plans = {
        "whole": lambda: [undisturbed(one) for one in recorded],
        "faulty": lambda: [_disturbed(one, options.seed) for one in recorded],
    }
    for name in options.run or plans:
        print(json.dumps(run(name, plans[name]())), flush=True)  # noqa: T201


def _disturbed(recorded, seed):
    """Each meter has its own faults, whichever others there are."""
    rng = np.random.default_rng([seed, crc32(recorded.device.encode())])
    device = recorded.device
    return disturbed(recorded, rng, replaced=device in _REPLACED, rolls_over=device in _ROLLING)


def run(name, plans):
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        line = play(Path(folder), plans)
        played_s = time.perf_counter() - begun
        told = [compare(line, plan) for plan in plans]
        line.close()
    return {
        "run": name,
        "registers": len(plans),
        "readings_sent": sum(len(plan.time_us) for plan in plans),
        "readings_dropped": sum(int((~plan.heard).sum()) for plan in plans),
        "readings_late": sum(int((plan.arrives_us > plan.time_us).sum()) for plan in plans),
        "dropped_share": DROPPED if name == "faulty" else 0.0,
        "late_share": LATE if name == "faulty" else 0.0,
        "total_kwh": round(sum(one.total_kwh for one in told), 3),
        "missing_kwh": round(sum(one.missing_kwh for one in told), 6),
        "never_sent_kwh": round(sum(one.never_told_kwh for one in told), 6),
        "worst_hour_kwh": max(one.worst_hour_kwh for one in told),
        "worst_month_kwh": max(one.worst_month_kwh for one in told),
        "worst_year_kwh": max(one.worst_year_kwh for one in told),
        "hours": sum(len(plan.recorded.kwh) for plan in plans),
        "hours_uncovered": sum(one.uncovered for one in told),
        "hours_with_wrong_coverage": sum(one.wrong_coverage for one in told),
        "hours_with_wrong_gap_flag": sum(one.wrong_gaps for one in told),
        "hours_with_other_flags": sum(one.other_flags for one in told),
        "hours_replaced": sum(len(one.replaced) for one in told),
        "hours_rolled_over": sum(len(one.rolled_over) for one in told),
        "seconds": round(played_s, 1),
    }


if __name__ == "__main__":
    main()
