"""How telling people of alerts goes: what needs somebody, and figures for /metrics."""

from api.services import Services
from api.times import rfc3339
from core.delivery import DeliveryStatus
from core.model import Name


def warnings(services: Services) -> list[Name]:
    """Channels that are disabled, each with what to do about it. Raises StoreError."""
    disabled = services.registry.deliveries.disabled()
    return [_disabled(id_, *disabled[id_]) for id_ in _channels(services) if id_ in disabled]


def figures(services: Services) -> dict[str, float]:
    """By metric name: messages that wait and that were given up, and whether each channel is disabled.

    Nothing in a process that tells nobody. Raises StoreError.
    """
    channels = _channels(services)
    if not channels:
        return {}
    counts, disabled = services.registry.deliveries.counts(), services.registry.deliveries.disabled()
    found: dict[str, float] = {}
    for id_ in sorted({*channels, *(channel for channel, _ in counts)}):
        label = f'{{channel="{id_}"}}'
        dead = counts.get((id_, DeliveryStatus.DEAD), 0)
        waiting = sum(count for (channel, _), count in counts.items() if channel == id_) - dead
        found[f"wattline_deliveries_waiting{label}"] = waiting
        found[f"wattline_deliveries_dead{label}"] = dead
        found[f"wattline_channel_disabled{label}"] = id_ in disabled
    return found


def _channels(services: Services) -> list[str]:
    return [] if services.telling is None else [channel.id for channel in services.telling.channels()]


def _disabled(id_: str, since_us: int, reason: str) -> Name:
    since, enable = rfc3339(since_us // 1_000_000 * 1_000_000), f"POST /api/v1/channels/{id_}/enable"
    return Name(
        zh=f"通知通道 {id_} 自 {since} 起停用（{reason}），不再经它通知任何人："  # noqa: RUF001 - Chinese
        f"核对 channels.yaml 中的地址，再用 {enable} 启用",  # noqa: RUF001 - Chinese
        en=f"channel {id_} is disabled since {since} ({reason}) and nobody is told through it: "
        f"correct its address in channels.yaml, then {enable}",
    )
