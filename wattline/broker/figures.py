"""What mosquitto tells of itself under $SYS: how much waits in it, and whether it has thrown anything away.

Pure: the connection is in wattline/broker/watch.py.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.model import Name

_DROPPED = "wattline_broker_messages_dropped_total"
_STORED, _RETAINED = "stored", "retained"

TOPICS = {
    "$SYS/broker/publish/messages/dropped": _DROPPED,
    "$SYS/broker/store/messages/count": _STORED,
    "$SYS/broker/retained messages/count": _RETAINED,
    "$SYS/broker/clients/connected": "wattline_broker_clients_connected",
    "$SYS/broker/clients/disconnected": "wattline_broker_clients_disconnected",
    "$SYS/broker/heap/current": "wattline_broker_heap_bytes",
}
"""Names of mosquitto's topics; other brokers have other ones, or none."""

_SHOWN_US = 24 * 3_600_000_000
"""How long a loss stays a warning: long enough that whoever comes in next morning sees it."""


@dataclass(slots=True)
class Figures:
    """The newest value of each figure, and when messages were last seen to be dropped.

    The broker counts from its own start. A count that falls, or is the first that we see, has all been
    dropped since: what a queue loses while Wattline is away is seen only when Wattline is back.
    """

    values: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    dropped_at_us: int = 0

    def take(self, topic: str, payload: bytes, now_us: int) -> int:
        """Keep a figure; returns how many more messages were dropped."""
        name = TOPICS.get(topic)
        if name is None or not payload.isdigit():
            return 0
        value = int(payload)
        self.values[name] = value
        if name != _DROPPED:
            return 0
        more = value - self.dropped if value >= self.dropped else value
        self.dropped = value
        if more:
            self.dropped_at_us = now_us
        return more

    def forget(self) -> None:
        """The connection is gone: what the broker counts by now is not known."""
        self.values.clear()

    def metrics(self) -> dict[str, float]:
        """Values by metric name; wattline_broker_watched is 0, and all others absent, while none is known."""
        known = {name: float(value) for name, value in self.values.items() if name.startswith("wattline_")}
        if _STORED in self.values and _RETAINED in self.values:
            # The store holds every message that is queued, under way or retained, each once.
            waiting = max(0, self.values[_STORED] - self.values[_RETAINED])
            known["wattline_broker_backlog_messages"] = float(waiting)
        return known | {"wattline_broker_watched": float(bool(self.values))}

    def warnings(self, now_us: int) -> list[Name]:
        """What someone has to do something about."""
        if not self.dropped_at_us or now_us - self.dropped_at_us > _SHOWN_US:
            return []
        seen = datetime.fromtimestamp(self.dropped_at_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
        zh = (
            f"消息代理自启动以来已丢弃 {self.dropped} 条消息，最近发现于 {seen}："  # noqa: RUF001 - Chinese
            "找出停止接收的客户端，或调高 max_queued_messages"  # noqa: RUF001 - Chinese
        )
        en = (
            f"the broker has dropped {self.dropped} messages since it started, seen last at {seen}: find the "
            "consumer that is down, or raise max_queued_messages"
        )
        where = "docs/operations.md, The broker"
        return [Name(f"{zh}（{where}）", f"{en} ({where})")]  # noqa: RUF001 - Chinese
