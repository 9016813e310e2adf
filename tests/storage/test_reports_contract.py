"""What every registry promises of closed reports and entered values: nothing is ever overwritten."""

import pytest

from core.errors import Conflict
from core.reports import ClosedReport, EnteredValue, ReportHead


def head(identity, closed_at_us=1, place="org"):
    return ReportHead(identity, "statutory", place, "2026Q1", closed_at_us, "Li", "first")


def test_values_come_back_in_the_order_of_entry_those_replaced_included(registry):
    first = EnteredValue("org", 2026, 1, "coal", 1.5, "invoice 7", "Li", 10)
    second = EnteredValue("org", 2026, 1, "coal", None, "entered twice", "Wu", 20)
    registry.enter_values([first])
    registry.enter_values([second, EnteredValue("org", 2025, 4, "coal", 9.0, "", "Li", 30)])
    registry.enter_values([])
    assert registry.entered_values(2026) == [first, second]


def test_a_closed_report_comes_back_as_it_was(registry):
    report = ClosedReport(head("r1"), b'{"a": 1}', bytes(range(256)))
    registry.close_report(report)
    assert registry.closed_report("r1") == report
    assert registry.closed_report("r2") is None


def test_a_closed_report_is_never_overwritten(registry):
    registry.close_report(ClosedReport(head("r1"), b"{}", b""))
    with pytest.raises(Conflict):
        registry.close_report(ClosedReport(head("r1"), b"{}", b"other"))
    assert registry.closed_report("r1").basis == b""


def test_heads_are_listed_newest_first(registry):
    for identity, closed_at_us, place in (("a", 1, "org"), ("b", 3, "org"), ("c", 2, "city")):
        registry.close_report(ClosedReport(head(identity, closed_at_us, place), b"{}", b""))
    assert [one.id for one in registry.closed_reports()] == ["b", "c", "a"]
    assert [one.id for one in registry.closed_reports("org")] == ["b", "a"]
