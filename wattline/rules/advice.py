"""What to do about a rule that was tried on history: the sentence under a preview."""

from math import ceil, floor, log10

from core.model import Comparator, Name
from core.preview import Highest, Totals
from core.rules import Deviation, NoData, Rule

_LITTLE_COVERAGE = 0.5
_MANY_TARGETS = 0.2
_OFTEN_A_WEEK = 3.0
_SHORT_S = 900.0
"""From which a person would not trust a rule: a fifth of all targets, three alerts a week each."""


def advice(rule: Rule, totals: Totals, highest: Highest | None) -> Name:
    """The first thing that stands between the rule and trust, in both languages of the pages."""
    if not totals.targets:
        return Name(
            "没有对象符合该规则的 select:请核对场所、设备、类别与标签。",
            "The rule watches nothing: check places, devices, categories and tags under select.",
        )
    if not totals.observations:
        return Name(
            "该时段没有可判断的数据:请换一个有数据的时段。",
            "There is nothing to judge in this span: choose one with data.",
        )
    if totals.coverage < _LITTLE_COVERAGE:
        return Name(
            f"只有 {totals.coverage:.0%} 的时间有数据,结果说明不了什么:请换一个时段,或先恢复数据。",
            f"There is data for {totals.coverage:.0%} of the time only, which says little: choose another "
            "span, or get the data back first.",
        )
    if not totals.alerts:
        return _silent(rule, highest)
    return _too_many(rule, totals, highest) or _too_often(totals) or _fine(totals)


def _silent(rule: Rule, highest: Highest | None) -> Name:
    limit = stated_limit(rule)
    if isinstance(rule.condition, NoData) and highest is not None:
        zh, en = lasting(highest.most)
        return Name(
            f"不会有告警:最长的静默为 {zh}。可以启用。",
            f"It would not have fired: the longest silence was {en}. Turn it on.",
        )
    if highest is None or limit is None:
        return Name("不会有告警。可以启用。", "It would not have fired. Turn it on.")
    below = highest.comparator is Comparator.BELOW
    word = ("最低", "lowest") if below else ("最高", "highest")
    return Name(
        f"不会有告警:{word[0]}值为 {highest.most:g},阈值为 {limit:g}。若本应告警,请改阈值。",
        f"It would not have fired: the {word[1]} value is {highest.most:g}, the threshold {limit:g}. "
        "Move the threshold if there was something to tell; else turn it on.",
    )


def _too_many(rule: Rule, totals: Totals, highest: Highest | None) -> Name | None:
    share = totals.targets_with_alerts / totals.targets
    if share < _MANY_TARGETS or totals.targets < 5:
        return None
    if highest is None or stated_limit(rule) is None:
        has_factor = isinstance(rule.condition, Deviation | NoData)
        what = ("factor", "factor") if has_factor else ("限值", "the limit")
        return Name(
            f"{share:.0%} 的对象会告警:请提高{what[0]},或按类别分成几条规则。",
            f"{share:.0%} of the targets would have raised it: raise {what[1]}, or make a "
            "rule for each category.",
        )
    below = highest.comparator is Comparator.BELOW
    to = _round(highest.p95, up=not below)
    return Name(
        f"{share:.0%} 的对象会告警:请把阈值{'降' if below else '升'}到 {to:g}(只有 5% 的对象越过它),"
        "或按类别分成几条规则。",
        f"{share:.0%} of the targets would have raised it: {'lower' if below else 'raise'} the threshold "
        f"to {to:g}, which 5 % of them pass, or make a rule for each category.",
    )


def _too_often(totals: Totals) -> Name | None:
    each = totals.per_week / totals.targets_with_alerts
    if each < _OFTEN_A_WEEK:
        return None
    lasts = lasting(totals.median_s)
    if totals.median_s < _SHORT_S:
        return Name(
            f"每个对象每周告警 {each:.1f} 次,一半不超过 {lasts[0]}:请加长 for_s,或设 clear_threshold "
            "与 keep_firing_for_s。",
            f"Each target would have raised it {each:.1f} times a week, half of them for no more than "
            f"{lasts[1]}: make for_s longer, or set clear_threshold and keep_firing_for_s.",
        )
    return Name(
        f"每个对象每周告警 {each:.1f} 次:若属正常,请改阈值或 active 时段。",
        f"Each target would have raised it {each:.1f} times a week: if that is how it runs, move the "
        "threshold or set active.",
    )


def _fine(totals: Totals) -> Name:
    longest = lasting(totals.longest_s)
    return Name(
        f"每周 {totals.per_week:.1f} 次告警,最长 {longest[0]}:请看最长的几次,若都值得处理,就启用。",
        f"{totals.per_week:.1f} alerts a week, the longest {longest[1]}: look at the longest ones, "
        "and turn it on if each was worth a person's time.",
    )


def stated_limit(rule: Rule) -> float | None:
    """The threshold that a rule states; None where it is made from history or a contract."""
    limit: float | None = getattr(rule.condition, "threshold", None)
    return limit


def lasting(seconds: float) -> tuple[str, str]:
    """A duration in both languages."""
    for size_s, zh, en in ((86_400.0, "天", "days"), (3_600.0, "小时", "h"), (60.0, "分钟", "min")):
        if seconds >= 2 * size_s:
            return f"{seconds / size_s:.0f} {zh}", f"{seconds / size_s:.0f} {en}"
    return f"{seconds:.0f} 秒", f"{seconds:.0f} s"


def _round(value: float, *, up: bool) -> float:
    """To three digits, away from what is normal."""
    if not value:
        return value
    step = 10.0 ** (floor(log10(abs(value))) - 2)
    return (ceil(value / step) if up else floor(value / step)) * step
