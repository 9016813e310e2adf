"""How far a meter's day can be trusted: eleven rules, each with what it found, and a score.

In: a day's readings and ledger intervals of one meter. Out: of each rule the share of what
it looked at that was in order. The score is the weighted mean of these shares, from 0 to
100, over the rules that could be checked; a meter that was never heard scores 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics import data_quality_rules as rules
from analytics.data_quality_rules import Finding, MeterDay
from core.model import Name


class Rule(StrEnum):
    """What is checked, by the number of the rule."""

    RANGE = "range"  # 1
    RATE = "rate"  # 2
    FALLS = "falls"  # 3
    BALANCE = "balance"  # 4
    POWER_TRIANGLE = "power_triangle"  # 5
    FROZEN = "frozen"  # 6
    STALE = "stale"  # 7
    CLOCK = "clock"  # 8
    COMPLETENESS = "completeness"  # 9
    DUPLICATES = "duplicates"  # 10
    GAPS = "gaps"  # 11


@dataclass(frozen=True, slots=True)
class Check:
    """A rule: how it is checked, what it weighs, and from which share on it has passed."""

    check: Callable[[MeterDay], Finding | None]
    weight: float
    pass_share: float
    asks: str
    action: Name


CHECKS: dict[Rule, Check] = {
    Rule.RANGE: Check(
        rules.in_range,
        2.0,
        1.0,
        "values within what the instrument can show, power within twice the rated",
        Name("核对单位、CT/PT 变比和表计量程", "Check the unit, the CT/PT ratio and the range of the meter"),
    ),
    Rule.RATE: Check(
        rules.rate,
        2.0,
        1.0,
        "counters rise by no more than twice the rated power allows",
        Name(
            "核对额定功率和变比;若表计跳数,请检修并登记",
            "Check the rated power and the ratio; have a meter that jumps repaired and note it",
        ),
    ),
    Rule.FALLS: Check(
        rules.falls,
        2.0,
        1.0,
        "counters fall only where they roll over or were replaced",
        Name(
            "确认是换表、清零还是通信错误,并登记换表记录",
            "Find out whether the meter was replaced, reset or misread, and register the replacement",
        ),
    ),
    Rule.BALANCE: Check(
        rules.balance,
        1.0,
        1.0,
        "the meters below count no more than this one, within their accuracy",
        Name(
            "核对上下级关系、变比和各分表的安装位置",
            "Check which meters are below this one, their ratios and where they are installed",
        ),
    ),
    Rule.POWER_TRIANGLE: Check(
        rules.power_triangle,
        1.0,
        0.95,
        "power is voltage times current times power factor, within a tenth",
        Name(
            "检查电流互感器方向、相序和接线",
            "Check the direction of the transformers, phase order and wiring",
        ),
    ),
    Rule.FROZEN: Check(
        rules.frozen,
        3.0,
        1.0,
        "the counter moves while current flows",
        Name("电表计数停走,请更换或检修", "The counter stands still under load: repair or replace the meter"),
    ),
    Rule.STALE: Check(
        rules.stale,
        1.0,
        1.0,
        "no silence longer than three expected intervals",
        Name("检查供电、网络和采集器", "Check power, network and the collector"),
    ),
    Rule.CLOCK: Check(
        rules.clock,
        1.0,
        0.99,
        "the device sends its own time, and never one in the future",
        Name("为设备校时,检查时区和时间单位", "Set the device's clock; check its time zone and unit of time"),
    ),
    Rule.COMPLETENESS: Check(
        rules.completeness,
        3.0,
        0.98,
        "readings that came of those expected",
        Name("检查网络和上报周期设置", "Check the network and the reporting interval that is registered"),
    ),
    Rule.DUPLICATES: Check(
        rules.duplicates,
        1.0,
        0.99,
        "no reading is sent again under another time",
        Name("检查是否有两路数据上报同一表计", "Check whether two sources report the same meter"),
    ),
    Rule.GAPS: Check(
        rules.gaps,
        2.0,
        1.0,
        "intervals that were measured, not spread over a silence",
        Name(
            "从表计存储补录缺失数据;统计报表不含估算值",
            "Import what the meter has stored; statutory figures leave out what is estimated",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Result:
    """A rule on a meter's day; finding is None where it could not be checked."""

    rule: Rule
    finding: Finding | None

    @property
    def passed(self) -> bool | None:
        """Whether it passed; None where it could not be checked."""
        return None if self.finding is None else self.finding.share >= CHECKS[self.rule].pass_share


def check(day: MeterDay) -> list[Result]:
    """All eleven rules in order of their number."""
    return [Result(rule, one.check(day)) for rule, one in CHECKS.items()]


def score(results: list[Result]) -> float:
    """Weighted mean of the shares in order, 0 to 100; NaN if nothing could be checked."""
    checked = [(CHECKS[one.rule].weight, one.finding.share) for one in results if one.finding]
    if not checked:
        return float("nan")
    weight, share = np.array(checked).T
    return float(100 * (weight * share).sum() / weight.sum())
