"""Words of messages that are not in a template: states, severities, kinds of waste, by language."""

from core.delivery import Event
from core.model import Comparator, Severity

LANGUAGES = ("zh", "en")

SEVERITIES: dict[str, dict[Severity, str]] = {
    "zh": {Severity.CRITICAL: "严重", Severity.WARNING: "警告", Severity.INFO: "提示"},
    "en": {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "info"},
}

EVENTS: dict[str, dict[Event, str]] = {
    "zh": {
        Event.FIRING: "告警",
        Event.STALE: "告警后失去数据",
        Event.RETURNED: "数据恢复,告警仍在",
        Event.RESOLVED: "已恢复",
        Event.ASSIGNED: "已指派",
        Event.ACKNOWLEDGED: "已确认",
        Event.ESCALATED: "超过处理期限,已上报",
        Event.CLOSING: "等待审批关闭",
        Event.CLOSED: "已关闭",
        Event.REPEATED: "仍在告警,无人确认",
        Event.UNACKNOWLEDGED: "无人确认,升级通知",
    },
    "en": {
        Event.FIRING: "alert",
        Event.STALE: "alert, and now silent",
        Event.RETURNED: "heard again, still in breach",
        Event.RESOLVED: "resolved",
        Event.ASSIGNED: "assigned",
        Event.ACKNOWLEDGED: "acknowledged",
        Event.ESCALATED: "overdue, escalated",
        Event.CLOSING: "waits for approval to close",
        Event.CLOSED: "closed",
        Event.REPEATED: "goes on, acknowledged by nobody",
        Event.UNACKNOWLEDGED: "acknowledged by nobody, told to more people",
    },
}

COMPARATORS: dict[str, dict[Comparator, str]] = {
    "zh": {Comparator.ABOVE: "高于限值", Comparator.BELOW: "低于限值"},
    "en": {Comparator.ABOVE: "above the limit of", Comparator.BELOW: "below the limit of"},
}

LIMIT = {"zh": "限值", "en": "limit"}
"""Of an alert that is over: its value is on the right side."""

GONE = {"zh": "(已删除)", "en": "(gone)"}
