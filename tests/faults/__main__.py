"""Run a campaign of faults: `python -m tests.faults NAME --trials N --seed S`; ends with a line of JSON."""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.campaigns import CAMPAIGNS
from tests.faults.world import Options


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("name", choices=sorted(CAMPAIGNS))
    for option in dataclasses.fields(Options):
        kind = type(option.default)
        parser.add_argument(f"--{option.name}", type=kind, default=option.default)
    given = vars(parser.parse_args())
    campaign = CAMPAIGNS[given.pop("name")]
    with tempfile.TemporaryDirectory(prefix="wattline-faults-") as folder:
        try:
            report = campaign(Options(**given), Path(folder))
        except (pytest.fail.Exception, pytest.skip.Exception) as outcome:
            sys.stderr.write(f"{outcome}\n")
            return 2
    sys.stdout.write(report.line() + "\n")
    return 0 if report.valid else 1


if __name__ == "__main__":
    sys.exit(main())
