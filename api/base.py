"""Which ledgers know periods that are shorter than 15 minutes."""

from collections.abc import Iterable

from analytics.periods import SHORTEST_US, Interval
from api import problems
from api.estate import Estate
from core.batch import BASE_US, MINUTE_US

_LENGTH = {SHORTEST_US[one]: one for one in (Interval.MINUTE, Interval.FIVE_MINUTES, Interval.QUARTER_HOUR)}


def check_base(estate: Estate, devices: Iterable[str], interval: Interval) -> None:
    """Raise a problem for periods shorter than the intervals that the ledger of a meter is kept by."""
    if SHORTEST_US[interval] >= BASE_US:
        return
    real = {one for id_ in devices for one in _real(estate, id_)}
    base_us = {one: estate.catalog.base_us(estate.catalog.devices[one].place_id) for one in sorted(real)}
    coarsest = max(base_us, key=base_us.__getitem__, default=None)
    if coarsest is not None and base_us[coarsest] > SHORTEST_US[interval]:
        longest_us = base_us[coarsest]
        raise problems.invalid(
            "interval",
            interval,
            f"the ledger of {problems.shown(coarsest)} is kept by {longest_us // MINUTE_US} minutes",
            f"ask for interval={_LENGTH[longest_us]}, or give its place base_minutes "
            f"{SHORTEST_US[interval] // MINUTE_US}",
        )


def _real(estate: Estate, device_id: str) -> Iterable[str]:
    made = estate.virtuals.get(device_id)
    return (device_id,) if made is None else made.devices
