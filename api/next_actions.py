"""What a person should do next about an alert."""

from api.schemas.base import Names
from core.alerts import AlertRecord, AlertState, Handled, Withdrawn
from core.model import Name
from core.rules import Rule

_SILENT = Names(
    zh="设备在越限时失去数据：先检查其供电和通信，再按规则处理。",  # noqa: RUF001 - Chinese punctuation
    en="It fell silent while in breach: check its power and network first, then do what the rule says.",
)
_CLOSE = Names(
    zh="遥测已恢复正常：写明原因并关闭。",  # noqa: RUF001 - Chinese punctuation
    en="Telemetry has returned to normal: say what it was and close it.",
)
_HISTORY = Names(
    zh="由迟到的数据发现：核对当时情况后关闭。",  # noqa: RUF001 - Chinese punctuation
    en="Found in data that came late: see what happened then, and close it.",
)


_WITHDRAWN = {
    Withdrawn.DROPPED: Names(
        zh="规则已删除：以“规则已撤销”关闭，或重新设置规则。",  # noqa: RUF001 - Chinese punctuation
        en="Its rule was dropped: close it as rule_withdrawn, or state the rule again.",
    ),
    Withdrawn.DISABLED: Names(
        zh="规则已停用：以“规则已撤销”关闭，或重新启用规则。",  # noqa: RUF001 - Chinese punctuation
        en="Its rule is disabled: close it as rule_withdrawn, or enable the rule.",
    ),
    Withdrawn.NOT_SELECTED: Names(
        zh="规则已不再选中此对象：以“规则已撤销”关闭，或在规则中重新选中。",  # noqa: RUF001 - Chinese punctuation
        en="Its rule selects it no more: close it as rule_withdrawn, or select it again.",
    ),
}


def next_action(rule: Rule | None, record: AlertRecord, withdrawn: Withdrawn | None) -> Names | None:
    """In both languages; None if there is nothing to do.

    rule: None of one that nobody knows. withdrawn: why nothing watches it any more.
    """
    alert, handling = record.alert, record.handling
    if handling.status is Handled.CLOSED:
        return None
    if handling.status is Handled.CLOSING:
        return Names(
            zh=f"由 {handling.closed_by} 以外的人批准或退回。",
            en=f"Somebody other than {handling.closed_by} approves or refuses that it is closed.",
        )
    if alert.state is AlertState.RESOLVED:
        return _HISTORY if alert.retrospective else _CLOSE
    if withdrawn is not None:
        return _WITHDRAWN[withdrawn]
    if alert.state is AlertState.STALE:
        return _SILENT
    action = Name(alert.rule_id, alert.rule_id) if rule is None else rule.action
    return Names(zh=action.zh, en=action.en)
