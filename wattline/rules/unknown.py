"""What a preview can't know, and what it has taken for granted instead: sentences under its answer."""

from core.model import Name
from wattline.rules.advice import lasting
from wattline.rules.history import History
from wattline.rules.inhibited import Inhibited
from wattline.rules.silence_history import SilenceHistory

_NAMED = 3


def unknown(
    history: History | SilenceHistory, inhibited: Inhibited, span_us: tuple[int, int]
) -> tuple[Name, ...]:
    """In both languages of the pages; empty where everything is known."""
    found = [_not_recorded(id_) for id_ in inhibited.missing]
    if isinstance(history, SilenceHistory):
        found += _of_silence(history, span_us)
    return tuple(found)


def _not_recorded(rule: str) -> Name:
    return Name(
        f"规则 {rule} 在该时段没有告警记录:未按它抑制。若它是新规则,实际告警会更少。",
        f"No alert of rule {rule} is recorded in this span, so it has held nothing back. If that rule is "
        "new, there would have been fewer alerts than here.",
    )


def _of_silence(history: SilenceHistory, span_us: tuple[int, int]) -> list[Name]:
    found = []
    if ids := history.never_heard:
        listed = ", ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")
        found.append(
            Name(
                f"{len(ids)} 台设备从未收到过数据({listed}),因此未监视:若已投用,请填写 valid_from。",
                f"{len(ids)} devices were never heard ({listed}), and are not watched until they are: set "
                "valid_from if they are in use.",
            )
        )
    from_us, to_us = span_us
    deaf = [(max(first, from_us), min(last, to_us)) for first, last in history.deaf.tolist()]
    lasted_s = [(last - first) / 1e6 for first, last in deaf if last > first]
    if lasted_s:
        zh, en = lasting(sum(lasted_s))
        found.append(
            Name(
                f"有 {len(lasted_s)} 次(共 {zh})所有设备都没有数据:视为平台或消息服务中断,其间不产生静默告警,"
                "恢复后重新计时。若当时平台在运行,则会告警。",
                f"Nothing was received from anything {len(lasted_s)} times, {en} in all: taken for an outage "
                "of Wattline or its broker, in which no silence begins and after which each device has its "
                "time to speak. If Wattline did listen then, there would have been alerts.",
            )
        )
    return found
