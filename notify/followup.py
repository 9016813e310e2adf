"""Alerts that were told and that nobody has acknowledged: told again, and to more people."""

from core.delivery import Event, Following, Notice, Route


def begin(told: Notice, route: Route, now_us: int) -> Following | None:
    """Look after an alert that is told for the first time; None if the route never says more."""
    follow = Following(told.alert_id, route.id, told.number, now_us, now_us, 0, 0, now_us)
    return _scheduled(follow, route)


def due(follow: Following, route: Route, now_us: int) -> tuple[Following | None, list[Notice]]:
    """What to tell now of an alert that goes on unacknowledged, and when to look again."""
    notices: list[Notice] = []
    step, round_, told_at_us = follow.step, follow.round, follow.told_at_us
    channels: dict[str, Event] = {}
    while step < len(route.escalation) and _escalates_us(follow, route, step) <= now_us:
        for channel in route.escalation[step].channels:
            channels[channel] = Event.UNACKNOWLEDGED
        step += 1
    if route.repeat_s is not None and told_at_us + round(route.repeat_s * 1e6) <= now_us:
        told_at_us = now_us
        told = [*route.channels, *(c for done in route.escalation[:step] for c in done.channels)]
        for channel in told:
            channels.setdefault(channel, Event.REPEATED)
    if channels:
        round_ += 1
        notices = [
            Notice(follow.alert_id, follow.number, round_, route.id, channel, event, now_us, now_us)
            for channel, event in channels.items()
        ]
    later = Following(
        follow.alert_id, route.id, follow.number, follow.since_us, told_at_us, step, round_, now_us
    )
    return _scheduled(later, route), notices


def _scheduled(follow: Following, route: Route) -> Following | None:
    times = []
    if follow.step < len(route.escalation):
        times.append(_escalates_us(follow, route, follow.step))
    if route.repeat_s is not None:
        times.append(follow.told_at_us + round(route.repeat_s * 1e6))
    if not times:
        return None
    return Following(
        follow.alert_id,
        follow.route_id,
        follow.number,
        follow.since_us,
        follow.told_at_us,
        follow.step,
        follow.round,
        min(times),
    )


def _escalates_us(follow: Following, route: Route, step: int) -> int:
    return follow.since_us + round(route.escalation[step].after_s * 1e6)
