"""Every golden case, in every order of arrival: the ledger says what a person computes by hand."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from analytics.periods import Interval, edges
from analytics.rollup import roll_up
from core.batch import BASE_US
from core.quality import Quality, quality_names
from tests.golden.__main__ import table
from tests.golden.case import FOLDER, load
from tests.golden.process import ARRIVALS, Process
from tests.line import EVER

CASES = load()
PERIODS = {"intervals": Interval.QUARTER_HOUR, "hours": Interval.HOUR, "days": Interval.DAY}
_LENGTH = {"intervals": timedelta(minutes=15), "hours": timedelta(hours=1), "days": timedelta(days=1)}
_HISTORY = np.uint16(Quality.LATE | Quality.OPEN)  # how a figure came to be, not what it is


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    played = Process(tmp_path_factory.mktemp("golden"), CASES)
    yield played
    played.line.close()


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_ledger_says_what_a_person_computes(process, case, arrival):
    expected = case.body["expect"]
    found = process.intervals(case, arrival)
    assert found.amount.sum() == pytest.approx(expected["total"], abs=1e-6)
    for kind, interval in PERIODS.items():
        wanted = case.periods(kind)
        if wanted:
            assert_periods(case, found, wanted, interval, _LENGTH[kind])
    rejected = Counter(process.rejected.get(process.device(case, arrival), ()))
    assert rejected == expected.get("rejected", {})


def assert_periods(case, found, wanted, interval, length):
    """Every period from the first to the last that is wanted, and nothing outside of them."""
    start_us = wanted[0].start_us
    last = case.moment(str(np.datetime64(wanted[-1].start_us, "us")) + "+00:00").astimezone(case.zone)
    end_us = round((last.replace(tzinfo=None) + length).replace(tzinfo=case.zone).timestamp() * 1e6)
    marks = edges(start_us, end_us, interval, case.zone.key)
    assert [period.start_us for period in wanted] == marks[:-1].tolist()
    assert ((found.start_us >= start_us) & (found.start_us + BASE_US <= end_us)).all()
    quality = found.quality & ~_HISTORY
    rolled = roll_up(type(found)(**{**found.columns(), "quality": quality}), marks)
    coverage = rolled.coverage(1, EVER[1]).tolist()
    for at, period in enumerate(wanted):
        known = bool(rolled.intervals[at])
        said = (
            round(float(rolled.sums[at]), 6) if known else None,
            round(coverage[at], 6),
            frozenset(quality_names(int(rolled.quality[at]))) if known else frozenset(),
        )
        assert said == (period.amount, pytest.approx(period.coverage, abs=1e-6), period.flags), (
            f"{np.datetime64(period.start_us, 'us')}Z"
        )


def test_every_case_says_whose_failure_it_is_and_how_its_figures_come_about():
    for case in CASES:
        assert case.body["title"], case.name
        assert case.body["failure"], case.name
        assert case.body["source"]["system"], case.name
        lines = (FOLDER / f"{case.name}.yaml").read_text().splitlines()
        assert any(line.startswith(("#", "  #")) for line in lines), case.name


def test_the_documentation_lists_every_case():
    """`python -m tests.golden` prints the table."""
    assert table() in (FOLDER.parents[1] / "docs" / "ledger.md").read_text()
